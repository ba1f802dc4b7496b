//! The files the browser loads, compiled in: wasm, scripts, styles, icons (`frontend/bundle` builds them).
//!
//! Each has its content's hash in its name, so it never changes and is cached for ever; a page that
//! was made by another release asks for another name.

use axum::{
    Router,
    body::Body,
    extract::Path,
    http::{
        HeaderMap, HeaderValue, Response, StatusCode,
        header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY},
    },
    routing::get,
};
use bytes::Bytes;

/// Serves `/assets/{file}`.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/assets/{file}", get(show_asset))
}

/// The file that `name` became in this build: `name("styles.css")` is `styles-0123456789abcdef.css`,
/// served as `/assets/styles-0123456789abcdef.css`. `None` when there is no such file, as in a server
/// that was built without a bundle.
pub fn name(name: &str) -> Option<&'static str> {
    ASSETS.iter().find(|asset| asset.name == name).map(|asset| asset.file)
}

/// One file of the bundle.
#[derive(Debug)]
pub struct Asset {
    /// What templates call it.
    pub name: &'static str,
    /// What the browser calls it.
    pub file: &'static str,
    pub content_type: &'static str,
    /// 16 hex digits of the content's SHA-256.
    pub hash: &'static str,
    pub body: &'static [u8],
    /// The same, compressed; `None` for what is compressed by itself.
    pub br: Option<&'static [u8]>,
    pub gz: Option<&'static [u8]>,
}

impl Asset {
    /// The file of this name with its hash.
    pub fn get(file: &str) -> Option<&'static Self> {
        find(ASSETS, file)
    }
}

/// Sends one file in the best form the browser takes.
///
/// Errors: 404 no such file in this build.
async fn show_asset(Path(file): Path<String>, headers: HeaderMap) -> Response<Body> {
    match Asset::get(&file) {
        Some(asset) => respond(asset, &headers),
        None => not_found(),
    }
}

static ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets_table.rs"));

fn find(assets: &'static [Asset], file: &str) -> Option<&'static Asset> {
    let place = assets.binary_search_by(|asset| asset.file.cmp(file)).ok()?;
    assets.get(place)
}

fn respond(asset: &Asset, headers: &HeaderMap) -> Response<Body> {
    let (encoding, body) = choose(asset, headers);
    // Different bytes need a different tag.
    let etag = match encoding {
        Some(encoding) => format!("\"{}-{encoding}\"", asset.hash),
        None => format!("\"{}\"", asset.hash),
    };
    let mut response = Response::new(Body::empty());
    let known = is_known(headers, &etag);
    let fields = response.headers_mut();
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    fields.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(etag) = HeaderValue::try_from(etag) {
        fields.insert(ETAG, etag);
    }
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    if let Some(encoding) = encoding {
        fields.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    *response.body_mut() = Body::from(Bytes::from_static(body));
    response
}

/// A page of another release may ask for it: the answer must not be kept, the file may come back.
fn not_found() -> Response<Body> {
    let mut response = Response::new(Body::from("There is no such file in this release.\n"));
    *response.status_mut() = StatusCode::NOT_FOUND;
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The form with the highest weight in `Accept-Encoding`; among equals the smallest. As it is where
/// nothing else is accepted.
fn choose(asset: &Asset, headers: &HeaderMap) -> (Option<&'static str>, &'static [u8]) {
    let weights = Weights::read(headers);
    let forms = [("br", asset.br), ("gzip", asset.gz)];
    let mut best = (None, asset.body, weights.of_identity());
    for (encoding, body) in forms.into_iter().rev() {
        let weight = weights.of(encoding);
        if let Some(body) = body
            && weight > 0
            && weight >= best.2
        {
            best = (Some(encoding), body, weight);
        }
    }
    (best.0, best.1)
}

/// What `Accept-Encoding` says: names and weights in thousandths.
struct Weights(Vec<(String, u16)>);

impl Weights {
    fn read(headers: &HeaderMap) -> Self {
        let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        let items = values.flat_map(|value| value.split(',')).filter_map(|item| {
            let mut parts = item.split(';').map(str::trim);
            let name = parts.next().filter(|name| !name.is_empty())?.to_ascii_lowercase();
            let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
            let weight: f32 = weight.map_or(Some(1.0), |weight| weight.trim().parse().ok())?;
            Some((name, (weight.clamp(0.0, 1.0) * 1000.0).round() as u16))
        });
        Self(items.collect())
    }

    fn find(&self, name: &str) -> Option<u16> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, weight)| *weight)
    }

    fn of(&self, encoding: &str) -> u16 {
        self.find(encoding).or_else(|| self.find("*")).unwrap_or(0)
    }

    /// Acceptable unless excluded, and then behind everything that is named.
    fn of_identity(&self) -> u16 {
        self.find("identity").unwrap_or(0)
    }
}

