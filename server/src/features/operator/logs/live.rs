//! Lines as they come.

use std::{collections::HashMap, convert::Infallible, time::Duration};

use api_types::operator::logs::LogQuery;
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::sse::{Event, KeepAlive, Sse},
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{Stream, stream};

use super::{
    filter::{filter_of, follow_jobs, in_words},
    list::line_of,
};
use crate::{
    app::App,
    clock::Clock,
    error::ApiError,
    log::search::{Filter, LogSearch, Start},
    session::Operator,
};

/// The lines of the last seconds, and those that come from now on, as server-sent events: each is a [`LogLine`](api_types::operator::logs::LogLine) as
/// JSON. Of many at once the newest are sent, and an event `skipped` with how many were not at least; `failed` with a
/// sentence where the log could not be read. `caught_up` takes back what these said. Ends with the session, with the role,
/// and when this node stops; the browser then asks again by itself.
///
/// Errors: 404 no operator, 400 `invalid_filter`, `invalid_fields`.
pub async fn follow_lines(
    operator: Operator,
    query: Result<Query<LogQuery>, QueryRejection>,
    State(app): State<App>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let Query(query) = query.map_err(|rejection| ApiError::Refused { status: rejection.status() })?;
    let mut filter = filter_of(&query, app.clock.now())?;
    follow_jobs(&mut filter, &app.jobs).await?;
    (filter.from, filter.to) = (None, None);
    operator.note_reading("follows the log", in_words(&query));
    let following = Following {
        search: app.log_search.clone(),
        clock: app.clock.clone(),
        filter,
        seen: HashMap::new(),
        complains_until: None,
    };
    let ended = {
        let (app, session) = (app.clone(), operator.caller.session.clone());
        async move {
            tokio::select! {
                () = session.ended() => {}
                () = app.shutdown.begun() => {}
                () = no_longer(&app, &operator) => {}
            }
        }
    };
    let events = stream::unfold(following, async |mut following| {
        tokio::time::sleep(BETWEEN_LOOKS).await;
        Some((following.look().await, following))
    });
    let events = futures_util::StreamExt::flat_map(events, |events| stream::iter(events.into_iter().map(Ok)));
    let events = futures_util::StreamExt::take_until(events, Box::pin(ended));
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
/// Nodes write lines in batches, so a line may come later than one with a later time; so much is looked at again. It is
/// told at the beginning too: whoever has just read the list misses nothing, and knows lines by their ids.
const OVERLAP: TimeDelta = TimeDelta::seconds(20);
/// Nobody reads more in a second.
const MOST_AT_ONCE: usize = 200;

struct Following {
    search: LogSearch,
    clock: Clock,
    filter: Filter,
    /// What was sent already, of the time that is looked at again.
    seen: HashMap<i64, DateTime<Utc>>,
    /// Something was left out or failed, and is worth knowing until then.
    complains_until: Option<DateTime<Utc>>,
}

impl Following {
    async fn look(&mut self) -> Vec<Event> {
        let now = self.clock.now();
        let from = now - OVERLAP;
        self.filter.from = Some(from);
        let limit = MOST_AT_ONCE + self.seen.len();
        let found = match self.search.find(&self.filter, Start::Newest, limit).await {
            Ok(found) => found,
            Err(error) => {
                self.complains_until = Some(now);
                return vec![Event::default().event("failed").data(error.sentence())];
            }
        };
        self.seen.retain(|_, at| *at >= from);
        let mut fresh: Vec<_> =
            found.rows.into_iter().filter(|row| !self.seen.contains_key(&row.id)).collect();
        self.seen.extend(fresh.iter().map(|row| (row.id, row.at)));
        let skipped = fresh.len().saturating_sub(MOST_AT_ONCE);
        fresh.truncate(MOST_AT_ONCE);
        let mut events = Vec::with_capacity(fresh.len() + 1);
        if skipped > 0 {
            self.complains_until = Some(now + OVERLAP);
            events.push(Event::default().event("skipped").data(skipped.to_string()));
        } else if self.complains_until.is_some_and(|until| until <= now) {
            self.complains_until = None;
            events.push(Event::default().event("caught_up").data(""));
        }
        // The oldest first, as they happened.
        let lines = fresh.into_iter().rev().map(line_of);
        events.extend(lines.filter_map(|line| Event::default().event("line").json_data(line).ok()));
        events
    }
}

/// Resolves once Keystone has said that the role is gone.
async fn no_longer(app: &App, operator: &Operator) {
    loop {
        tokio::time::sleep(app.config.operator.recheck).await;
        let asked = app.operators.rights(&operator.caller.session).await;
        if matches!(asked, Err(ApiError::Refused { .. } | ApiError::TokenExpired)) {
            return;
        }
    }
}
