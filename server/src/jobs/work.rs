//! What the jobs ask of whoever does an item.

use std::{future::Future, time::Duration};

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Does one item at a time.
pub trait Work: Send + Sync + 'static {
    /// What all items of a job share, read once.
    type Open: Send + Sync;

    /// Reads what a job is to do and with what. `None`: it cannot be read.
    fn open(&self, job: &LeasedJob, payload: &[u8], permit: &[u8]) -> Option<Self::Open>;

    /// No call of [`run`](Self::run) takes longer, waiting for a free place included.
    fn longest_call(&self) -> Duration;

    /// Does an item. It was written down as begun already.
    fn run(&self, open: &Self::Open, item: &Item) -> impl Future<Output = Outcome> + Send;

    /// Finds out what became of an item whose call is over and whose answer nobody has.
    fn look_up(&self, open: &Self::Open, item: &Item) -> impl Future<Output = Found> + Send;

    /// An item was done: those who look are to see it soon.
    fn done(&self, open: &Self::Open, item: &Item) -> impl Future<Output = ()> + Send;
}

/// A job that this node works on.
#[derive(Clone, Debug)]
pub struct LeasedJob {
    pub id: Uuid,
    pub user_id: String,
    pub user_name: String,
    pub session: String,
    pub project_id: String,
    /// The request that set it going; not known of what an earlier release began.
    pub request_id: Option<String>,
    /// It has one item: somebody waits for it.
    pub is_single: bool,
    /// Which run of the job this is; each has a permit of its own.
    pub run: i32,
}

/// An item that is being done.
#[derive(Clone, Debug)]
pub struct Item {
    pub number: i32,
    pub place: String,
    pub target: Uuid,
    pub name: String,
    /// How often it has been sent, this time included.
    pub attempts: i32,
    /// `req-` and a UUID: in our log, and where it is understood in the cloud's.
    pub request_id: String,
    pub sent_at: DateTime<Utc>,
    /// From then on nothing of the call is on its way any more.
    pub over_at: DateTime<Utc>,
}

/// What became of an item.
#[derive(Clone, Debug)]
pub enum Outcome {
    Done {
        upstream_request_id: Option<String>,
        note: Option<String>,
    },
    Failed {
        reason: Reason,
        upstream_request_id: Option<String>,
    },
    /// It was sent, and there is no answer to go by. The reason is for the case that it may be repeated and goes on
    /// like this.
    Unknown {
        reason: Option<Reason>,
    },
    /// It is said not to have been done, by somebody on the way who may be wrong. It can be tried again once a look
    /// says so too; where somebody waits for it, it failed then.
    Doubtful {
        reason: Reason,
        retry_in: Duration,
    },
    /// It was surely not done, and can be tried again. `slows`: the other side asked for fewer.
    NotNow {
        retry_in: Duration,
        slows: bool,
    },
    /// It was surely not done, and nothing of this job can be, until its owner comes back.
    Held {
        because: String,
    },
}

/// What was found out about an item afterwards.
#[derive(Clone, Debug)]
pub enum Found {
    Done {
        upstream_request_id: Option<String>,
    },
    /// Doing it twice does no harm.
    Repeatable,
    /// There is no trace of it; where the call may have been lost on its way, that is no proof.
    NoTrace,
    Unknown,
    /// It cannot be asked now.
    NotNow {
        retry_in: Duration,
    },
}

/// Why an item failed, in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(pub String);
