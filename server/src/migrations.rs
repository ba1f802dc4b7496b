//! The database's shape: the migrations, compiled in.

use sqlx::{
    PgPool,
    migrate::{Migrate, MigrateError, Migrator},
};

/// `migrations/` at the time of the build.
pub static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// Applies what is missing. Safe to run twice and from several hosts at once: Postgres holds a lock meanwhile.
/// Returns how many were applied.
pub async fn migrate(db: &PgPool) -> Result<usize, MigrateError> {
    let missing = pending(db).await?;
    MIGRATOR.run(db).await?;
    Ok(missing)
}

/// How many migrations of this release the database does not have yet.
pub async fn pending(db: &PgPool) -> Result<usize, MigrateError> {
    let mut connection = db.acquire().await?;
    let applied = match connection.list_applied_migrations("_sqlx_migrations").await {
        Ok(applied) => applied,
        // The table comes with the first migration.
        Err(MigrateError::Execute(error)) if is_no_such_table(&error) => Vec::new(),
        Err(error) => return Err(error),
    };
    let is_applied = |version| applied.iter().any(|applied| applied.version == version);
    Ok(MIGRATOR.iter().filter(|migration| !is_applied(migration.version)).count())
}

fn is_no_such_table(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == "42P01")
}
