//! Whose turn it is in a place: the nodes share its time out among themselves, one stretch after the other.

use std::time::Duration;

use sqlx::{Result, query_scalar};

use super::{JobStore, bounded};

impl JobStore {
    /// Takes the next stretch of a place's time that no node has, of this length. Gives in how long it begins: by the
    /// database's clock, since nodes' own may differ.
    ///
    /// Nobody stands in line for longer than `longest_line`. Where all time is taken for longer than that, the
    /// database's clock was put back, and what was taken before counts no more.
    pub async fn reserve_stretch(
        &self,
        place: &str,
        length: Duration,
        longest_line: Duration,
    ) -> Result<Duration> {
        let reserve = query_scalar!(
            // The clock is read once the row is held, not when the statement began to wait for it.
            r#"INSERT INTO job_places AS known (place, next_at)
            VALUES ($1, clock_timestamp() + make_interval(secs => $2))
            ON CONFLICT (place) DO UPDATE
            SET next_at = make_interval(secs => $2) + GREATEST(
                    LEAST(known.next_at, clock_timestamp() + make_interval(secs => $3)),
                    clock_timestamp()
                )
            RETURNING EXTRACT(EPOCH FROM next_at - make_interval(secs => $2) - clock_timestamp())::float8
                AS "begins_in!""#,
            place,
            length.as_secs_f64(),
            longest_line.as_secs_f64(),
        );
        let begins_in = bounded(reserve.fetch_one(&self.db)).await?;
        // One that begins at once has begun by the time it is measured.
        Ok(Duration::try_from_secs_f64(begins_in).unwrap_or_default())
    }
}
