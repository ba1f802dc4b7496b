//! Jobs as this document knows them: what somebody asked to be done to servers, and how far it is. The server does
//! the work and remembers it; here it is asked for, followed and told.

pub mod follow;
pub mod news;
mod not_done;
pub mod texts;

use std::rc::Rc;

use api_types::{
    ProjectId,
    jobs::{ControlJob, CreateJob, Job, JobItem, JobItems, JobList},
    routes,
};
use leptos::prelude::*;

use crate::{
    api_client::{ApiError, Call},
    client_log::{Kind, Level, log},
    cloud::calls::note_job,
    ui::{Held, announcer::Announcements, format, toast::ToastBox, use_announcer, use_toasts},
};
use follow::Following;

/// The caller's jobs. Cheap to hand on.
#[derive(Clone, Copy)]
pub struct Jobs {
    /// The newest first; `None` until the server was asked.
    list: Held<Option<Vec<Job>>>,
    /// Why the latest question has no answer.
    failure: Held<Option<ApiError>>,
    /// The job whose result is open.
    shown: Held<Option<String>>,
    following: StoredValue<Rc<Following>, LocalStorage>,
    toasts: ToastBox,
    announcer: Announcements,
}

/// What became of a job, for those who showed something in advance.
pub enum News<'a> {
    /// The cloud did not do it to these of its servers, or nobody knows whether it did.
    NotDone(&'a Job, &'a [JobItem]),
    /// Nothing more will be done.
    Ended(&'a Job),
}

impl Jobs {
    /// What is known, the newest first.
    pub fn list(self) -> Held<Option<Vec<Job>>> {
        self.list
    }

    pub fn failure(self) -> Option<ApiError> {
        self.failure.get()
    }

    /// The job whose result is open.
    pub fn shown(self) -> Held<Option<String>> {
        self.shown
    }

    /// How many are being worked on.
    pub fn running(self) -> usize {
        self.list.with(|list| list.iter().flatten().filter(|job| news::is_running(job)).count())
    }

    /// Asks for a job. Asking twice with one key makes one.
    ///
    /// Errors: all of [`ApiError`]; nothing was begun then, or it will be found under the same key.
    pub async fn create(self, project: &ProjectId, job: &CreateJob) -> Result<Job, ApiError> {
        let sent_at = format::now();
        log(
            Level::Info,
            Kind::Action,
            "Something is to be done to servers.",
            &[("action", job.action.kind().name())],
        );
        let answer = Call::post(routes::project_jobs(project)).body(job).json::<Job>().await;
        note_job(job, sent_at, answer.as_ref());
        let job = answer?;
        self.follow_new(job.clone());
        Ok(job)
    }

    /// Pauses, resumes, cancels, tries again.
    ///
    /// Errors: all of [`ApiError`].
    pub async fn control(self, id: &str, control: &ControlJob) -> Result<Job, ApiError> {
        let job = Call::post(routes::job(id)).body(control).json::<Job>().await?;
        self.follow_new(job.clone());
        Ok(job)
    }

    /// What became of the first few servers.
    ///
    /// Errors: all of [`ApiError`].
    pub async fn first_items(self, id: &str, most: usize) -> Result<JobItems, ApiError> {
        Call::get(format!("{}?limit={most}", routes::job_items(id))).json().await
    }

    /// A page of what became of each server. `result` is one of the names of [`api_types::jobs::ItemResult`].
    ///
    /// Errors: all of [`ApiError`].
    pub async fn items(
        self,
        id: &str,
        result: Option<&str>,
        after: Option<i64>,
    ) -> Result<JobItems, ApiError> {
        let mut path = format!("{}?limit={ITEMS_AT_ONCE}", routes::job_items(id));
        if let Some(result) = result {
            path.push_str(&format!("&result={result}"));
        }
        if let Some(after) = after {
            path.push_str(&format!("&after={after}"));
        }
        Call::get(path).json().await
    }
}

/// Of a job's items so many are asked for at once.
pub const ITEMS_AT_ONCE: usize = 500;

/// Makes the document's jobs known to all its pages.
pub fn provide_jobs() {
    provide_context(Jobs {
        list: Held::new(None),
        failure: Held::new(None),
        shown: Held::new(None),
        following: StoredValue::new_local(Rc::new(Following::default())),
        toasts: use_toasts(),
        announcer: use_announcer(),
    });
}

/// The jobs of this document.
#[track_caller]
pub fn use_jobs() -> Jobs {
    expect_context()
}

async fn list() -> Result<JobList, ApiError> {
    Call::get(routes::JOBS).json().await
}
