//! The servers of a project as one streaming answer: what is known, and then what changes.

use std::{convert::Infallible, sync::Arc, time::Duration};

use api_types::routes::{FRAMES_MEDIA_TYPE, NDJSON_MEDIA_TYPE};
use axum::{
    Extension,
    body::Body,
    extract::{Query, State, rejection::QueryRejection},
    http::{Extensions, HeaderMap, HeaderValue, StatusCode, Version, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use tokio::{sync::mpsc, time};
use tower_http::{
    CompressionLevel,
    compression::{CompressionLayer, Predicate},
};

use super::{
    credentials::{CallerCredentials, Over},
    feed::{Feed, Format},
    index::{Credentials, ServerIndexes},
    position::Position,
};
use crate::{
    error::ApiError,
    log,
    session::{ClientAddress, ProjectCaller, Scopes},
    shutdown::Shutdown,
};

/// What a stream begins with and where it ends.
#[derive(Debug, Deserialize)]
pub struct StreamQuery {
    /// Resume from here: only what changed since is sent.
    position: Option<String>,
    #[serde(default)]
    follow: Follow,
}

/// How long a stream goes on with what changes, once everything known was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
enum Follow {
    /// For as long as it is read.
    #[default]
    #[serde(rename = "true")]
    On,
    /// Until the reader has its WebSocket.
    #[serde(rename = "briefly")]
    Briefly,
    /// Not at all.
    #[serde(rename = "false")]
    Off,
}

/// Streams the servers of the caller's project in all regions: binary frames where `Accept` asks for them, else JSON
/// lines.
///
/// Answers at once. What a region cannot give is said in the stream: a region's state names the reason.
///
/// Errors: 400 a query that cannot be read, 429 `too_many_streams`, and those of [`ProjectCaller`].
pub async fn list_servers(
    caller: ProjectCaller,
    State(indexes): State<ServerIndexes>,
    State(scopes): State<Scopes>,
    State(shutdown): State<Shutdown>,
    client: Option<Extension<ClientAddress>>,
    query: Result<Query<StreamQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|_| invalid_query())?;
    let format = if accepts_frames(&headers) { Format::Frames } else { Format::Lines };
    let position = query.position.as_deref().map(Position::parse);
    let open = indexes.streams().open(caller.session.id)?;
    let credentials = CallerCredentials::new(&caller, scopes);
    let shared: Arc<dyn Credentials> = credentials.clone();
    let feed = Feed::open(&indexes, &shared, format, position.as_ref());

    // One piece waits to be sent; the next is made when there is room for it.
    let (sender, mut receiver) = mpsc::channel(1);
    log::spawn(async move {
        send(feed, sender, credentials, shutdown, query.follow).await;
        drop(open);
    });
    // Fused: compression asks once more after the end.
    let pieces =
        stream::poll_fn(move |context| receiver.poll_recv(context)).map(Ok::<Bytes, Infallible>).fuse();

    let media_type = match format {
        Format::Frames => FRAMES_MEDIA_TYPE,
        Format::Lines => NDJSON_MEDIA_TYPE,
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::VARY, HeaderValue::from_static("accept")),
        // nginx would collect the pieces until there are many.
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    let mut response = (headers, Body::from_stream(pieces)).into_response();
    if client.is_some_and(|Extension(ClientAddress(ip))| ip.is_loopback()) {
        response.extensions_mut().insert(SentAsIs);
    }
    Ok(response)
}

/// On an answer: its way is short, and compressing it would take longer than sending it.
#[derive(Clone, Copy, Debug)]
struct SentAsIs;

/// Compresses the stream for those far away.
///
/// zstd passes pieces on as they come; gzip and brotli would hold them back, and cost more time than they save.
pub(super) fn compression() -> CompressionLayer<impl Predicate> {
    let is_far = |_: StatusCode, _: Version, _: &HeaderMap, extensions: &Extensions| {
        extensions.get::<SentAsIs>().is_none()
    };
    let zstd = CompressionLayer::new().no_br().no_deflate().no_gzip();
    zstd.quality(CompressionLevel::Fastest).compress_when(is_far)
}

pub(super) fn invalid_query() -> ApiError {
    ApiError::Invalid {
        code: "invalid_query",
        message: "The address takes only a position and whether to follow.".to_owned(),
    }
}

/// A write that stays blocked for so long ends the stream: the reader is gone, or as good as.
pub(super) const BLOCKED_FOR: Duration = Duration::from_secs(30);
/// The last word of a stream, to a reader that may not take it.
pub(super) const FAREWELL_WITHIN: Duration = Duration::from_secs(5);
/// A sign of life this often.
pub(super) const PING_EVERY: Duration = Duration::from_secs(20);
/// A cold list waits so long for its first rows, so that the page is drawn once instead of twice.
const FIRST_ROWS_WITHIN: Duration = Duration::from_secs(1);
/// The browser goes on over a WebSocket; what was begun for it goes on until then.
const BACK_WITHIN: Duration = Duration::from_secs(5);
/// How long that WebSocket may take before the stream ends without it.
const BRIEFLY: Duration = Duration::from_secs(5);

fn accepts_frames(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT);
    accepted.iter().filter_map(|value| value.to_str().ok()).any(|value| value.contains(FRAMES_MEDIA_TYPE))
}

