//! Every item of a job as CSV, to keep.

use std::collections::VecDeque;

use api_types::{
    jobs::{ItemResult, JobItem},
    servers::action::Impossible,
};
use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use uuid::Uuid;

use super::find;
use crate::{
    csv::cell,
    error::ApiError,
    jobs::{ItemRow, Jobs},
    session::Caller,
};

const HEAD: &str =
    "region,server_id,name,result,code,message,cloud_status,cloud_message,request_id,cloud_request_id\r\n";
/// Rows read at once; no more are held.
const PAGE: i64 = 1_000;

/// Downloads all items, page by page as the browser takes them.
///
/// Errors: 401 no session, 404 the caller has no such job, 503 Postgres does not answer; where it stops to answer on
/// the way, the download breaks off.
pub async fn download_result(
    caller: Caller,
    State(jobs): State<Jobs>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let job = find(&jobs, &caller, &id).await?;
    let short: String = job.id.simple().to_string().chars().take(8).collect();
    let name = format!("attachment; filename=\"{}-{short}.csv\"", job.action);
    let body = Body::from_stream(pages(jobs, job.id));
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

fn pages(jobs: Jobs, job: Uuid) -> impl futures_util::Stream<Item = sqlx::Result<String>> {
    let ready = VecDeque::from([HEAD.to_owned()]);
    stream::try_unfold((jobs, ready, Some(-1)), move |(jobs, mut ready, after)| async move {
        if let Some(text) = ready.pop_front() {
            return Ok(Some((text, (jobs, ready, after))));
        }
        let Some(after) = after else { return Ok(None) };
        let rows = jobs.store().list_items(job, None, after, PAGE).await?;
        let text: String = rows.iter().filter_map(ItemRow::shown).map(|item| line(&item)).collect();
        let next = rows.last().map(|last| last.number);
        Ok(next.map(|next| (text, (jobs, ready, Some(next)))))
    })
}

fn line(item: &JobItem) -> String {
    let (result, code, message, status, cloud) = match &item.result {
        ItemResult::Waiting => ("waiting", "", String::new(), None, None),
        ItemResult::Running => ("running", "", String::new(), None, None),
        ItemResult::Done => ("done", "", String::new(), None, None),
        ItemResult::Uncertain => ("uncertain", "", String::new(), None, None),
        ItemResult::Canceled => ("canceled", "", String::new(), None, None),
        ItemResult::Skipped { because } => ("skipped", word(because), sentence(because), None, None),
        ItemResult::Failed { error } => (
            "failed",
            error.error.code.as_str(),
            error.error.message.clone(),
            error.upstream_status,
            error.upstream_message.as_deref(),
        ),
    };
    let cells = [
        item.region.to_string(),
        item.server.to_string(),
        item.name.clone(),
        result.to_owned(),
        code.to_owned(),
        message,
        status.map(|status| status.to_string()).unwrap_or_default(),
        cloud.unwrap_or_default().to_owned(),
        item.request_id.clone().unwrap_or_default(),
        item.upstream_request_id.clone().unwrap_or_default(),
    ];
    let mut line = cells.map(|text| cell(&text)).join(",");
    line.push_str("\r\n");
    line
}

fn word(because: &Impossible) -> &'static str {
    match because {
        Impossible::Locked => "locked",
        Impossible::AlreadySo => "already_so",
        Impossible::Busy { .. } => "busy",
        Impossible::Status { .. } => "status",
        Impossible::Gone => "gone",
    }
}

fn sentence(because: &Impossible) -> String {
    match because {
        Impossible::Locked => "The server is locked.".to_owned(),
        Impossible::AlreadySo => "It is so already.".to_owned(),
        Impossible::Busy { task_state } => format!("Something else is being done to it: {task_state}."),
        Impossible::Status { status, needs } => format!("It is {status}; needed is {}.", needs.join(" or ")),
        Impossible::Gone => "The server is gone.".to_owned(),
    }
}
