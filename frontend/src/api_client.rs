//! One way to call the server: own cookie, CSRF header, request id, errors as values, abort when a page is left.

use std::cell::RefCell;

use api_types::{
    ErrorBody,
    client_log::REQUEST_ID,
    routes::{CSRF_HEADER, REQUEST_ID_HEADER},
};
use leptos::prelude::{Owner, on_cleanup, window};
use send_wrapper::SendWrapper;
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, AbortSignal, Headers, RequestCredentials, RequestInit, Response};

use crate::{
    client_log::{Kind, Level, log},
    csrf_token::csrf_token,
    ui::{Failure, format},
};

/// Why a call failed, in terms of what its caller can do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiError {
    /// The server said no, and why.
    Refused { status: u16, body: ErrorBody },
    /// No answer came: no network, or the panel restarts.
    Unreachable,
    /// Something answered, but not with what was asked for.
    Malformed { status: u16, request_id: Option<String> },
    /// The page that asked was left.
    Aborted,
}

/// What a 401 says is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Nothing but signing in again helps.
    Session,
    /// The session is there, its upstream token has run out: the password brings another.
    Token,
}

/// A call to the server, made to be sent once.
#[derive(Clone, Debug)]
pub struct Call {
    method: &'static str,
    path: String,
    accept: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
    until: Option<AbortSignal>,
}

impl Call {
    pub fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path)
    }

    pub fn post(path: impl Into<String>) -> Self {
        Self::new("POST", path)
    }

    pub fn delete(path: impl Into<String>) -> Self {
        Self::new("DELETE", path)
    }

    /// A call by any other method.
    pub fn new(method: &'static str, path: impl Into<String>) -> Self {
        let path = path.into();
        Self { method, path, accept: "application/json", headers: Vec::new(), body: None, until: None }
    }

    /// Sends this header too.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Asks for another media type than JSON.
    pub fn accept(mut self, media_type: &'static str) -> Self {
        self.accept = media_type;
        self
    }

    /// Sends a JSON body.
    pub fn body(mut self, body: &impl Serialize) -> Self {
        self.body = serde_json::to_string(body).ok();
        self
    }

    /// Sends a text that is JSON already.
    pub fn json_text(mut self, text: String) -> Self {
        self.body = Some(text);
        self
    }

    /// Gives up when this signal says so; see [`until_left`].
    pub fn until(mut self, signal: &AbortSignal) -> Self {
        self.until = Some(signal.clone());
        self
    }

    /// Sends, and reads the answer as JSON.
    ///
    /// Errors: all of [`ApiError`].
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, ApiError> {
        let response = self.response().await?;
        let text = text_of(&response).await?;
        serde_json::from_slice(text.as_bytes()).map_err(|_| malformed(&response))
    }

    /// Sends, and wants nothing but success.
    pub async fn done(self) -> Result<(), ApiError> {
        self.response().await.map(drop)
    }

    /// Sends, and hands over a successful answer before its body has come: for streams.
    pub async fn response(self) -> Result<Response, ApiError> {
        let response = self.answer().await?;
        if response.ok() {
            return Ok(response);
        }
        Err(refusal_of(&response).await)
    }

    /// Sends, and hands over whatever was answered, a refusal as well.
    pub async fn answer(self) -> Result<Response, ApiError> {
        let request = self.request().map_err(|_| ApiError::Unreachable)?;
        let sent_at = format::now_ms();
        let answer = JsFuture::from(window().fetch_with_str_and_init(&self.path, &request)).await;
        let answer = answer.map(JsCast::unchecked_into).map_err(|error| failure_of(&error));
        match &answer {
            Ok(response) => log_answer(self.method, &self.path, response, sent_at),
            Err(ApiError::Aborted) => {}
            Err(_) => log_call(self.method, &self.path, 0, None, sent_at),
        }
        answer
    }

    fn request(&self) -> Result<RequestInit, JsValue> {
        let headers = Headers::new()?;
        headers.set("accept", self.accept)?;
        if self.method != "GET" {
            headers.set(CSRF_HEADER, &csrf_token())?;
        }
        let request = RequestInit::new();
        request.set_method(self.method);
        request.set_credentials(RequestCredentials::SameOrigin);
        if let Some(body) = &self.body {
            headers.set("content-type", "application/json")?;
            request.set_body(&JsValue::from_str(body));
        }
        // After the one above: a patch is JSON of a kind of its own.
        for (name, value) in &self.headers {
            headers.set(name, value)?;
        }
        request.set_headers(&headers);
        request.set_signal(self.until.as_ref());
        Ok(request)
    }
}

