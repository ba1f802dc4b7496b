//! The table `client_log_streams`: what of each stream is stored, and whose it is.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use sqlx::{PgConnection, PgPool, query};
use uuid::Uuid;

use super::ranges::Ranges;

/// A stream's row.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    user_id: Option<String>,
    received: Ranges,
}

/// What this node has stored last of some streams, so that they need not be read again. Whoever relies on it says so when
/// they [`update`], since another node may have stored more.
#[derive(Default)]
pub struct Known(Mutex<HashMap<Uuid, Stream>>);

/// Some megabytes. Tabs that are open on one node are fewer.
const MOST_KNOWN: usize = 20_000;

impl Known {
    /// All of these; `None` where one of them is not known.
    pub fn get_all(&self, ids: &BTreeSet<Uuid>) -> Option<HashMap<Uuid, Stream>> {
        let known = self.0.lock();
        ids.iter().map(|id| Some((*id, known.get(id)?.clone()))).collect()
    }

    /// Notes what was committed.
    pub fn keep(&self, streams: HashMap<Uuid, Stream>) {
        let mut known = self.0.lock();
        if known.len() + streams.len() > MOST_KNOWN {
            known.clear();
        }
        known.extend(streams);
    }
}

/// Why a batch is not for its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    OtherUser,
    /// More gaps than any browser leaves.
    Sequence,
}

/// Rows deleted at once; small, so that no lock is held long.
const DELETE_BATCH: i64 = 2_000;

impl Stream {
    /// Notes that these numbers are stored now, by this user. Returns those that were not before, as places in the batch.
    ///
    /// Who is signed in takes over a stream that was begun before; nobody takes over another one's.
    pub fn take(&mut self, user_id: Option<&str>, first: u64, last: u64) -> Result<Vec<usize>, NotTaken> {
        if self.user_id.is_some() && self.user_id.as_deref() != user_id {
            return Err(NotTaken::OtherUser);
        }
        let fresh = (first..=last).enumerate().filter(|(_, number)| !self.received.contains(*number));
        let fresh: Vec<usize> = fresh.map(|(place, _)| place).collect();
        if fresh.is_empty() {
            return Ok(fresh);
        }
        if !self.received.insert(first, last) {
            return Err(NotTaken::Sequence);
        }
        if self.user_id.is_none() {
            self.user_id = user_id.map(str::to_owned);
        }
        Ok(fresh)
    }
}

/// Locks the rows of these streams, and makes those that are missing.
///
/// Rows are locked in the order of their ids, the known ones before the new ones, so that two nodes never wait for each
/// other.
pub async fn lock(
    connection: &mut PgConnection,
    ids: BTreeSet<Uuid>,
    now: DateTime<Utc>,
) -> sqlx::Result<HashMap<Uuid, Stream>> {
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let mut streams = HashMap::with_capacity(ids.len());
    lock_known(connection, &ids, &mut streams).await?;
    let new: Vec<Uuid> = ids.into_iter().filter(|id| !streams.contains_key(id)).collect();
    if !new.is_empty() {
        query!(
            "INSERT INTO client_log_streams (id, started_at, last_at)
            SELECT id, $2, $2 FROM UNNEST($1::uuid[]) AS new (id)
            ON CONFLICT (id) DO NOTHING",
            &new,
            now,
        )
        .execute(&mut *connection)
        .await?;
        lock_known(connection, &new, &mut streams).await?;
    }
    Ok(streams)
}

async fn lock_known(
    connection: &mut PgConnection,
    ids: &[Uuid],
    streams: &mut HashMap<Uuid, Stream>,
) -> sqlx::Result<()> {
    let rows = query!(
        r#"SELECT id, user_id, received::text AS "received!"
        FROM client_log_streams
        WHERE id = ANY($1)
        ORDER BY id
        FOR UPDATE"#,
        ids,
    );
    for row in rows.fetch_all(connection).await? {
        let unreadable = || sqlx::Error::Decode("received is no multirange".into());
        let received = Ranges::parse(&row.received).ok_or_else(unreadable)?;
        streams.insert(row.id, Stream { user_id: row.user_id, received });
    }
    Ok(())
}

/// Writes down what was taken. `false`, and the transaction is to be given up, where a row is no longer as it was before.
pub async fn update(
    connection: &mut PgConnection,
    before: &HashMap<Uuid, Stream>,
    after: &HashMap<Uuid, Stream>,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let (mut ids, mut users, mut received, mut expected) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (id, stream) in after {
        // Nothing changes but together with the numbers, and these only become more.
        let Some(was) = before.get(id).filter(|was| was.received != stream.received) else { continue };
        ids.push(*id);
        users.push(stream.user_id.as_deref());
        received.push(stream.received.to_string());
        expected.push(was.received.to_string());
    }
    if ids.is_empty() {
        return Ok(true);
    }
    let update = query!(
        "UPDATE client_log_streams AS stream
        SET user_id = new.user_id, received = new.received::int8multirange, last_at = $5
        FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::text[]) AS new (id, user_id, received, expected)
        WHERE stream.id = new.id AND stream.received = new.expected::int8multirange",
        &ids,
        &users as &[Option<&str>],
        &received,
        &expected,
        now,
    );
    Ok(update.execute(connection).await?.rows_affected() == ids.len() as u64)
}

/// Forgets streams nothing came of since `before`.
pub async fn delete_old(db: &PgPool, before: DateTime<Utc>) -> sqlx::Result<()> {
    loop {
        let deleted = query!(
            "DELETE FROM client_log_streams
            WHERE id IN (SELECT id FROM client_log_streams WHERE last_at < $1 LIMIT $2)",
            before,
            DELETE_BATCH,
        );
        if deleted.execute(db).await?.rows_affected() < DELETE_BATCH as u64 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_taken_once_in_whatever_order_it_comes() {
        let mut stream = Stream::default();
        assert_eq!(stream.take(Some("a"), 4, 6), Ok(vec![0, 1, 2]));
        assert_eq!(stream.take(Some("a"), 1, 5), Ok(vec![0, 1, 2]));
        assert_eq!(stream.take(Some("a"), 1, 6), Ok(vec![]));
        assert_eq!(stream.take(Some("a"), 5, 8), Ok(vec![2, 3]));
    }

    #[test]
    fn a_stream_belongs_to_the_first_user_who_sends_it() {
        let mut stream = Stream::default();
        assert!(stream.take(None, 1, 1).is_ok());
        assert!(stream.take(Some("a"), 2, 2).is_ok());
        assert_eq!(stream.take(Some("b"), 3, 3), Err(NotTaken::OtherUser));
        assert_eq!(stream.take(None, 3, 3), Err(NotTaken::OtherUser));
        assert!(stream.take(Some("a"), 3, 3).is_ok());
    }

    #[test]
    fn numbers_full_of_gaps_are_refused() {
        let mut stream = Stream::default();
        let taken = (1..=1000u64).map(|number| stream.take(None, number * 2, number * 2));
        assert_eq!(taken.filter(|taken| *taken == Err(NotTaken::Sequence)).count(), 1000 - 32);
    }
}
