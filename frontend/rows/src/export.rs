//! The list as CSV and JSON, in chunks.

use api_types::ServerId;
use serde::{Serialize, Serializer};

use super::{Column, ImageKind, RowIndex, RowView, Rows};

/// A file in the making; [`Export::next_chunk`] gives it piece by piece, so that no piece takes long.
///
/// Rows that go while it is made are left out; rows that change are written as they are when their turn comes.
pub struct Export {
    format: Format,
    columns: Vec<Column>,
    /// Ids, not slots: a slot may hold another server later.
    servers: Vec<ServerId>,
    /// How many of them had their turn.
    passed: usize,
    rows_written: usize,
    is_begun: bool,
    is_whole: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180 with a heading, the given columns, led by a byte order mark, without which spreadsheets read umlauts
    /// wrongly; what a spreadsheet would run is led by an apostrophe.
    Csv,
    /// An array of objects with everything the list knows of each server, whatever the columns.
    Json,
}

/// Rows in one chunk.
const CHUNK_ROWS: usize = 500;

impl Export {
    /// Begins a file of these rows, in this order: [`View::order`](super::View::order) for all that match.
    pub fn new(format: Format, columns: &[Column], rows: &Rows, order: &[RowIndex]) -> Self {
        Self {
            format,
            columns: columns.to_vec(),
            servers: order.iter().map(|row| rows.row(*row).id()).collect(),
            passed: 0,
            rows_written: 0,
            is_begun: false,
            is_whole: false,
        }
    }

    /// How many servers stand in the file so far.
    pub fn rows_written(&self) -> usize {
        self.rows_written
    }

    /// The next some 500 rows as text; `None` when the file is whole.
    pub fn next_chunk(&mut self, rows: &Rows) -> Option<String> {
        if self.is_whole {
            return None;
        }
        let mut out = String::new();
        if !self.is_begun {
            self.is_begun = true;
            match self.format {
                Format::Csv => {
                    out.push('\u{feff}');
                    csv_record(&mut out, self.columns.iter().map(|column| heading(*column)));
                }
                Format::Json => out.push('['),
            }
        }
        let end = self.servers.len().min(self.passed + CHUNK_ROWS);
        for server in &self.servers[self.passed..end] {
            let Some(row) = rows.find(server).map(|row| rows.row(row)).filter(|row| !row.is_gone()) else {
                continue;
            };
            match self.format {
                Format::Csv => csv_record(&mut out, self.columns.iter().map(|column| cell(row, *column))),
                Format::Json => {
                    out.push_str(if self.rows_written > 0 { ",\n" } else { "\n" });
                    // Writing texts and numbers to memory has no way to fail.
                    out.push_str(&serde_json::to_string(&Exported::from(row)).unwrap_or_default());
                }
            }
            self.rows_written += 1;
        }
        self.passed = end;
        self.is_whole = end == self.servers.len();
        if self.is_whole && self.format == Format::Json {
            out.push_str("\n]\n");
        }
        Some(out)
    }
}

/// What a column is called in a file: with its unit.
fn heading(column: Column) -> String {
    match column {
        Column::Ram => "ram_mib",
        Column::Disk => "disk_gib",
        Column::Created => "created_at",
        Column::Updated => "updated_at",
        Column::Zone => "availability_zone",
        other => other.key(),
    }
    .to_owned()
}

fn cell(row: RowView<'_>, column: Column) -> String {
    let amount = |of: fn(&super::FlavorInfo) -> u32| row.flavor().map(|flavor| of(flavor).to_string());
    match column {
        Column::Status => row.status().to_owned(),
        Column::Name => row.name().to_owned(),
        Column::Tags => join(row.tags()),
        Column::Addresses => join(row.addresses().map(|address| address.ip_text())),
        Column::Region => row.region().to_string(),
        Column::Flavor => row.flavor().map(|flavor| flavor.name.clone()).unwrap_or_default(),
        Column::Image => row.image_name().to_owned(),
        Column::Created => iso_time(row.created_at()).unwrap_or_default(),
        Column::Vcpus => amount(|flavor| flavor.vcpus).unwrap_or_default(),
        Column::Ram => amount(|flavor| flavor.ram_mib).unwrap_or_default(),
        Column::Disk => amount(|flavor| flavor.disk_gib).unwrap_or_default(),
        Column::Zone => row.availability_zone().unwrap_or_default().to_owned(),
        Column::Updated => iso_time(row.updated_at()).unwrap_or_default(),
        Column::Id => row.id().to_string(),
    }
}