/// Tells the log of a call that was asked to change something, and of any that failed; `status` is 0 where no answer
/// came. Without the query: a person may have typed it. For those who call without [`Call`] too.
pub fn log_call(method: &str, path: &str, status: u16, request_id: Option<&str>, sent_at_ms: f64) {
    let is_failure = !(200..400).contains(&status);
    let (level, kind, what) = match (is_failure, method) {
        (true, _) => (Level::Warn, Kind::Call, "failed"),
        (false, "GET") => return,
        (false, _) => (Level::Info, Kind::Action, "was done"),
    };
    let path = path.split('?').next().unwrap_or_default();
    let fields = [
        ("method", method),
        ("path", path),
        ("status", &status.to_string()),
        ("duration_ms", &((format::now_ms() - sent_at_ms) as u32).to_string()),
        (REQUEST_ID, request_id.unwrap_or_default()),
    ];
    log(level, kind, &[method, path, what].join(" "), &fields);
}

/// The same of a call that was answered.
pub fn log_answer(method: &str, path: &str, response: &Response, sent_at_ms: f64) {
    log_call(method, path, response.status(), request_id_of(response).as_deref(), sent_at_ms);
}

impl ApiError {
    /// Stable and meant for programs, as in [`ErrorBody::code`].
    pub fn code(&self) -> &str {
        match self {
            Self::Refused { body, .. } => &body.code,
            Self::Unreachable => "unreachable",
            Self::Malformed { .. } => "malformed",
            Self::Aborted => "aborted",
        }
    }

    /// One sentence for a person.
    pub fn message(&self) -> String {
        match self {
            Self::Refused { body, .. } if !body.message.is_empty() => body.message.clone(),
            Self::Refused { status, .. } | Self::Malformed { status, .. } => {
                format!("The panel answered in a way this page does not understand (status {status}).")
            }
            Self::Unreachable => {
                "The panel cannot be reached. Check the connection, then try again.".to_owned()
            }
            Self::Aborted => "The page was left before the answer came.".to_owned(),
        }
    }

    /// The id under which the log has the cause.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Refused { body, .. } => {
                Some(&body.request_id).filter(|id| !id.is_empty()).map(String::as_str)
            }
            Self::Malformed { request_id, .. } => request_id.as_deref(),
            Self::Unreachable | Self::Aborted => None,
        }
    }

    /// The session is over: nothing but signing in again helps.
    pub fn is_session_ended(&self) -> bool {
        self.over() == Some(Over::Session)
    }

    /// What is over, where that is the reason.
    pub fn over(&self) -> Option<Over> {
        match self {
            Self::Refused { status: 401, body } => match body.code.as_str() {
                "session_ended" => Some(Over::Session),
                "token_expired" => Some(Over::Token),
                _ => None,
            },
            _ => None,
        }
    }

    /// Asking again may help.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Refused { status, .. } => matches!(status, 408 | 425 | 429 | 500..),
            Self::Unreachable | Self::Malformed { .. } => true,
            Self::Aborted => false,
        }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self {
            message: error.message(),
            request_id: error.request_id().map(str::to_owned),
            is_retryable: error.is_retryable(),
        }
    }
}

