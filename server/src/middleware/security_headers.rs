//! What browsers are told about every answer.

use std::sync::Arc;

use api_types::routes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::config::PublicUrl;

/// The headers, made once. A handler's own value of one of them stays.
#[derive(Clone)]
pub struct SecurityHeaders(Arc<Headers>);

struct Headers {
    always: Vec<(HeaderName, HeaderValue)>,
    /// They say what a document may do. What a service answered is none: its own policy allows nothing and sandboxes it.
    of_documents: Vec<(HeaderName, HeaderValue)>,
}

impl SecurityHeaders {
    pub fn new(public_url: &PublicUrl) -> Self {
        // 'self' covers WebSockets in current browsers; older ones want them spelled out.
        let socket = public_url.origin().replacen("http", "ws", 1);
        let policy = format!(
            "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
             font-src 'self'; connect-src 'self' {socket}; object-src 'none'; base-uri 'none'; \
             frame-ancestors 'none'; form-action 'self'"
        );
        let fixed = |name: HeaderName, value: &'static str| (name, HeaderValue::from_static(value));
        let mut always = vec![
            fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            fixed(HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
            // Pages and answers belong to one person; what may be kept says so itself.
            fixed(header::CACHE_CONTROL, "no-store"),
        ];
        if public_url.is_https() {
            always.push(fixed(header::STRICT_TRANSPORT_SECURITY, "max-age=63072000"));
        }
        let mut of_documents = vec![
            fixed(header::X_FRAME_OPTIONS, "DENY"),
            // Not no-referrer: browsers would then send `Origin: null` with our own forms.
            fixed(header::REFERRER_POLICY, "same-origin"),
            fixed(
                HeaderName::from_static("permissions-policy"),
                "camera=(), microphone=(), geolocation=(), payment=(), usb=(), display-capture=()",
            ),
            fixed(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        ];
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            of_documents.push((header::CONTENT_SECURITY_POLICY, policy));
        }
        Self(Arc::new(Headers { always, of_documents }))
    }

    pub fn add_to(&self, answer: &mut HeaderMap) {
        let Headers { always, of_documents } = &*self.0;
        let is_document = !answer.contains_key(routes::ANSWER_HEADER);
        for (name, value) in always.iter().chain(of_documents.iter().filter(|_| is_document)) {
            if !answer.contains_key(name) {
                answer.insert(name.clone(), value.clone());
            }
        }
    }
}
