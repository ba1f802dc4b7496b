//! Reads the whole list again now and then, slowly and beside the refreshes. What `changes-since` does not tell is
//! found here: tags and metadata change without a new `updated`, and a change may be lost.

use api_types::ServerId;
use axum::http::StatusCode;
use futures_util::FutureExt;
use serde_json::value::RawValue;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Changes, Keeper, Trouble};
use crate::{
    features::servers::{
        decode::{Owner, decode_row, is_gone},
        fill::FillPlan,
        index::fresh_epoch,
    },
    upstream::ServiceType,
};

impl Keeper<'_> {
    /// Walks through the list whenever it is time; never ends by itself. [`finish_comparison`](Self::finish_comparison)
    /// ends what was begun here, in the turn of a refresh.
    pub(super) async fn compare(&self) {
        let config = &self.shared.config;
        loop {
            let due_at = self.index.health(|health| health.reconciliation_due_at(config));
            if due_at > Instant::now() {
                sleep_until(due_at).await;
            } else if self.is_compared() || !self.index.health(|health| health.is_well()) {
                sleep(config.poll_idle).await;
            } else if let Err(trouble) = self.walk(ONE_BY_ONE).await {
                // The rows are as true as before; the walk goes on later.
                tracing::debug!(error = %trouble.chain(), "a region could not be compared");
                if matches!(trouble, Trouble::Stuck { .. }) {
                    *self.index.fill.lock() = None;
                    self.index.update_health(|health| health.reconciled(Instant::now()));
                }
                sleep(config.poll_idle).await;
            }
        }
    }

    /// A comparison has seen every page, and is to be ended.
    pub(super) fn is_compared(&self) -> bool {
        let is_walked = self.with_fill(|plan| FillPlan::is_complete(plan)).unwrap_or(false);
        is_walked && self.index.health(|health| health.is_complete())
    }

    /// Every page was seen and taken in; now what changed meanwhile, and then what is not there any more.
    pub(super) async fn finish_comparison(&self) -> Result<Instant, Trouble> {
        let asked_at = self.finish_fill().await?;
        if self.index.read(|rows| rows.has_outgrown_dictionary()) {
            self.index.rewrite(|rows| *rows = rows.rebuilt(fresh_epoch()));
        }
        Ok(asked_at)
    }

    /// Takes out the rows that neither the pages had nor the changes.
    pub(super) async fn remove_absent(&self, changes: &Changes) {
        let absent: Vec<ServerId> =
            self.with_fill(|plan| plan.seen().clone()).map_or_else(Vec::new, |seen| {
                let is_absent = |id: &ServerId| !seen.contains(id) && !changes.present.contains(id);
                self.index.read(|rows| rows.ids().filter(is_absent).collect())
            });
        // One that came by itself, a moment ago, would be missed by both. Where much is absent it was deleted.
        let is_shown_before = self.index.health(|health| health.is_complete());
        if !is_shown_before || absent.len() > MOST_LOOKED_UP {
            self.index.apply([], &absent);
            return;
        }
        for id in absent {
            if let Err(trouble) = self.look_up(id).await {
                tracing::debug!(error = %trouble.chain(), "a server that may be gone could not be looked up");
                return;
            }
        }
    }

    /// Asks for one server, and puts it in or takes it out.
    async fn look_up(&self, id: ServerId) -> Result<(), Trouble> {
        let deadline = self.shared.config.refresh_timeout;
        match self.ask(ServiceType::Compute, move |up, at| up.look_up_server(at, id, deadline).boxed()).await
        {
            Ok(answer) => {
                #[derive(serde::Deserialize)]
                struct Shown<'a> {
                    #[serde(borrow)]
                    server: &'a RawValue,
                }
                if let Ok(shown) = serde_json::from_slice::<Shown>(&answer.body) {
                    let row = decode_row(shown.server, &self.index.names());
                    // To an administrator Nova shows the servers of every project.
                    let is_ours = Owner::of(shown.server).may_be(&self.index.key.project);
                    if is_gone(&row) || !is_ours {
                        self.index.apply([], &[id]);
                    } else {
                        self.index.apply([&row], &[]);
                    }
                }
                Ok(())
            }
            Err(Trouble::Upstream { error, .. }) if error.status() == Some(StatusCode::NOT_FOUND) => {
                self.index.apply([], &[id]);
                Ok(())
            }
            Err(trouble) => Err(trouble),
        }
    }
}

/// Nobody waits for a comparison, so it takes one call at a time.
const ONE_BY_ONE: usize = 1;
/// Beyond so many rows that are not there any more, one by one takes longer than the pages did.
const MOST_LOOKED_UP: usize = 20;
