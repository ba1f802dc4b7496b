//! What a page sends at its end, when no socket would be waited for, and what pages before sign-in send.

use std::time::Duration;

use api_types::client_log::{Answer, TOO_FAST_WAIT_MS};
use axum::{Extension, Json, body::Bytes, extract::State, http::HeaderMap};

use super::{
    ClientLog, Refused, Sender, answer_to, later,
    message::{Checked, Fault, read_beacon},
};
use crate::{
    error::ApiError,
    session::{Caller, ClientAddress, Cookies, Session, Sessions},
};

/// Takes a [`Beacon`](api_types::client_log::Beacon). A page that still listens reads an [`Answer`] to each batch.
///
/// Errors: 400 `malformed`, 403 `forged_request` without the token of the session, or before sign-in of the form; 413,
/// 429 `too_fast`, and 503 while the session cannot be looked up. That `Origin` and `Sec-Fetch-Site` name no other site
/// is checked before.
pub async fn take_beacon(
    caller: Option<Caller>,
    State(client_log): State<ClientLog>,
    State(sessions): State<Sessions>,
    State(cookies): State<Cookies>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Vec<Answer>>, ApiError> {
    let (token, batches) = read_beacon(&body).map_err(|fault| refuse(&client_log, fault))?;
    let session = caller.as_ref().map(|caller| &*caller.session);
    let is_ours = match session {
        Some(session) => sessions.is_csrf_token(session, &token),
        None => cookies.secret(&headers, Cookies::FORM).is_some_and(|form| form.is_form_token(&token)),
    };
    if !is_ours {
        return Err(ApiError::Forged { reason: "the token of the beacon is missing or wrong" });
    }
    let address = address.map(|Extension(ClientAddress(ip))| ip);
    let sender = match (session, address) {
        (Some(session), _) => Sender::Session(session.id),
        (None, Some(address)) => Sender::Address(address),
        (None, None) => return Err(ApiError::NoSession),
    };
    let author = client_log.author(session, address, &headers);
    let mut answers = Vec::with_capacity(batches.len());
    for checked in batches {
        answers.push(take(&client_log, checked, sender, &author, session).await?);
    }
    Ok(Json(answers))
}

async fn take(
    client_log: &ClientLog,
    checked: Checked,
    sender: Sender,
    author: &super::Author,
    session: Option<&Session>,
) -> Result<Answer, ApiError> {
    let (stream, first, last) = (checked.batch.stream.clone(), checked.batch.first, checked.batch.last());
    let counted = match client_log.count(sender, &checked, author) {
        Ok(counted) if counted.wait.is_zero() => counted,
        // Nobody waits for a page that is gone; the next one sends it again.
        Ok(counted) => {
            client_log.0.limits.give_back(&counted);
            client_log.refused(Refused::Full.as_str());
            return Ok(later(stream, first));
        }
        Err(refused @ (Refused::Full | Refused::TooManyPages)) => {
            client_log.refused(refused.as_str());
            return Ok(later(stream, first));
        }
        Err(refused @ Refused::TooFast) => {
            client_log.refused(refused.as_str());
            return Err(ApiError::TooOften { retry_after: Duration::from_millis(TOO_FAST_WAIT_MS) });
        }
    };
    let outcome = client_log.store(checked, &counted, author, session).await;
    answer_to(stream, first, last, outcome).ok_or_else(|| refuse(client_log, Fault::Malformed("Postgres")))
}

fn refuse(client_log: &ClientLog, fault: Fault) -> ApiError {
    match fault {
        Fault::TooLarge => {
            client_log.refused("too_large");
            ApiError::Refused { status: axum::http::StatusCode::PAYLOAD_TOO_LARGE }
        }
        Fault::Malformed(why) => {
            client_log.refused("malformed");
            tracing::debug!(why, "a beacon is none");
            ApiError::Invalid { code: "malformed", message: "This is not what a browser logs.".to_owned() }
        }
    }
}