/// Whether the browser has this very form, by `If-None-Match`.
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

#[cfg(test)]
mod tests {
    use axum::http::{Method, Request};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    static SCRIPT: Asset = Asset {
        name: "a.js",
        file: "a-00.js",
        content_type: "text/javascript; charset=utf-8",
        hash: "00",
        body: b"plain",
        br: Some(b"brotli"),
        gz: Some(b"gzip"),
    };

    fn headers(name: axum::http::HeaderName, value: &str) -> HeaderMap {
        [(name, HeaderValue::from_str(value).unwrap())].into_iter().collect()
    }

    fn encoding_for(accept: &str) -> &'static str {
        choose(&SCRIPT, &headers(ACCEPT_ENCODING, accept)).0.unwrap_or("identity")
    }

    #[test]
    fn a_browser_gets_brotli_and_one_that_says_nothing_gets_the_plain_file() {
        assert_eq!(encoding_for("gzip, deflate, br, zstd"), "br");
        assert_eq!(encoding_for(""), "identity");
        assert_eq!(choose(&SCRIPT, &HeaderMap::new()).1, b"plain");
    }

    #[test]
    fn weights_are_followed() {
        assert_eq!(encoding_for("br;q=0.5, gzip;q=0.8"), "gzip");
        assert_eq!(encoding_for("br;q=0, gzip"), "gzip");
        assert_eq!(encoding_for("BR; q=1.0"), "br");
        assert_eq!(encoding_for("*"), "br");
        assert_eq!(encoding_for("br;q=0, *;q=0.1"), "gzip");
        assert_eq!(encoding_for("identity, br;q=0.5"), "identity");
        assert_eq!(encoding_for("gzip;q=nonsense, deflate"), "identity");
    }

    #[test]
    fn a_file_that_is_compressed_by_itself_goes_as_it_is() {
        let image = Asset { br: None, gz: None, ..SCRIPT };
        assert_eq!(choose(&image, &headers(ACCEPT_ENCODING, "br, gzip")), (None, &b"plain"[..]));
    }

    #[tokio::test]
    async fn a_file_is_sent_with_its_type_its_encoding_and_for_ever() {
        let response = respond(&SCRIPT, &headers(ACCEPT_ENCODING, "gzip"));
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/javascript; charset=utf-8");
        assert_eq!(response.headers()[CONTENT_ENCODING], "gzip");
        assert_eq!(response.headers()[CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert_eq!(response.headers()[VARY], "accept-encoding");
        assert_eq!(response.headers()[ETAG], "\"00-gzip\"");
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "gzip");
    }

    #[tokio::test]
    async fn a_form_the_browser_has_is_not_sent_again_and_another_form_is() {
        for tag in ["\"00\"", "W/\"00\"", "\"x\", \"00\"", "*"] {
            let response = respond(&SCRIPT, &headers(IF_NONE_MATCH, tag));
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{tag}");
            assert_eq!(response.headers()[ETAG], "\"00\"");
            assert!(response.into_body().collect().await.unwrap().to_bytes().is_empty());
        }
        assert_eq!(respond(&SCRIPT, &headers(IF_NONE_MATCH, "\"00-br\"")).status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn an_unknown_file_is_404_and_not_kept() {
        for uri in ["/assets/none.js", "/assets/..%2Fsecret", "/assets/%FF"] {
            let request = Request::get(uri).body(Body::empty()).unwrap();
            let response = router().oneshot(request).await.unwrap();
            assert!(response.status().is_client_error(), "{uri}");
        }
        assert_eq!(not_found().headers()[CACHE_CONTROL], "no-store");
    }

    /// Over what this build has: nothing where it was built without a bundle.
    #[tokio::test]
    async fn every_file_of_the_build_is_found_by_name_and_answers_head() {
        assert!(ASSETS.is_sorted_by_key(|asset| asset.file));
        for asset in ASSETS {
            assert_eq!(name(asset.name), Some(asset.file));
            let request = Request::builder()
                .method(Method::HEAD)
                .uri(format!("/assets/{}", asset.file))
                .body(Body::empty())
                .unwrap();
            let response = router().oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(response.headers()[axum::http::header::CONTENT_LENGTH], asset.body.len().to_string());
            assert!(response.into_body().collect().await.unwrap().to_bytes().is_empty());
        }
        assert_eq!(name("no such file"), None);
    }
}
