//! Why the cloud did not do something, drawn for the person it happens to.

use crate::{
    cloud::CloudError,
    explain::{Fault, Traces, explained},
    ui::El,
};

/// A refusal of the cloud with its cause, consequence and next step.
pub fn cloud_fault(error: &CloudError) -> El {
    let ids = error.request_ids();
    let traces = Traces { request_id: ids.first().cloned(), upstream_request_id: ids.get(1).cloned() };
    let words = error.message();
    let fault = match error {
        CloudError::Refused(refusal) => Fault { status: Some(refusal.status), code: "", words: &words },
        CloudError::Panel(error) => Fault { status: None, code: error.code(), words: &words },
    };
    explained(fault, &traces)
}
