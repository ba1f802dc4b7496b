//! Flavors, for a Nova below 2.47 that sends only their ids.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Instant;

use super::Keeper;
use crate::upstream::ServiceType;

impl Keeper<'_> {
    /// Before rows are read: asks for the flavors where rows would show their ids. Which version a Nova has is known
    /// once it has answered. Without the flavors rows show the ids.
    pub(super) async fn learn_flavors_if_needed(&self) {
        let compute = ServiceType::Compute;
        let ids_only = self.ask(compute, |up, at| {
            let ids_only = up.has_flavor_ids_only(at);
            async move { Ok(ids_only) }.boxed()
        });
        if !ids_only.await.unwrap_or(false) {
            return;
        }
        // Pages that come side by side wait for the same answer.
        let mut asked_at = self.asked_flavors.lock().await;
        let is_recent = asked_at.is_some_and(|at| at.elapsed() < AGAIN_AFTER);
        if is_recent || !self.index.names().flavors.is_empty() {
            return;
        }
        match self.ask(compute, |up, at| up.list_flavors(at).boxed()).await {
            Ok(flavors) => self.index.learn_flavors(flavors),
            Err(trouble) => tracing::debug!(error = %trouble.chain(), "no names of flavors"),
        }
        *asked_at = Some(Instant::now());
    }
}

/// After a failure rows show ids for so long at least.
const AGAIN_AFTER: Duration = Duration::from_secs(30);
