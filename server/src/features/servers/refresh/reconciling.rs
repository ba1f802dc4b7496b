//! Compares the index with the whole light list now and then: what `changes-since` lost is found here.

use std::collections::HashSet;

use api_types::ServerId;
use axum::http::StatusCode;
use futures_util::FutureExt;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::{Keeper, Trouble, upstream_time};
use crate::{
    features::servers::{
        decode::{RawPage, decode_row, is_gone},
        index::fresh_epoch,
        upstream::Page,
    },
    upstream::ServiceType,
};

impl Keeper<'_> {
    /// Looks at the changes, and then whether the light list has the same servers as the index.
    pub(super) async fn reconcile(&self) -> Result<Instant, Trouble> {
        let asked_at = self.refresh().await?;
        match self.compare().await {
            Ok(()) => {}
            // The rows are as true as before; the comparison can wait for the next time.
            Err(trouble) => tracing::debug!(error = %trouble.chain(), "a region could not be compared"),
        }
        if self.index.read(|rows| rows.has_outgrown_dictionary()) {
            self.index.rewrite(|rows| *rows = rows.rebuilt(fresh_epoch()));
        }
        self.index.update_health(|health| health.reconciled(Instant::now()));
        Ok(asked_at)
    }

    async fn compare(&self) -> Result<(), Trouble> {
        let mut listed = HashSet::new();
        let mut page = Page { limit: 1000, ..Page::default() };
        let mut began = None;
        loop {
            let answer = self.ask(ServiceType::Compute, |up, at| up.list_light(at, page).boxed()).await?;
            began.get_or_insert_with(|| upstream_time(&answer));
            let light = RawPage::parse(&answer.answer.body).map_err(|error| self.malformed(&error))?;
            let ids = light.ids();
            let next = ids.last().copied().filter(|_| light.has_next());
            listed.extend(ids);
            match next {
                Some(marker) if page.marker != Some(marker) => page.marker = Some(marker),
                _ => break,
            }
        }
        // A server that was created while the pages came stands before the first of them.
        let newest = began.unwrap_or(i64::MAX) - NEW_SECS;
        let (missing, surplus) = self.index.read(|rows| {
            let missing: Vec<ServerId> = listed.iter().filter(|id| !rows.contains(**id)).copied().collect();
            let surplus: Vec<ServerId> = rows.ids().filter(|id| !listed.contains(id)).collect();
            let is_old = |id: &ServerId| rows.get(*id).is_none_or(|row| i64::from(row.created_at) < newest);
            (missing, surplus.into_iter().filter(is_old).collect::<Vec<_>>())
        });
        if missing.len() + surplus.len() > MOST_DIFFERENCES {
            // Something large was lost: have everything anew, with what is there still shown.
            self.index.apply([], &surplus);
            *self.index.fill.lock() = None;
            return self.fill().await.map(drop);
        }
        for id in missing.into_iter().chain(surplus) {
            self.look_up(id).await?;
        }
        Ok(())
    }

    /// Asks for one server, and puts it in or takes it out.
    async fn look_up(&self, id: ServerId) -> Result<(), Trouble> {
        match self.ask(ServiceType::Compute, move |up, at| up.show_server(at, id).boxed()).await {
            Ok(answer) => {
                #[derive(serde::Deserialize)]
                struct Shown<'a> {
                    #[serde(borrow)]
                    server: &'a RawValue,
                }
                if let Ok(shown) = serde_json::from_slice::<Shown>(&answer.body) {
                    let row = decode_row(shown.server, &self.index.names());
                    if is_gone(&row) {
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

/// A server this much younger than the comparison may be missing from it.
const NEW_SECS: i64 = 60;
/// Beyond so many differences, one by one takes longer than all at once.
const MOST_DIFFERENCES: usize = 100;
