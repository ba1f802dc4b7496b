//! Lines as a file, to keep or to hand on.

use api_types::operator::logs::{LogLine, LogQuery};
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, header},
};
use serde::Deserialize;

use super::{
    filter::{filter_of, follow_jobs, in_words},
    list::line_of,
};
use crate::{
    clock::Clock,
    csv::cell,
    error::ApiError,
    jobs::Jobs,
    log::search::{LogSearch, Start},
    session::Operator,
};

#[derive(Deserialize)]
pub struct ExportQuery {
    #[serde(default)]
    format: Format,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Csv,
    Ndjson,
}

/// More is for tools that read the log itself.
const MOST: usize = 10_000;

/// The newest [`MOST`] lines of a search, the newest first, as CSV or as a JSON object a line.
///
/// Errors: those of the list.
pub async fn export_lines(
    operator: Operator,
    query: Result<Query<LogQuery>, QueryRejection>,
    form: Result<Query<ExportQuery>, QueryRejection>,
    State(search): State<LogSearch>,
    State(jobs): State<Jobs>,
    State(clock): State<Clock>,
) -> Result<(HeaderMap, String), ApiError> {
    let refused = |rejection: QueryRejection| ApiError::Refused { status: rejection.status() };
    let (Query(query), Query(form)) = (query.map_err(refused)?, form.map_err(refused)?);
    let mut filter = filter_of(&query, clock.now())?;
    operator.note_reading("exported the log", in_words(&query));
    follow_jobs(&mut filter, &jobs).await?;
    let found = search.find(&filter, Start::Newest, MOST).await?;
    let lines = found.rows.into_iter().map(line_of);
    let (kind, name, body) = match form.format {
        Format::Csv => {
            let mut body = HEAD.to_owned();
            lines.for_each(|line| write_row(&mut body, &line));
            ("text/csv; charset=utf-8", "csv", body)
        }
        Format::Ndjson => {
            let lines = lines.filter_map(|line| serde_json::to_string(&line).ok());
            ("application/x-ndjson", "ndjson", lines.map(|line| line + "\n").collect())
        }
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let name = format!("attachment; filename=\"log-{}.{name}\"", clock.now().format("%Y%m%dT%H%M%SZ"));
    let name = HeaderValue::try_from(name).map_err(ApiError::internal("naming a file"))?;
    headers.insert(header::CONTENT_DISPOSITION, name);
    Ok((headers, body))
}

const HEAD: &str = "at,level,facility,description,user,user_id,project,session,request_id,node,region,zone,environment,release,fields\r\n";

fn write_row(body: &mut String, line: &LogLine) {
    let at = chrono::DateTime::from_timestamp_micros(line.at_us).unwrap_or_default();
    let at = at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let fields = serde_json::to_string(&line.fields).unwrap_or_default();
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let cells = [
        at,
        line.level.clone(),
        line.facility.clone(),
        line.description.clone(),
        text(&line.user),
        text(&line.user_id),
        text(&line.project),
        text(&line.session),
        text(&line.request_id),
        line.node.clone(),
        text(&line.region),
        text(&line.zone),
        text(&line.environment),
        line.release.clone(),
        fields,
    ];
    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    body.push_str(&cells.join(","));
    body.push_str("\r\n");
}
