//! Graphite's render API: series by their targets, within bounds of time and size.

use std::{sync::Arc, time::Duration};

use axum::http::{Request, StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde::Deserialize;
use tokio::{sync::Semaphore, time::timeout};
use url::{Url, form_urlencoded::Serializer};

use crate::{
    config::{GraphiteConfig, TlsConfig},
    upstream::tls::{InvalidTls, client_config},
};

/// Asks Graphite. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Graphite(Option<Arc<Inner>>);

/// One series, as Graphite answers it.
#[derive(Clone, Debug, Deserialize)]
pub struct Rendered {
    pub target: String,
    /// Value and second.
    pub datapoints: Vec<(Option<f64>, i64)>,
}

/// Why there is no answer that could be drawn.
#[derive(Debug, thiserror::Error)]
pub enum GraphiteError {
    #[error("no answer within {limit:?}")]
    Timeout { limit: Duration },
    #[error("it cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("it answered with status {0}")]
    Refused(StatusCode),
    #[error("it answered more than {MOST_BYTES} bytes")]
    TooLarge,
    #[error("its answer is not what its render API says")]
    Malformed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

struct Inner {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    render: Url,
    timeout: Duration,
    /// Graphite draws one graph after the other; a page that is open in many windows must not use up all of it.
    places: Semaphore,
}

/// All graphs of a page are some hundred kilobytes.
const MOST_BYTES: usize = 4 * 1024 * 1024;
const AT_ONCE: usize = 4;

impl Graphite {
    /// Certificates are trusted as those of the cloud's services are. Errors: the configured ones are of no use.
    pub fn new(config: &GraphiteConfig, tls: &TlsConfig) -> Result<Self, InvalidTls> {
        let Some(url) = &config.url else { return Ok(Self(None)) };
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(config.timeout));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(client_config(tls)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let mut render = url.clone();
        render.set_path(&format!("{}/render", url.path().trim_end_matches('/')));
        Ok(Self(Some(Arc::new(Inner {
            client: Client::builder(TokioExecutor::new()).build(connector),
            render,
            timeout: config.timeout,
            places: Semaphore::new(AT_ONCE),
        }))))
    }

    pub fn is_configured(&self) -> bool {
        self.0.is_some()
    }

    /// The series that the targets come to between two moments, in seconds since 1970. Nothing, where none is
    /// configured.
    pub async fn render(
        &self,
        targets: &[String],
        from: i64,
        until: i64,
    ) -> Result<Vec<Rendered>, GraphiteError> {
        let Some(inner) = &self.0 else { return Ok(Vec::new()) };
        let limit = inner.timeout;
        timeout(limit, inner.render(targets, from, until))
            .await
            .unwrap_or(Err(GraphiteError::Timeout { limit }))
    }
}

impl GraphiteError {
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Timeout { .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::Unreachable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Refused(_) | Self::TooLarge | Self::Malformed(_) => StatusCode::BAD_GATEWAY,
        }
    }

    /// Stable and meant for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Timeout { .. } => "graphite_timeout",
            Self::Unreachable(_) => "graphite_unreachable",
            Self::Refused(_) => "graphite_refused",
            Self::TooLarge => "graphite_too_large",
            Self::Malformed(_) => "graphite_malformed",
        }
    }

    /// For an operator: what happened, what it means, what to look at.
    pub fn sentence(&self) -> String {
        let what = match self {
            Self::Timeout { limit } => {
                format!("Graphite did not answer within {} seconds.", limit.as_secs_f64())
            }
            Self::Unreachable(_) => "Graphite cannot be reached at the address in graphite.url.".to_owned(),
            Self::Refused(status) => {
                format!("Graphite refused the question with status {}.", status.as_u16())
            }
            Self::TooLarge => "Graphite answered more than the panel takes.".to_owned(),
            Self::Malformed(_) => {
                "What answers at the address in graphite.url does not answer as Graphite does.".to_owned()
            }
        };
        format!("{what} The panel itself is not affected, and measurements are sent on as before.")
    }
}

impl Inner {
    async fn render(
        &self,
        targets: &[String],
        from: i64,
        until: i64,
    ) -> Result<Vec<Rendered>, GraphiteError> {
        let _place =
            self.places.acquire().await.map_err(|closed| GraphiteError::Unreachable(closed.into()))?;
        // By POST: an address would be longer than some servers take.
        let request = Request::post(self.render.as_str())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .body(Full::new(Bytes::from(form(targets, from, until))))
            .map_err(|error| GraphiteError::Unreachable(error.into()))?;
        let answer =
            self.client.request(request).await.map_err(|error| GraphiteError::Unreachable(error.into()))?;
        if answer.status() != StatusCode::OK {
            return Err(GraphiteError::Refused(answer.status()));
        }
        let mut body = answer.into_body();
        let mut read = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| GraphiteError::Unreachable(error.into()))?;
            if let Ok(data) = frame.into_data() {
                if read.len() + data.len() > MOST_BYTES {
                    return Err(GraphiteError::TooLarge);
                }
                read.extend_from_slice(&data);
            }
        }
        serde_json::from_slice(&read).map_err(|error| GraphiteError::Malformed(error.into()))
    }
}

fn form(targets: &[String], from: i64, until: i64) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("format", "json").append_pair("noCache", "1");
    form.append_pair("from", &from.to_string()).append_pair("until", &until.to_string());
    form.extend_pairs(targets.iter().map(|target| ("target", target)));
    form.finish()
}
