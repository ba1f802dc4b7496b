//! What went wrong with what was asked for, in the dialog that asked, or in a message where that is closed by now.

use api_types::jobs::{ItemResult, JobItem};

use super::texts;
use crate::{
    api_client::ApiError,
    explain::{Fault, Traces, explained},
    jobs::{follow::why, texts::impossible},
    ui::{BannerKind, El, banner::banner, el, sending::Told},
};

pub enum Problem {
    /// The panel did not take it.
    Refused(ApiError),
    /// An earlier press, whose answer was lost, arrived after all: with other values than those sent now.
    FirstArrived(ApiError),
    /// The cloud did not do it.
    NotDone(Box<JobItem>),
}

impl Problem {
    /// It is known what became of what was sent: asking again is a new request.
    pub fn is_answered(&self) -> bool {
        match self {
            Self::Refused(error) => matches!(error, ApiError::Refused { status, .. } if *status < 500),
            Self::FirstArrived(_) | Self::NotDone(_) => true,
        }
    }

    pub fn drawn(&self) -> El {
        let inside = match self {
            Self::Refused(error) => {
                let traces = Traces { request_id: self.request_id(), ..Traces::default() };
                let words = error.message();
                explained(Fault { status: None, code: error.code(), words: &words }, &traces)
            }
            Self::FirstArrived(_) => el("div").class("explained").child(el("p").text(texts::FIRST_ARRIVED)),
            Self::NotDone(item) => {
                let traces = Traces {
                    request_id: item.request_id.clone(),
                    upstream_request_id: item.upstream_request_id.clone(),
                };
                match &item.result {
                    ItemResult::Failed { error } => {
                        let words = error.upstream_message.as_deref().unwrap_or(&error.error.message);
                        let code = &error.error.code;
                        explained(Fault { status: error.upstream_status, code, words }, &traces)
                    }
                    ItemResult::Skipped { because } => el("p").text(&impossible(because)),
                    _ => el("p").text(&why(item)),
                }
            }
        };
        let text = el("div").class("banner-text").child(inside);
        banner(BannerKind::Failure, text, el("div").class("banner-actions"))
            .attr("data-testid", "action-failed")
    }

    fn request_id(&self) -> Option<String> {
        match self {
            Self::Refused(error) | Self::FirstArrived(error) => error.request_id().map(str::to_owned),
            Self::NotDone(item) => item.request_id.clone(),
        }
    }
}

impl Told for Problem {
    fn sentence(&self) -> String {
        match self {
            Self::Refused(error) => error.message(),
            Self::FirstArrived(_) => texts::FIRST_ARRIVED.to_owned(),
            Self::NotDone(item) => why(item),
        }
    }

    fn ids(&self) -> Option<String> {
        let theirs = match self {
            Self::NotDone(item) => item.upstream_request_id.clone(),
            Self::Refused(_) | Self::FirstArrived(_) => None,
        };
        let ids: Vec<_> = self.request_id().into_iter().chain(theirs).collect();
        (!ids.is_empty()).then(|| ids.join(" · "))
    }
}
