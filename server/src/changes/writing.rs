//! Writes what waits to Postgres, and tells what it could not.

use std::time::Duration;

use tokio::time::timeout;

use super::{Change, Inner};
use crate::metrics::Metric;

/// Changes of so long are written together.
const GATHERED_FOR: Duration = Duration::from_millis(50);
const MOST_ROWS: usize = 500;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// When the panel stops, each of the last statements has so long.
const LAST_WRITE_WITHIN: Duration = Duration::from_millis(1500);

/// Writes until nothing comes any more.
pub async fn write(changes: &Inner) {
    let mut writer = Writer { changes, is_away: false, lost: 0 };
    loop {
        changes.queue.ready().await;
        // More may come, and one statement for all of them costs less. A queue that ends is not waited for.
        let _ = timeout(GATHERED_FOR, changes.queue.ended()).await;
        loop {
            let taken = changes.queue.take(MOST_ROWS, usize::MAX);
            writer.lose(taken.dropped.total());
            if taken.items.is_empty() && taken.is_over {
                return;
            }
            if !writer.store(&taken.items).await {
                let left = changes.queue.take(usize::MAX, usize::MAX);
                writer.lose(left.dropped.total() + left.items.len() as u64);
                return;
            }
            if taken.is_empty && !taken.is_over {
                break;
            }
        }
    }
}

struct Writer<'a> {
    changes: &'a Inner,
    is_away: bool,
    /// What was lost since all was well.
    lost: u64,
}

impl Writer<'_> {
    /// Tries until the changes are written. `false`: the panel stops, and they could not be.
    async fn store(&mut self, changes: &[Change]) -> bool {
        let queue = &self.changes.queue;
        let mut pause = FIRST_PAUSE;
        while !changes.is_empty() {
            match self.insert(changes).await {
                Ok(()) => break,
                Err(error) if is_about_the_rows(&error) => {
                    tracing::warn!(%error, "changes of servers cannot be kept for their history");
                    self.lose(changes.len() as u64);
                    break;
                }
                Err(error) => {
                    if !std::mem::replace(&mut self.is_away, true) {
                        tracing::warn!(%error, "changes of servers cannot be kept now; they wait");
                    }
                    // What finds no room meanwhile.
                    self.lose(queue.take(0, 0).dropped.total());
                    if timeout(pause, queue.ended()).await.is_ok() && pause > FIRST_PAUSE {
                        self.lose(changes.len() as u64);
                        return false;
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
        if std::mem::take(&mut self.is_away) {
            tracing::info!(lost = self.lost, "changes of servers are kept again");
        }
        self.lost = 0;
        true
    }

    async fn insert(&self, changes: &[Change]) -> sqlx::Result<()> {
        let too_late = async {
            self.changes.queue.ended().await;
            tokio::time::sleep(LAST_WRITE_WITHIN).await;
        };
        tokio::select! {
            written = self.changes.store.insert_changes(changes) => written,
            () = too_late => Err(sqlx::Error::PoolTimedOut),
        }
    }

    /// Counts what is lost, and says so the first time.
    fn lose(&mut self, count: u64) {
        if count == 0 {
            return;
        }
        self.changes.metrics.add(Metric::ChangesLost, &[], count);
        if self.lost == 0 {
            tracing::warn!(
                count,
                "changes of servers will be missing in their history: no room, or no time, was left"
            );
        }
        self.lost += count;
    }
}

/// Whether the rows are at fault and would be the next time: data that Postgres does not take.
fn is_about_the_rows(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
}
