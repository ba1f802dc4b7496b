//! Who is signed in: the cookie, our row in Postgres, the copy in this node's memory, and Keystone's token in it.
//!
//! A handler asks for a [`Caller`], or for a [`ProjectCaller`] where the route names a project.

mod cache;
mod caller;
mod cookie;
mod current;
mod entry;
mod given_up;
mod keystone;
mod lookup;
mod memory;
mod operators;
mod people;
mod per_session;
mod revocation;
mod scope;
mod seal;
mod store;
pub mod support_view;
mod upkeep;

use std::{fmt, sync::Arc};

use api_types::ProjectId;
use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use self::{
    caller::{Caller, ClientAddress, ProjectCaller, RequestId},
    cookie::{CookieSecret, Cookies, plain_cookie},
    current::current_session,
    entry::{BrowserName, BrowserVersion, Entrance, client_address},
    given_up::GivenUpTokens,
    keystone::{AuthError, IssuedToken, Keystone, KeystoneProject, PasswordAnswer, Receipt},
    lookup::{EndReason, Sessions},
    operators::{Operator, Operators},
    people::SeenUserRow,
    per_session::{OpenOne, PerSession},
    scope::{ProjectScope, Scopes, Verdict},
    seal::Sealer,
    store::SessionStore,
    support_view::SupportView,
    upkeep::{Upkeep, delete_expired, hears, write_uses_once},
};
use crate::{clock::Clock, log::Who, secret::Secret};

/// Names a session to its owner, in logs and in Postgres; of no use to sign in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(pub Uuid);

/// A live session. Does not change: what is continued becomes a new value under the same id.
#[derive(Debug)]
pub struct Session {
    pub id: SessionId,
    pub user: SessionUser,
    /// Keystone's token without a project; [`Scopes`] gets one for each project by it.
    pub token: Secret,
    pub token_expires_at: DateTime<Utc>,
    /// Signing in took a one-time code as well.
    pub needs_totp: bool,
    /// Where a fresh visit lands.
    pub default_project: Option<ProjectId>,
    pub created_at: DateTime<Utc>,
    /// The absolute limit, whatever happens until then.
    pub expires_at: DateTime<Utc>,
    /// The same as the log has it.
    who: Who,
    liveness: Arc<Liveness>,
}

/// The user as Keystone knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionUser {
    pub id: String,
    pub name: String,
    pub domain_id: String,
    pub domain: String,
}

impl SessionUser {
    /// The same with a session of theirs, as the log has it.
    fn who(&self, session: SessionId) -> Who {
        Who {
            user: Some(self.name.as_str().into()),
            user_id: Some(self.id.as_str().into()),
            session: Some(session.short().into()),
        }
    }
}

impl Session {
    /// Whose it is, as the log has it.
    pub fn who(&self) -> Who {
        self.who.clone()
    }

    /// Resolves when the session ends: signed out, revoked, expired, or no longer accepted by Keystone.
    pub async fn ended(&self) {
        self.liveness.ended.cancelled().await;
    }

    /// Whether the session has ended since it was looked up.
    pub fn has_ended(&self) -> bool {
        self.liveness.ended.is_cancelled()
    }

    /// What the session looks at for a customer, if it does: it changes nothing there meanwhile.
    pub fn support_view(&self, clock: &Clock) -> Option<SupportView> {
        let view = self.liveness.look.lock().support_view.clone()?;
        (clock.now() < view.until).then_some(view)
    }

    /// Resolves once the session looks at this project for a customer; at once where it does.
    async fn only_looks_at(&self, project: &ProjectId, clock: &Clock) {
        loop {
            let changed = self.liveness.look_changed.notified();
            tokio::pin!(changed);
            // From here on no change is missed.
            changed.as_mut().enable();
            if self.support_view(clock).is_some_and(|view| view.is_of(project.as_str())) {
                return;
            }
            changed.await;
        }
    }

    /// Whether Keystone's token is past its time; the session itself may go on, with the password entered again.
    pub fn is_token_expired(&self, now: DateTime<Utc>) -> bool {
        self.token_expires_at <= now
    }
}

impl SessionId {
    fn new() -> Self {
        Self(Uuid::new_v4())
    }

    /// The first eight digits: enough to find a session's lines in a log.
    pub fn short(&self) -> String {
        self.0.simple().to_string().chars().take(8).collect()
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One per session and node, shared by all who hold the session: says when it is over, and what it looks at.
#[derive(Debug, Default)]
struct Liveness {
    ended: CancellationToken,
    look: Mutex<Look>,
    look_changed: Notify,
}

/// What a session looks at, and since when that is known.
#[derive(Debug, Default)]
struct Look {
    support_view: Option<SupportView>,
    as_of: AsOf,
}

/// A place in the order in which this node asks Postgres about sessions, and changes them: what was asked before a change
/// says nothing about it, whenever the answer comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct AsOf(u64);