fn join(texts: impl Iterator<Item = impl AsRef<str>>) -> String {
    let mut joined = String::new();
    for text in texts {
        if !joined.is_empty() {
            joined.push_str("; ");
        }
        joined.push_str(text.as_ref());
    }
    joined
}

fn csv_record(out: &mut String, cells: impl Iterator<Item = String>) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            out.push(',');
        }
        let is_quoted = cell.contains(['"', ',', ';', '\r', '\n']);
        let quote = if is_quoted { "\"" } else { "" };
        out.push_str(quote);
        let mut may_begin = true;
        for letter in cell.chars() {
            // A spreadsheet takes what begins so for a formula, whoever named the server. Where it splits at semicolons
            // or lines, quotes that began earlier do not keep it from it.
            if may_begin && matches!(letter, '=' | '+' | '-' | '@' | '\t' | '\r') {
                out.push('\'');
            }
            may_begin = matches!(letter, ';' | '\n') || (may_begin && letter == ' ');
            if letter == '"' {
                out.push('"');
            }
            out.push(letter);
        }
        out.push_str(quote);
    }
    out.push_str("\r\n");
}

/// A server as the JSON file says it.
#[derive(Serialize)]
struct Exported<'a> {
    region: &'a str,
    id: String,
    name: &'a str,
    status: &'a str,
    task_state: Option<&'a str>,
    is_locked: bool,
    is_degraded: bool,
    tags: Vec<&'a str>,
    #[serde(serialize_with = "as_object")]
    metadata: Vec<(&'a str, &'a str)>,
    addresses: Vec<ExportedAddress<'a>>,
    flavor: Option<&'a super::FlavorInfo>,
    /// `null` when booted from a volume.
    image: Option<&'a str>,
    availability_zone: Option<&'a str>,
    created_at: Option<String>,
    updated_at: Option<String>,
    fault: Option<&'a str>,
}

#[derive(Serialize)]
struct ExportedAddress<'a> {
    ip: String,
    network: &'a str,
    is_floating: bool,
}

impl<'a> From<RowView<'a>> for Exported<'a> {
    fn from(row: RowView<'a>) -> Self {
        let address = |address: super::AddressView<'a>| ExportedAddress {
            ip: address.ip_text(),
            network: address.network,
            is_floating: address.is_floating,
        };
        Self {
            region: row.region().as_str(),
            id: row.id().to_string(),
            name: row.name(),
            status: row.status(),
            task_state: row.task(),
            is_locked: row.is_locked(),
            is_degraded: row.is_degraded(),
            tags: row.tags().collect(),
            metadata: row.metadata().collect(),
            addresses: row.addresses().map(address).collect(),
            flavor: row.flavor(),
            image: Some(row.image_name()).filter(|_| row.image_kind() != ImageKind::Volume),
            availability_zone: row.availability_zone(),
            created_at: iso_time(row.created_at()),
            updated_at: iso_time(row.updated_at()),
            fault: row.fault(),
        }
    }
}

fn as_object<S: Serializer>(pairs: &[(&str, &str)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().copied())
}

