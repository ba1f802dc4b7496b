//! Following jobs: asked about while something runs and the page is looked at, told where it matters.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use api_types::jobs::{ItemResult, Job, JobItem};
use js_sys::Promise;
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen_futures::JsFuture;

use super::{
    Jobs, News, list,
    news::{Told, has_ended, is_running},
    not_done::{Place, read_on},
    texts,
};
use crate::{
    client_log::{Kind, Level, log},
    explain::{Fault, explain},
};

/// What the following keeps.
#[derive(Default)]
pub struct Following {
    is_at_it: Cell<bool>,
    /// Asked so often since something new began.
    rounds: Cell<u32>,
    told: RefCell<Told>,
    /// How far the servers were read that a job was not done to, by job and result.
    places: RefCell<Vec<((String, &'static str), Place)>>,
    /// Jobs whose failure is told where it was asked for.
    told_elsewhere: RefCell<Vec<String>>,
    listeners: RefCell<Vec<(u32, Listener)>>,
    next_listener: Cell<u32>,
}

type Listener = Rc<dyn Fn(&News<'_>)>;

/// How a job of one server went.
pub enum Outcome {
    Done,
    /// Why not.
    NotDone(Box<JobItem>),
    /// It takes longer than anybody waits in front of a dialog.
    StillRunning,
}

/// Single actions are over within a second or two; for them the first rounds are quicker.
const FIRST_ROUNDS: u32 = 8;
const FIRST_ROUND_MS: i32 = 300;
const ROUND_MS: i32 = 1_000;
const AFTER_FAILURE_MS: i32 = 5_000;
/// Whoever waits for an outcome looks so often, and so long.
const LOOK_EVERY_MS: i32 = 60;
const LOOKS: usize = 150;

impl Jobs {
    /// Asks once, and follows what runs.
    pub async fn refresh(self) {
        match list().await {
            Ok(answer) => self.take(answer.jobs, false).await,
            Err(error) => self.failure.set(Some(error)),
        }
    }

    /// Calls `listen` with what becomes of jobs, for as long as the calling component lives.
    pub fn listen(self, listen: impl Fn(&News<'_>) + 'static) {
        let id = self.with(|following| {
            let id = following.next_listener.get();
            following.next_listener.set(id.wrapping_add(1));
            following.listeners.borrow_mut().push((id, Rc::new(listen)));
            id
        });
        on_cleanup(move || {
            self.with(|following| following.listeners.borrow_mut().retain(|(other, _)| Some(*other) != id));
        });
    }

    /// Waits for the outcome of a job of one server, whose failure the caller tells.
    pub async fn outcome(self, id: &str) -> Outcome {
        self.with(|following| following.told_elsewhere.borrow_mut().push(id.to_owned()));
        let mut outcome = Outcome::StillRunning;
        for _ in 0..LOOKS {
            let job = self.list.with_untracked(|list| {
                list.iter().flatten().find(|job| job.id == id).filter(|job| has_ended(job)).cloned()
            });
            if let Some(job) = job {
                outcome = self.ended(&job).await;
                break;
            }
            sleep(LOOK_EVERY_MS).await;
        }
        self.with(|following| following.told_elsewhere.borrow_mut().retain(|other| other != id));
        outcome
    }

    /// Shows a job that is new, or changed by what was asked, at once.
    pub(super) fn follow_new(self, job: Job) {
        self.with(|following| {
            following.told.borrow_mut().follow(&job, true);
            following.rounds.set(0);
        });
        self.list.update(|list| {
            let list = list.get_or_insert_default();
            match list.iter_mut().find(|other| other.id == job.id) {
                Some(other) => *other = job,
                None => list.insert(0, job),
            }
        });
        // Also where it is over already: what came of it is told.
        self.go_on();
    }

    fn go_on(self) {
        let is_new = self.with(|following| !following.is_at_it.replace(true)) == Some(true);
        if is_new {
            spawn_local(async move {
                self.rounds().await;
                self.with(|following| following.is_at_it.set(false));
            });
        }
    }

    async fn rounds(self) {
        let mut pause = 0;
        loop {
            sleep(pause).await;
            if document().hidden() {
                // Whoever comes back finds out within a second.
                pause = ROUND_MS;
                continue;
            }
            let Some(round) = self.with(|following| following.rounds.replace(following.rounds.get() + 1))
            else {
                return;
            };
            pause = if round < FIRST_ROUNDS { FIRST_ROUND_MS } else { ROUND_MS };
            match list().await {
                Ok(answer) => {
                    let is_over = !answer.jobs.iter().any(is_running);
                    self.take(answer.jobs, true).await;
                    // Something may have begun while this was told.
                    let is_new = self.with(|following| following.rounds.get() == 0).unwrap_or(false);
                    if is_over && !is_new {
                        return;
                    }
                }
                Err(error) if error.over().is_some() => return self.failure.set(Some(error)),
                Err(error) => {
                    self.failure.set(Some(error));
                    pause = AFTER_FAILURE_MS;
                }
            }
        }
    }

    async fn take(self, jobs: Vec<Job>, is_at_it: bool) {
        let changes = self.with(|following| {
            let mut told = following.told.borrow_mut();
            jobs.iter().filter(|job| is_running(job)).for_each(|job| told.follow(job, false));
            told.changes(&jobs)
        });
        let changed: Vec<_> = changes
            .unwrap_or_default()
            .into_iter()
            .filter_map(|change| Some((change, jobs.get(change.at)?.clone())))
            .collect();
        let runs = jobs.iter().any(is_running);
        self.failure.set_if_new(None);
        self.list.set(Some(jobs));
        for (change, job) in changed {
            if change.has_problems {
                let items = self.not_done(&job).await;
                self.tell(&News::NotDone(&job, &items));
                self.say_problem(&job, &items);
            }
            if change.has_ended {
                self.with(|following| following.places.borrow_mut().retain(|((id, _), _)| *id != job.id));
                self.tell(&News::Ended(&job));
                log_end(&job);
                self.announcer.say(texts::ended(&job));
            }
        }
        if runs && !is_at_it {
            self.go_on();
        }
    }

    /// The servers it was not done to: all that were not told yet, and some that were.
    async fn not_done(self, job: &Job) -> Vec<JobItem> {
        let counts = job.counts;
        let kinds = [(counts.failed, "failed"), (counts.skipped, "skipped"), (counts.uncertain, "uncertain")];
        let mut found = Vec::new();
        for (count, kind) in kinds.into_iter().filter(|(count, _)| *count > 0) {
            let key = (job.id.clone(), kind);
            let kept = self.with(|following| {
                let mut places = following.places.borrow_mut();
                let at = places.iter().position(|(of, _)| *of == key);
                at.map(|at| places.swap_remove(at).1)
            });
            let mut place = kept.flatten().unwrap_or_default();
            let page = async |after| self.items(&job.id, Some(kind), after).await.ok();
            found.extend(read_on(&mut place, count, page).await);
            self.with(|following| following.places.borrow_mut().push((key, place)));
        }
        found
    }

    async fn ended(self, job: &Job) -> Outcome {
        match self.items(&job.id, None, None).await {
            Ok(page) => match page.items.into_iter().find(|item| !matches!(item.result, ItemResult::Done)) {
                Some(item) => Outcome::NotDone(Box::new(item)),
                None => Outcome::Done,
            },
            Err(_) => Outcome::StillRunning,
        }
    }

    /// One server: why not and what now. Many: how many, the tray has the rest.
    fn say_problem(self, job: &Job, items: &[JobItem]) {
        let is_elsewhere = self.with(|following| following.told_elsewhere.borrow().contains(&job.id));
        if is_elsewhere == Some(true) || (job.counts.total > 1 && !has_ended(job)) {
            return;
        }
        match items {
            [item] if job.counts.total == 1 => {
                let ids = item.request_id.iter().chain(&item.upstream_request_id);
                let ids = ids.map(String::as_str).collect::<Vec<_>>().join(" · ");
                let text = format!("{}: {}", texts::title(job), why(item));
                self.toasts.fail(text, (!ids.is_empty()).then_some(ids));
            }
            _ => self.toasts.fail(texts::ended(job), None),
        }
    }

    fn tell(self, news: &News<'_>) {
        let listeners = self.with(|following| following.listeners.borrow().clone()).unwrap_or_default();
        listeners.iter().for_each(|(_, listen)| listen(news));
    }

    fn with<T>(self, read: impl FnOnce(&Following) -> T) -> Option<T> {
        self.following.try_with_value(|following| read(following))
    }
}

/// Without names: a person gave them.
fn log_end(job: &Job) {
    let counts = job.counts;
    let not_done = counts.failed + counts.skipped + counts.uncertain;
    let level = if not_done > 0 { Level::Warn } else { Level::Info };
    let fields = [
        ("action", job.action.name()),
        ("job", &*job.id),
        ("done", &*counts.done.to_string()),
        ("not_done", &*not_done.to_string()),
    ];
    log(level, Kind::Action, "A job ended.", &fields);
}

/// Why it was not done to a server, and what to do now: two sentences or three.
pub fn why(item: &JobItem) -> String {
    match &item.result {
        ItemResult::Failed { error } => {
            let words = error.upstream_message.as_deref();
            let explained = explain(Fault {
                status: error.upstream_status,
                code: &error.error.code,
                words: words.unwrap_or(&error.error.message),
            });
            format!("{} {}", explained.cause, explained.next)
        }
        ItemResult::Skipped { because } => texts::impossible(because),
        ItemResult::Uncertain => texts::UNCERTAIN.to_owned(),
        ItemResult::Waiting | ItemResult::Running | ItemResult::Done | ItemResult::Canceled => String::new(),
    }
}

async fn sleep(ms: i32) {
    let pause = Promise::new(&mut |resolve, _| {
        _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms);
    });
    _ = JsFuture::from(pause).await;
}
