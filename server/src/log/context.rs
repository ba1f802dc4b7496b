//! What is known of the request, or of the job, that a line belongs to: nobody who logs has to name it.

use std::sync::Arc;

use parking_lot::Mutex;

use super::Who;

tokio::task_local! {
    static CONTEXT: Context;
}

/// Shared by everything that is done for one request. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Context(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    request_id: Option<Arc<str>>,
    known: Mutex<Known>,
    is_of_store: bool,
}

/// What is found out on the way.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub who: Who,
    pub project: Option<Arc<str>>,
}

impl Context {
    /// That of a request whose caller is not known yet.
    pub fn of_request(id: Arc<str>) -> Self {
        Self(Arc::new(Inner { request_id: Some(id).filter(|id| !id.is_empty()), ..Inner::default() }))
    }

    /// That of what is done for somebody: by a job, say.
    pub fn of_user(who: Who, project: Option<Arc<str>>, request_id: Option<Arc<str>>) -> Self {
        Self(Arc::new(Inner {
            request_id: request_id.filter(|id| !id.is_empty()),
            known: Mutex::new(Known { who, project }),
            is_of_store: false,
        }))
    }

    /// That of storing lines: what is logged there is not stored itself, or it would never end.
    pub(super) fn of_store() -> Self {
        Self(Arc::new(Inner { is_of_store: true, ..Inner::default() }))
    }

    /// The one this is called in; an empty one elsewhere. A task that is spawned takes it along with
    /// [`within`](Self::within).
    pub fn current() -> Self {
        CONTEXT.try_with(Clone::clone).unwrap_or_default()
    }

    /// Whatever the future logs belongs here.
    pub fn within<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        CONTEXT.scope(self, future)
    }

    /// The same for what does not wait.
    pub fn within_now<T>(self, work: impl FnOnce() -> T) -> T {
        CONTEXT.sync_scope(self, work)
    }

    pub(super) fn request_id(&self) -> Option<&Arc<str>> {
        self.0.request_id.as_ref()
    }

    pub(super) fn known(&self) -> Known {
        self.0.known.lock().clone()
    }

    pub(super) fn is_of_store(&self) -> bool {
        self.0.is_of_store
    }

    /// Asks about the user without a copy.
    pub(super) fn with_user<T>(&self, ask: impl FnOnce(&str) -> T) -> Option<T> {
        self.0.known.lock().who.user.as_deref().map(ask)
    }

    pub(super) fn with<T>(ask: impl FnOnce(&Self) -> T) -> Option<T> {
        CONTEXT.try_with(ask).ok()
    }
}

/// Notes who the caller of this request turned out to be.
pub fn note_caller(who: Who) {
    let _ = CONTEXT.try_with(|context| context.0.known.lock().who = who);
}

/// Notes which project this request is about.
pub fn note_project(project: &str) {
    let _ = CONTEXT.try_with(|context| context.0.known.lock().project = Some(project.into()));
}

/// Runs on beside the request, and what it logs belongs to it all the same.
pub fn spawn<F>(future: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(Context::current().within(future))
}
