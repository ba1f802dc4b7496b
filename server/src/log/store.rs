//! Lines in Postgres: the table `log_lines`, a partition for each day.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::Line;

/// Adds lines with one statement, in the caller's transaction. They have to be [tidied](Line::tidy).
pub async fn insert_lines(connection: &mut PgConnection, lines: &[Line]) -> sqlx::Result<()> {
    let mut columns = Columns::default();
    lines.iter().for_each(|line| columns.push(line));
    columns.insert(connection).await
}

/// Makes the partitions of the next days and drops those older than `keep_days`, `now` being Postgres' own unless it is
/// given. Returns how many of each.
pub async fn keep_partitions(
    connection: &mut PgConnection,
    now: Option<DateTime<Utc>>,
    keep_days: i32,
) -> sqlx::Result<(i32, i32)> {
    let kept = sqlx::query!(
        r#"SELECT made AS "made!", dropped AS "dropped!" FROM keep_log_partitions(COALESCE($1, now()), $2)"#,
        now,
        keep_days
    )
    .fetch_one(connection)
    .await?;
    Ok((kept.made, kept.dropped))
}

/// Many lines, column by column.
#[derive(Default)]
pub(super) struct Columns<'a> {
    at: Vec<DateTime<Utc>>,
    level: Vec<i16>,
    facility: Vec<&'static str>,
    description: Vec<&'a str>,
    user_name: Vec<Option<&'a str>>,
    user_id: Vec<Option<&'a str>>,
    project: Vec<Option<&'a str>>,
    session: Vec<Option<&'a str>>,
    request_id: Vec<Option<&'a str>>,
    node: Vec<&'a str>,
    region: Vec<Option<&'a str>>,
    zone: Vec<Option<&'a str>>,
    environment: Vec<Option<&'a str>>,
    release: Vec<&'a str>,
    fields: Vec<String>,
}

impl<'a> Columns<'a> {
    pub(super) fn push(&mut self, line: &'a Line) {
        self.at.push(line.at);
        self.level.push(line.level.number());
        self.facility.push(line.facility.as_str());
        self.description.push(&line.description);
        self.user_name.push(line.who.user.as_deref());
        self.user_id.push(line.who.user_id.as_deref());
        self.project.push(line.project.as_deref());
        self.session.push(line.who.session.as_deref());
        self.request_id.push(line.request_id.as_deref());
        self.node.push(&line.place.node);
        self.region.push(line.place.region.as_deref());
        self.zone.push(line.place.zone.as_deref());
        self.environment.push(line.place.environment.as_deref());
        self.release.push(&line.place.release);
        self.fields.push(line.fields.to_json_text());
    }

    pub(super) async fn insert(&self, connection: &mut PgConnection) -> sqlx::Result<()> {
        sqlx::query!(
            "INSERT INTO log_lines
                (at, level, facility, description, user_name, user_id, project, session, request_id,
                 node, region, zone, environment, release, fields)
             SELECT at, level, facility, description, user_name, user_id, project, session, request_id,
                 node, region, zone, environment, release, fields::json
             FROM UNNEST(
                 $1::timestamptz[], $2::smallint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                 $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[]
             ) AS line (at, level, facility, description, user_name, user_id, project, session, request_id,
                 node, region, zone, environment, release, fields)",
            &self.at,
            &self.level,
            &self.facility as &[&str],
            &self.description as &[&str],
            &self.user_name as &[Option<&str>],
            &self.user_id as &[Option<&str>],
            &self.project as &[Option<&str>],
            &self.session as &[Option<&str>],
            &self.request_id as &[Option<&str>],
            &self.node as &[&str],
            &self.region as &[Option<&str>],
            &self.zone as &[Option<&str>],
            &self.environment as &[Option<&str>],
            &self.release as &[&str],
            &self.fields,
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}
