//! What was measured, as Prometheus reads it: the text format, version 0.0.4.

use std::fmt::Write;

use super::{
    names::{Kind, Metric},
    registry::{BOUNDS, Histogram, Registry, Series, Value},
};

/// What an answer in this format is called.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All series, each metric with its line of documentation first. Metrics of which nothing was measured are left out.
pub fn text(registry: &Registry) -> String {
    let mut text = String::new();
    let mut last = None;
    for (series, value) in registry.values() {
        let name = name(series.metric);
        if last.replace(series.metric) != Some(series.metric) {
            let help = series.metric.says().replace('\\', "\\\\").replace('\n', "\\n");
            // Writing to a string cannot fail.
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {}", kind(series.metric));
        }
        let labels = labels(&series);
        let _ = match value {
            Value::Count(count) if in_ms(series.metric).is_some() => {
                writeln!(text, "{name}{} {}", in_braces(&labels), count as f64 / 1e3)
            }
            Value::Count(count) => writeln!(text, "{name}{} {count}", in_braces(&labels)),
            Value::Gauge(value) => {
                let value = if in_ms(series.metric).is_some() { value / 1e3 } else { value };
                writeln!(text, "{name}{} {value}", in_braces(&labels))
            }
            Value::Times(times) => histogram(&mut text, &name, &labels, &times),
        };
    }
    text
}

/// What Prometheus calls a metric: `meridian_http_request_total`, `meridian_http_request_duration_seconds`. It wants
/// seconds, where statsd has milliseconds.
pub fn name(metric: Metric) -> String {
    let unit = match metric.kind() {
        Kind::Counter => "_total",
        Kind::Timer => "_seconds",
        Kind::Gauge | Kind::SharedGauge => "",
    };
    let name = match in_ms(metric) {
        Some(name) => format!("{name}_seconds"),
        None => metric.name().to_owned(),
    };
    format!("meridian_{}{unit}", name.replace('.', "_"))
}

/// The name without its unit, of what is no timer but counts milliseconds too.
fn in_ms(metric: Metric) -> Option<&'static str> {
    metric.name().strip_suffix("_ms")
}

pub fn kind(metric: Metric) -> &'static str {
    match metric.kind() {
        Kind::Counter => "counter",
        Kind::Timer => "histogram",
        Kind::Gauge | Kind::SharedGauge => "gauge",
    }
}

fn histogram(text: &mut String, name: &str, labels: &str, times: &Histogram) -> std::fmt::Result {
    let before = if labels.is_empty() { String::new() } else { format!("{labels},") };
    let mut count = 0;
    for (below, bound) in times.below.iter().zip(BOUNDS) {
        count += below;
        writeln!(text, "{name}_bucket{{{before}le=\"{}\"}} {count}", bound as f64 / 1e6)?;
    }
    let (count, labels) = (times.count(), in_braces(labels));
    writeln!(text, "{name}_bucket{{{before}le=\"+Inf\"}} {count}")?;
    writeln!(text, "{name}_sum{labels} {}", times.sum_micros as f64 / 1e6)?;
    writeln!(text, "{name}_count{labels} {count}")
}

fn labels(series: &Series) -> String {
    let mut labels = String::new();
    for (tag, value) in series.metric.tags().iter().zip(&series.tags) {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let comma = if labels.is_empty() { "" } else { "," };
        let _ = write!(labels, "{comma}{tag}=\"{value}\"");
    }
    labels
}

fn in_braces(labels: &str) -> String {
    if labels.is_empty() { String::new() } else { format!("{{{labels}}}") }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{super::registry::Measured, *};

    #[test]
    fn each_kind_is_written_as_prometheus_reads_it() {
        let registry = Registry::new(false);
        registry.record(Metric::SessionEnded, &["a \"b\"\\\nc"], Measured::Count(3));
        registry.record(Metric::SessionQuery, &[], Measured::Time(Duration::from_micros(1_500)));
        registry.record(Metric::SessionQuery, &[], Measured::Time(Duration::from_secs(60)));
        registry.record(Metric::IndexRows, &[], Measured::Gauge(2.5));
        registry.record(Metric::ProcessCpu, &[], Measured::Count(1_500));
        let text = text(&registry);
        for line in [
            "# TYPE meridian_session_ended_total counter",
            "meridian_session_ended_total{why=\"a \\\"b\\\"\\\\\\nc\"} 3",
            "# TYPE meridian_session_query_seconds histogram",
            "meridian_session_query_seconds_bucket{le=\"0.001\"} 0",
            "meridian_session_query_seconds_bucket{le=\"0.0025\"} 1",
            "meridian_session_query_seconds_bucket{le=\"30\"} 1",
            "meridian_session_query_seconds_bucket{le=\"+Inf\"} 2",
            "meridian_session_query_seconds_sum 60.0015",
            "meridian_session_query_seconds_count 2",
            "# HELP meridian_index_rows Servers held by all indexes.",
            "# TYPE meridian_index_rows gauge",
            "meridian_index_rows 2.5",
            "meridian_process_cpu_seconds_total 1.5",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\nis not in\n{text}");
        }
        assert_eq!(text.matches("# HELP").count(), 4);
    }
}
