//! Why the cloud did not do something, drawn for the person it happens to.

use crate::{
    cloud::CloudError,
    explain::{Fault, Traces, explained, explained_gap},
    ui::{El, el, sending::Told},
};

/// Why something that was filled in was not done.
pub enum Trouble {
    /// It cannot be sent as it is.
    Words(String),
    /// The cloud did not do it.
    Cloud(CloudError),
}

impl Trouble {
    pub fn drawn(&self) -> El {
        match self {
            Self::Words(words) => el("p").class("field-note error").text(words),
            Self::Cloud(error) => cloud_fault(error),
        }
    }
}

impl Told for Trouble {
    fn sentence(&self) -> String {
        match self {
            Self::Words(words) => words.clone(),
            Self::Cloud(error) => {
                let explained = error.explained();
                format!("{} {} {}", explained.cause, explained.consequence, explained.next)
            }
        }
    }

    fn ids(&self) -> Option<String> {
        match self {
            Self::Words(_) => None,
            Self::Cloud(error) => Some(error.request_ids().join(" · ")).filter(|ids| !ids.is_empty()),
        }
    }
}

/// A refusal of the cloud with its cause, consequence and next step.
pub fn cloud_fault(error: &CloudError) -> El {
    drawn(error, explained)
}

/// The same for what could not be read.
pub fn cloud_gap(error: &CloudError) -> El {
    drawn(error, explained_gap)
}

fn drawn(error: &CloudError, explained: fn(Fault<'_>, &Traces) -> El) -> El {
    let ids = error.request_ids();
    let traces = Traces { request_id: ids.first().cloned(), upstream_request_id: ids.get(1).cloned() };
    let words = error.message();
    let fault = match error {
        CloudError::Refused(refusal) => Fault { status: Some(refusal.status), code: "", words: &words },
        CloudError::Panel(error) => Fault { status: None, code: error.code(), words: &words },
    };
    explained(fault, &traces)
}
