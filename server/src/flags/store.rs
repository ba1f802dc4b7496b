//! The table of what operators set.

use api_types::flags::Flag;
use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, PgPool};

use crate::clock::Clock;

/// What operators set of one flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub percent: u8,
    /// Names of users who have it whatever the percentage.
    pub on_for: Vec<String>,
    /// Names of users who do not.
    pub off_for: Vec<String>,
    pub changed_by: String,
    pub changed_at: DateTime<Utc>,
    pub because: String,
}

/// What is to be set, in place of what was set before.
#[derive(Clone, Debug)]
pub struct SetFlag {
    pub flag: Flag,
    pub percent: u8,
    pub on_for: Vec<String>,
    pub off_for: Vec<String>,
    pub changed_by: String,
    pub because: String,
}

/// The table `flags`. Cheap to clone.
#[derive(Clone)]
pub struct FlagStore {
    db: PgPool,
    clock: Clock,
}

/// The channel of the trigger on `flags`.
pub const CHANGED: &str = "flags";

impl FlagStore {
    pub fn new(db: PgPool, clock: Clock) -> Self {
        Self { db, clock }
    }

    pub fn db(&self) -> &PgPool {
        &self.db
    }

    pub async fn set_flag(&self, wanted: SetFlag) -> sqlx::Result<Setting> {
        let row = sqlx::query_as!(
            FlagRow,
            "INSERT INTO flags (name, percent, on_for, off_for, changed_by, changed_at, because)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (name) DO UPDATE SET
                 percent = EXCLUDED.percent, on_for = EXCLUDED.on_for, off_for = EXCLUDED.off_for,
                 changed_by = EXCLUDED.changed_by, changed_at = EXCLUDED.changed_at, because = EXCLUDED.because
             RETURNING name, percent, on_for, off_for, changed_by, changed_at, because",
            wanted.flag.name(),
            i16::from(wanted.percent),
            &wanted.on_for,
            &wanted.off_for,
            wanted.changed_by,
            self.clock.now(),
            wanted.because
        )
        .fetch_one(&self.db)
        .await?;
        Ok(row.into_setting().1)
    }

    /// Returns what was set, where it was there.
    pub async fn clear_flag(&self, flag: Flag) -> sqlx::Result<Option<Setting>> {
        let row = sqlx::query_as!(
            FlagRow,
            "DELETE FROM flags
             WHERE name = $1
             RETURNING name, percent, on_for, off_for, changed_by, changed_at, because",
            flag.name()
        )
        .fetch_optional(&self.db)
        .await?;
        Ok(row.map(|row| row.into_setting().1))
    }
}

/// What is set, by the flags' names, over a connection of the caller's choice.
pub async fn list_flags(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<(String, Setting)>> {
    let rows = sqlx::query_as!(
        FlagRow,
        "SELECT name, percent, on_for, off_for, changed_by, changed_at, because
         FROM flags"
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(FlagRow::into_setting).collect())
}

struct FlagRow {
    name: String,
    percent: i16,
    on_for: Vec<String>,
    off_for: Vec<String>,
    changed_by: String,
    changed_at: DateTime<Utc>,
    because: String,
}

impl FlagRow {
    fn into_setting(self) -> (String, Setting) {
        let setting = Setting {
            percent: u8::try_from(self.percent).unwrap_or_default(),
            on_for: self.on_for,
            off_for: self.off_for,
            changed_by: self.changed_by,
            changed_at: self.changed_at,
            because: self.because,
        };
        (self.name, setting)
    }
}
