//! A session as its own browser sees it.

use std::sync::Arc;

use api_types::session::{CurrentSession, User};

use super::{Operators, Session, Sessions};
use crate::{clock::Clock, config::Config};

/// What `GET /api/session` answers, and the answer to a session that was continued.
pub async fn current_session(
    sessions: &Sessions,
    operators: &Operators,
    session: &Arc<Session>,
    config: &Config,
    clock: &Clock,
) -> CurrentSession {
    CurrentSession {
        user: User {
            id: session.user.id.clone(),
            name: session.user.name.clone(),
            domain: session.user.domain.clone(),
        },
        csrf_token: sessions.csrf_token(session),
        default_project: session.default_project.clone(),
        token_expires_in_secs: (session.token_expires_at - clock.now()).num_seconds(),
        warn_before_expiry_secs: i64::try_from(config.session.warn_before_expiry.as_secs())
            .unwrap_or(i64::MAX),
        needs_totp: session.needs_totp,
        help_url: config.sign_in.help_url.clone(),
        resize_confirm_secs: config.cloud.resize_confirm_secs,
        is_operator: operators.knows(session).await,
        release: crate::RELEASE.to_owned(),
    }
}