/// Reads why an answer that is not `ok` refused; for those who read bodies themselves. Tells the session, where the
/// reason is that it or its token is over.
pub async fn refusal_of(response: &Response) -> ApiError {
    let Ok(text) = text_of(response).await else { return malformed(response) };
    refusal_in(response.status(), &text).unwrap_or_else(|| malformed(response))
}

/// Reads why an answer refused, where its body is the panel's own. Tells the session, as [`refusal_of`] does.
pub fn refusal_in(status: u16, text: &str) -> Option<ApiError> {
    let refusal = ApiError::Refused { status, body: serde_json::from_slice(text.as_bytes()).ok()? };
    if let Some(over) = refusal.over() {
        SESSION_OVER.with_borrow(|tell| {
            if let Some(tell) = tell {
                tell(over);
            }
        });
    }
    Some(refusal)
}

/// A signal that aborts when the component or effect that calls this is left or runs anew.
pub fn until_left() -> Option<AbortSignal> {
    let controller = AbortController::new().ok()?;
    let signal = controller.signal();
    if Owner::current().is_some() {
        let controller = SendWrapper::new(controller);
        on_cleanup(move || controller.abort());
    }
    Some(signal)
}

/// Whom to tell when an answer says that the session, or its token, is over.
pub fn on_session_over(tell: impl Fn(Over) + 'static) {
    SESSION_OVER.with_borrow_mut(|held| *held = Some(Box::new(tell)));
}

type Tell = Box<dyn Fn(Over)>;

thread_local! {
    static SESSION_OVER: RefCell<Option<Tell>> = const { RefCell::new(None) };
}

/// The whole body as text.
pub async fn text_of(response: &Response) -> Result<String, ApiError> {
    let body = response.text().map_err(|_| malformed(response))?;
    let text = JsFuture::from(body).await.map_err(|error| failure_of(&error))?;
    text.as_string().ok_or_else(|| malformed(response))
}

/// What was answered is not what was asked for.
pub fn malformed(response: &Response) -> ApiError {
    ApiError::Malformed { status: response.status(), request_id: request_id_of(response) }
}

fn request_id_of(response: &Response) -> Option<String> {
    response.headers().get(REQUEST_ID_HEADER).ok().flatten()
}

fn failure_of(error: &JsValue) -> ApiError {
    let name = js_sys::Reflect::get(error, &JsValue::from_str("name")).ok().and_then(|name| name.as_string());
    if name.as_deref() == Some("AbortError") { ApiError::Aborted } else { ApiError::Unreachable }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: &str) -> ApiError {
        let body = ErrorBody {
            code: code.to_owned(),
            message: "It did not work.".to_owned(),
            request_id: "r-1".to_owned(),
            retry_after_secs: None,
        };
        ApiError::Refused { status, body }
    }

    #[test]
    fn only_our_own_words_for_it_end_a_session_or_its_token() {
        assert!(refused(401, "session_ended").is_session_ended());
        assert!(!refused(401, "wrong_credentials").is_session_ended());
        assert!(!refused(503, "session_ended").is_session_ended());
        assert!(!ApiError::Malformed { status: 401, request_id: None }.is_session_ended());
        assert_eq!(refused(401, "token_expired").over(), Some(Over::Token));
        assert!(!refused(401, "token_expired").is_session_ended());
        assert_eq!(refused(403, "token_expired").over(), None);
    }

    #[test]
    fn a_refusal_keeps_its_sentence_and_request_id() {
        let failure = Failure::from(refused(504, "upstream_timeout"));
        assert_eq!(failure.message, "It did not work.");
        assert_eq!(failure.request_id.as_deref(), Some("r-1"));
        assert!(failure.is_retryable);
        assert!(!Failure::from(refused(404, "not_found")).is_retryable);
    }

    #[test]
    fn an_answer_of_something_in_between_still_gives_a_sentence() {
        let error = ApiError::Malformed { status: 502, request_id: None };
        assert!(error.message().contains("502"));
        assert!(error.is_retryable());
    }
}
