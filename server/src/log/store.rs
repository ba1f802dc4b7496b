//! Lines in Postgres: the table `log_lines`, a partition for each day.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{Line, Place};

/// Adds lines, those of one place with one statement: what a node writes down of its own. They have to be
/// [tidied](Line::tidy).
pub async fn insert_lines<'a>(
    connection: &mut PgConnection,
    lines: impl IntoIterator<Item = &'a Line>,
) -> sqlx::Result<()> {
    let mut of_places: Vec<Columns<'a>> = Vec::with_capacity(1);
    for line in lines {
        let is_of = |columns: &Columns| *columns.place == *line.place;
        match of_places.last_mut().filter(|columns| is_of(columns)) {
            Some(columns) => columns.push(line),
            None => of_places.push(Columns::of(line)),
        }
    }
    for columns in of_places {
        columns.insert(&mut *connection).await?;
    }
    Ok(())
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

/// Many lines of one place, column by column.
struct Columns<'a> {
    place: &'a Place,
    at: Vec<DateTime<Utc>>,
    level: Vec<i16>,
    facility: Vec<&'static str>,
    description: Vec<&'a str>,
    user_name: Vec<Option<&'a str>>,
    user_id: Vec<Option<&'a str>>,
    project: Vec<Option<&'a str>>,
    session: Vec<Option<&'a str>>,
    request_id: Vec<Option<&'a str>>,
    fields: Vec<String>,
}

impl<'a> Columns<'a> {
    /// Those of the first line.
    fn of(line: &'a Line) -> Self {
        let mut columns = Self {
            place: &line.place,
            at: Vec::new(),
            level: Vec::new(),
            facility: Vec::new(),
            description: Vec::new(),
            user_name: Vec::new(),
            user_id: Vec::new(),
            project: Vec::new(),
            session: Vec::new(),
            request_id: Vec::new(),
            fields: Vec::new(),
        };
        columns.push(line);
        columns
    }

    fn push(&mut self, line: &'a Line) {
        self.at.push(line.at);
        self.level.push(line.level.number());
        self.facility.push(line.facility.as_str());
        self.description.push(&line.description);
        self.user_name.push(line.who.user.as_deref());
        self.user_id.push(line.who.user_id.as_deref());
        self.project.push(line.project.as_deref());
        self.session.push(line.who.session.as_deref());
        self.request_id.push(line.request_id.as_deref());
        self.fields.push(line.fields.to_json_text());
    }

    async fn insert(&self, connection: &mut PgConnection) -> sqlx::Result<()> {
        sqlx::query!(
            "INSERT INTO log_lines
                (at, level, facility, description, user_name, user_id, project, session, request_id,
                 node, region, zone, environment, release, fields)
             SELECT at, level, facility, description, user_name, user_id, project, session, request_id,
                 $11, $12, $13, $14, $15, fields::json
             FROM UNNEST(
                 $1::timestamptz[], $2::smallint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                 $8::text[], $9::text[], $10::text[]
             ) AS line (at, level, facility, description, user_name, user_id, project, session, request_id, fields)",
            &self.at,
            &self.level,
            &self.facility as &[&str],
            &self.description as &[&str],
            &self.user_name as &[Option<&str>],
            &self.user_id as &[Option<&str>],
            &self.project as &[Option<&str>],
            &self.session as &[Option<&str>],
            &self.request_id as &[Option<&str>],
            &self.fields,
            self.place.node,
            self.place.region,
            self.place.zone,
            self.place.environment,
            self.place.release,
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}
