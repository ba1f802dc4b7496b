//! What the index learns of single servers, and that changes are to be expected.

use std::{collections::HashSet, sync::Arc, time::Duration};

use api_types::{ProjectId, Region, ServerId, servers::ServerRow};
use axum::http::StatusCode;
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::sleep;

use super::{
    decode::{Owner, decode_row, is_gone},
    index::ServerIndexes,
};
use crate::{log, session::ProjectScope, upstream::UpstreamError};

/// Regions that are about to be asked again because something was done there.
pub type Stirred = Arc<Mutex<HashSet<(ProjectId, Region)>>>;

/// However much is done in a region, it is asked for changes no more often than this because of it.
const STIR_EVERY: Duration = Duration::from_secs(1);
/// A server that is asked for after something was done to it.
const LOOK_WITHIN: Duration = Duration::from_secs(10);

impl ServerIndexes {
    /// One server, as the cloud has it now; `is_waited_for` by somebody, or one of many that nobody waits for.
    ///
    /// Errors: [`UpstreamError::Status`] 404 also for one of another project, which an administrator is shown.
    pub async fn ask_one(
        &self,
        scope: &ProjectScope,
        region: &Region,
        server: ServerId,
        is_waited_for: bool,
    ) -> Result<ServerRow, UpstreamError> {
        #[derive(Deserialize)]
        struct Body<'a> {
            #[serde(borrow)]
            server: &'a RawValue,
        }
        let not_found = || UpstreamError::Status {
            status: StatusCode::NOT_FOUND,
            code: None,
            message: String::new(),
            request_id: None,
            retry_after: None,
        };
        let place = self.upstream().compute(scope, region).ok_or_else(not_found)?;
        let answer = if is_waited_for {
            self.upstream().show_server(&place, server).await?
        } else {
            self.upstream().look_up_server(&place, server, LOOK_WITHIN).await?
        };
        let body: Body<'_> = serde_json::from_slice(&answer.body)
            .map_err(|error| UpstreamError::Malformed { reason: error.to_string() })?;
        let names = self.find(scope, region).map(|index| index.names()).unwrap_or_default();
        let row = decode_row(body.server, &names);
        if is_gone(&row) || !Owner::of(body.server).may_be(&scope.project) {
            return Err(not_found());
        }
        Ok(row)
    }

    /// Something was done to a server that shows only when it itself is asked for: asks, and tells all who look.
    pub async fn learn_one(
        &self,
        scope: &ProjectScope,
        region: &Region,
        server: ServerId,
        is_waited_for: bool,
    ) {
        let watched = self.of_project(&scope.project, region);
        if watched.is_empty() {
            return;
        }
        match self.ask_one(scope, region, server, is_waited_for).await {
            Ok(row) => watched.iter().for_each(|index| self.merge(index, &row)),
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => {
                watched.iter().for_each(|index| index.apply([], &[server]));
            }
            Err(error) => {
                tracing::debug!(upstream_region = %region, %server, %error, "the list learns of a change later")
            }
        }
    }

    /// Something was done to servers of a region: it is asked for changes now, and once more a moment after the last
    /// time this was said.
    pub fn stir(&self, project: &ProjectId, region: &Region) {
        if self.of_project(project, region).is_empty() {
            return;
        }
        let key = (project.clone(), region.clone());
        if !self.stirred().lock().insert(key.clone()) {
            return;
        }
        self.ask_again(project, region);
        let indexes = self.clone();
        log::spawn(async move {
            sleep(STIR_EVERY).await;
            // What was done meanwhile is seen by this; what is done from here on stirs anew.
            indexes.stirred().lock().remove(&key);
            indexes.ask_again(&key.0, &key.1);
        });
    }

    fn ask_again(&self, project: &ProjectId, region: &Region) {
        for index in self.of_project(project, region) {
            index.retry_now();
        }
    }
}
