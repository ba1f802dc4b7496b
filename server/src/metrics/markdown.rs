//! The list of metrics as a document; a test holds `METRICS.md` to it.

use std::fmt::Write;

use super::{
    names::{Kind, Metric},
    prometheus,
};

/// The whole of `METRICS.md`.
pub fn markdown() -> String {
    let mut text = INTRODUCTION.to_owned();
    for (kind, title, about) in KINDS {
        let _ = write!(
            text,
            "\n## {title}\n\n{about}\n\n| In Graphite | In Prometheus | Says |\n| --- | --- | --- |\n"
        );
        for metric in Metric::ALL.iter().copied().filter(|metric| metric.kind() == *kind) {
            let tags = metric.tags().iter().map(|tag| format!(".{{{tag}}}")).collect::<String>();
            let node = if *kind == Kind::Gauge { ".{node}" } else { "" };
            let labels = match metric.tags() {
                [] => String::new(),
                tags => format!("{{{}}}", tags.join(", ")),
            };
            let (name, says) = (metric.name(), metric.says());
            let _ =
                writeln!(text, "| `{name}{tags}{node}` | `{}{labels}` | {says} |", prometheus::name(metric));
        }
    }
    text
}

const INTRODUCTION: &str = "# Metrics

Written by `meridian metrics` from `src/metrics/names.rs`; a test holds this file to it.

To statsd a name goes with `statsd.prefix` (`meridian`) before it, and Graphite files it by its kind:
`stats.counters.meridian.auth.login.success.count`, `stats.timers.meridian.session.query.upper_95`,
`stats.gauges.meridian.index.rows.node-a`. Tags become parts of the name, since plain statsd and Graphite know none;
what is neither letter nor digit nor hyphen becomes `_`. For Prometheus they are labels, and what of a metric was not
measured yet is not there. A metric has at most 256 sets of tags; further ones count together, as `other`.
";

const KINDS: &[(Kind, &str, &str)] = &[
    (Kind::Counter, "Counters", "They only grow. Every count is sent: they are added up before."),
    (
        Kind::Timer,
        "Timers",
        "In milliseconds for statsd, one by one, so that its percentiles are true. Of more than 64 in a tenth of a second \
         and one of eight places a fair sample goes, with its rate: statsd's `count` and `count_ps` stay exact, its \
         percentiles and mean are those of the sample, its sums are sums of the sample. In seconds and as histograms for \
         Prometheus, of all of them.",
    ),
    (
        Kind::Gauge,
        "Gauges of a node",
        "What is so now on one node, whose name stands last; `sumSeries(….*)` adds nodes up.",
    ),
    (
        Kind::SharedGauge,
        "Gauges of all nodes",
        "What is so now of something all nodes share: each says the same.",
    ),
];