/// The reader is gone, or takes nothing more.
struct Gone;

/// Sends a feed until it is over, and leaves.
async fn send(
    mut feed: Feed,
    sender: mpsc::Sender<Bytes>,
    credentials: Arc<CallerCredentials>,
    shutdown: Shutdown,
    follow: Follow,
) {
    let stopped = async {
        // What ends by itself is a request like others, which a stop lets finish.
        if follow == Follow::On { shutdown.begun().await } else { std::future::pending().await }
    };
    // Beside the sending, not between two pieces: a reader may take its time with each.
    let over = tokio::select! {
        biased;
        over = credentials.over() => over,
        () = stopped => return,
        result = send_all(&mut feed, &sender, &shutdown, follow) => {
            if result.is_ok() {
                feed.leave_for(BACK_WITHIN);
            }
            return;
        }
    };
    if let Over::Ended { code, message } = over {
        let last = feed.ended(code, &message);
        // Whoever does not take it finds out when coming back.
        let _ = time::timeout(FAREWELL_WITHIN, sender.send(last)).await;
    }
}

/// Sends what is known; when it is to follow, also what changes, until the reader leaves.
async fn send_all(
    feed: &mut Feed,
    sender: &mpsc::Sender<Bytes>,
    shutdown: &Shutdown,
    follow: Follow,
) -> Result<(), Gone> {
    send_news(feed, sender).await?;
    if follow != Follow::On {
        tokio::select! {
            () = feed.first_rows(FIRST_ROWS_WITHIN) => {}
            () = sender.closed() => return Err(Gone),
        }
        send_news(feed, sender).await?;
    }
    let known = feed.caught_up();
    pass(sender, known).await?;
    match follow {
        Follow::Off => Ok(()),
        Follow::On => send_changes(feed, sender).await,
        Follow::Briefly => tokio::select! {
            result = send_changes(feed, sender) => result,
            () = time::sleep(BRIEFLY) => Ok(()),
            () = shutdown.begun() => Ok(()),
        },
    }
}

async fn send_changes(feed: &mut Feed, sender: &mpsc::Sender<Bytes>) -> Result<(), Gone> {
    let mut pings = time::interval_at(time::Instant::now() + PING_EVERY, PING_EVERY);
    loop {
        tokio::select! {
            () = feed.news() => send_news(feed, sender).await?,
            _ = pings.tick() => {
                let ping = feed.ping();
                pass(sender, ping).await?;
            }
            () = sender.closed() => return Err(Gone),
        }
    }
}

async fn send_news(feed: &mut Feed, sender: &mpsc::Sender<Bytes>) -> Result<(), Gone> {
    while let Some(piece) = feed.next_piece() {
        pass(sender, piece).await?;
    }
    Ok(())
}

async fn pass(sender: &mpsc::Sender<Bytes>, piece: Bytes) -> Result<(), Gone> {
    match time::timeout(BLOCKED_FOR, sender.send(piece)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Gone),
    }
}
