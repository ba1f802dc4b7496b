//! Waiting on conditions, never on the clock.

use std::{fmt::Debug, time::Duration};

use anyhow::{Result, bail};
use tokio::time::Instant;

/// The longest wait for anything the panel does by itself; a busy machine needs most of it, a quiet one none.
pub const LIMIT: Duration = Duration::from_secs(20);

/// Between two looks.
const POLL: Duration = Duration::from_millis(25);

/// Looks until `look` finds something. An error while looking (an element replaced meanwhile) counts as not yet;
/// the last one is told when the limit is over.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + LIMIT;
    loop {
        let found = look().await;
        if let Ok(Some(found)) = found {
            return Ok(found);
        }
        if Instant::now() > deadline {
            match found {
                Err(error) => return Err(error.context(format!("waited {} s for {what}", LIMIT.as_secs()))),
                Ok(_) => bail!("waited {} s for {what}", LIMIT.as_secs()),
            }
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Looks until `look` gives `expected`; what it gave last is told when the limit is over.
pub async fn until_equal<T: PartialEq + Debug>(
    what: &str,
    expected: T,
    mut look: impl AsyncFnMut() -> Result<T>,
) -> Result<()> {
    let mut last = None;
    let waited = until(what, async || {
        let seen = look().await?;
        let equal = seen == expected;
        last = Some(seen);
        Ok(equal.then_some(()))
    })
    .await;
    waited.map_err(|error| error.context(format!("expected {expected:?}, saw {last:?}")))
}
