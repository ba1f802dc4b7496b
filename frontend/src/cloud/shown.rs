//! The list of calls, which opens over any page from wherever something was done or failed.

use leptos::prelude::*;

/// Whether it is open, and what it is about. Cheap to hand on.
#[derive(Clone, Copy)]
pub struct CallsShown {
    open: RwSignal<bool>,
    job: RwSignal<String>,
}

impl CallsShown {
    /// Opens all calls.
    pub fn show(self) {
        self.job.set(String::new());
        self.open.set(true);
    }

    /// Opens them with those of a job at the top.
    pub fn show_of(self, job: &str) {
        self.job.set(job.to_owned());
        self.open.set(true);
    }

    /// Follows whether it is open.
    pub fn open(self) -> RwSignal<bool> {
        self.open
    }

    /// The job it was opened for, where it was for one.
    pub fn job(self) -> Option<String> {
        Some(self.job.get_untracked()).filter(|job| !job.is_empty())
    }
}

/// Makes the list of calls reachable from everything below the calling component.
pub fn provide_calls_shown() -> CallsShown {
    let shown = CallsShown { open: RwSignal::new(false), job: RwSignal::new(String::new()) };
    provide_context(shown);
    shown
}

/// `None` outside of the frame, where there is no such list.
pub fn use_calls_shown() -> Option<CallsShown> {
    use_context()
}