/// `2025-01-31T10:30:00Z`; `None` for a time that is not said.
fn iso_time(seconds: u32) -> Option<String> {
    if seconds == 0 {
        return None;
    }
    let (time, days) = (seconds % 86_400, seconds / 86_400);
    // Years from March on, in cycles of 400, so that the leap day is a year's last.
    let since_march = days + 719_468;
    let of_cycle = since_march % 146_097;
    let year_of_cycle = (of_cycle - of_cycle / 1460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let day_of_year = of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_cycle + since_march / 146_097 * 400 + u32::from(month <= 2);
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        View,
        testing::{Cloud, finish},
    };

    fn file(format: Format, columns: &[Column], names: &[&str]) -> String {
        let mut cloud = Cloud::new(&["RegionOne"]);
        for (at, name) in names.iter().enumerate() {
            cloud.put(0, name, |row| {
                row.created_at = 1_763_664_577 - at as u32;
                row.tags = vec!["prod".to_owned(), "web".to_owned()];
                row.metadata = vec![("role".to_owned(), "a \"b\"".to_owned())];
            });
        }
        let mut rows = Rows::new();
        cloud.send_all(&mut rows);
        let mut view = View::new();
        finish(&mut view, &mut rows);
        let mut export = Export::new(format, columns, &rows, view.order());
        std::iter::from_fn(|| export.next_chunk(&rows)).collect()
    }

    #[test]
    fn csv_cells_are_quoted_and_no_cell_is_a_formula() {
        let names = [
            "plain",
            "a,b",
            "say \"hi\"",
            "two\nlines",
            "=1+1",
            "-2",
            "@x",
            "\tt",
            "=a,\"b\"",
            "a;=1",
            "a\n+1",
            "ä🙂",
            "",
        ];
        let csv = file(Format::Csv, &[Column::Name, Column::Tags, Column::Created], &names);
        let cells: Vec<_> =
            csv.split("\r\n").map(|record| record.rsplitn(3, ',').last().unwrap_or_default()).collect();
        let expected = [
            "\u{feff}name",
            "plain",
            "\"a,b\"",
            "\"say \"\"hi\"\"\"",
            "\"two\nlines\"",
            "'=1+1",
            "'-2",
            "'@x",
            "'\tt",
            "\"'=a,\"\"b\"\"\"",
            "\"a;'=1\"",
            "\"a\n'+1\"",
            "ä🙂",
            "",
            "",
        ];
        assert_eq!(cells, expected);
        let begin = "\u{feff}name,tags,created_at\r\nplain,\"prod; web\",2025-11-20T18:49:37Z\r\n";
        assert!(csv.starts_with(begin), "{csv}");
    }

    #[test]
    fn a_file_goes_on_without_the_rows_that_are_no_more() {
        let mut cloud = Cloud::new(&["RegionOne"]);
        for at in 0..CHUNK_ROWS + 2 {
            cloud.put(0, &format!("s{at}"), |_| {});
        }
        let mut rows = Rows::new();
        cloud.send_all(&mut rows);
        let mut view = View::new();
        finish(&mut view, &mut rows);
        let mut export = Export::new(Format::Json, &[], &rows, view.order());
        let begin = export.next_chunk(&rows).expect("a first chunk");
        assert_eq!(export.rows_written(), CHUNK_ROWS);
        // Other rows than those it was begun with, and fewer of them.
        let end = export.next_chunk(&Rows::new()).expect("an end");
        assert_eq!(export.next_chunk(&rows), None);
        assert_eq!(export.rows_written(), CHUNK_ROWS);
        let whole: Vec<serde_json::Value> = serde_json::from_str(&(begin + &end)).expect("JSON");
        assert_eq!(whole.len(), CHUNK_ROWS);
    }

    #[test]
    fn json_is_an_array_of_whole_servers_however_many_chunks() {
        for count in [0, 1, 499, 500, 501, 1200] {
            let names: Vec<_> = (0..count).map(|at| format!("s{at}")).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            let json = file(Format::Json, &[Column::Name], &names);
            let parsed: Vec<serde_json::Value> = serde_json::from_str(&json).expect("JSON");
            assert_eq!(parsed.len(), count);
            if let Some(first) = parsed.first() {
                assert_eq!(first["name"], "s0");
                assert_eq!(first["metadata"]["role"], "a \"b\"");
                assert_eq!(first["created_at"], "2025-11-20T18:49:37Z");
                assert_eq!(first["addresses"][0]["ip"], "10.0.0.1");
            }
        }
    }

    #[test]
    fn times_are_right_at_the_edges_of_months_and_leap_years() {
        for (seconds, text) in [
            (1, "1970-01-01T00:00:01Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_735_689_600, "2025-01-01T00:00:00Z"),
            (u32::MAX, "2106-02-07T06:28:15Z"),
        ] {
            assert_eq!(iso_time(seconds).as_deref(), Some(text));
        }
        assert_eq!(iso_time(0), None);
    }
}
