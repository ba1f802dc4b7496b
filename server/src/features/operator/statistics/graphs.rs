//! Which graphs there are, what Graphite is asked for them, and what its answer comes to.

use api_types::operator::statistics::{Graph, GraphSeries, Unit};

use crate::{
    graphite::Rendered,
    metrics::{Kind, Metric},
};

/// One graph.
struct GraphKind {
    id: &'static str,
    unit: Unit,
    lines: &'static [Lines],
}

/// Some lines of a graph.
enum Lines {
    /// All of a metric together, under a name of ours.
    Sum(&'static str, Metric),
    /// A line for each value of the tag with this number.
    By(usize, Metric),
    /// A line for each set of tags.
    Each(Metric),
}

use Lines::{By, Each, Sum};

/// The page shows them in this order.
const GRAPHS: &[GraphKind] = &[
    GraphKind {
        id: "sign_ins",
        unit: Unit::Count,
        lines: &[
            Sum("success", Metric::LoginSuccess),
            Sum("failure", Metric::LoginFailure),
            Sum("lockout", Metric::LoginLockout),
            Sum("unavailable", Metric::LoginUnavailable),
        ],
    },
    GraphKind { id: "requests", unit: Unit::PerSecond, lines: &[By(1, Metric::Request)] },
    GraphKind { id: "request_latency", unit: Unit::Milliseconds, lines: &[Each(Metric::RequestDuration)] },
    GraphKind { id: "errors", unit: Unit::Count, lines: &[By(0, Metric::ErrorAnswered)] },
    GraphKind { id: "upstream_calls", unit: Unit::PerSecond, lines: &[By(0, Metric::UpstreamCall)] },
    GraphKind { id: "upstream_latency", unit: Unit::Milliseconds, lines: &[Each(Metric::UpstreamDuration)] },
    GraphKind { id: "upstream_outcomes", unit: Unit::Count, lines: &[By(2, Metric::UpstreamCall)] },
    GraphKind { id: "proxy_latency", unit: Unit::Milliseconds, lines: &[Each(Metric::ProxyDuration)] },
    GraphKind {
        id: "sockets",
        unit: Unit::Level,
        lines: &[
            Sum("viewers", Metric::Viewers),
            Sum("client_log", Metric::ClientLogSockets),
            Sum("proxied", Metric::ProxyOpen),
        ],
    },
    GraphKind {
        id: "index",
        unit: Unit::Level,
        lines: &[Sum("servers", Metric::IndexRows), Sum("sessions", Metric::SessionsInMemory)],
    },
    GraphKind {
        id: "memory",
        unit: Unit::Bytes,
        lines: &[Sum("index", Metric::IndexBytes), Each(Metric::ProcessMemory)],
    },
    GraphKind {
        id: "processor",
        unit: Unit::Processors,
        lines: &[Sum("process", Metric::ProcessCpu), Sum("workers", Metric::RuntimeBusy)],
    },
    GraphKind { id: "database", unit: Unit::Level, lines: &[By(0, Metric::DatabaseConnections)] },
    GraphKind { id: "jobs", unit: Unit::Count, lines: &[By(1, Metric::JobItem)] },
    GraphKind { id: "jobs_to_do", unit: Unit::Level, lines: &[Sum("to_do", Metric::JobItemsToDo)] },
    GraphKind {
        id: "browsers",
        unit: Unit::Count,
        lines: &[Sum("slow_frames", Metric::BrowserSlowFrames), By(0, Metric::BrowserErrors)],
    },
    GraphKind {
        id: "browser_tasks",
        unit: Unit::Milliseconds,
        lines: &[Sum("long_task", Metric::BrowserLongTask)],
    },
];

/// Lines of one graph; more can be told apart by nobody.
const MOST_LINES: usize = 12;

/// What goes before the metrics' own names, and how they are drawn.
pub struct Names<'a> {
    pub graphite: &'a str,
    pub statsd: &'a str,
    pub percentile: u8,
    pub step_secs: u32,
}

/// The steps that all graphs share.
pub struct Steps {
    /// When each begins.
    pub at: Vec<i64>,
    step_secs: i64,
}

impl Names<'_> {
    /// The targets of all graphs. Each series is called by its graph's number and its own name: `2|compute.RegionOne`.
    pub fn targets(&self) -> Vec<String> {
        let numbered = GRAPHS.iter().enumerate();
        numbered
            .flat_map(|(number, graph)| graph.lines.iter().map(move |lines| (number, lines)))
            .map(|(number, lines)| self.target(number, lines))
            .collect()
    }

    fn target(&self, number: usize, lines: &Lines) -> String {
        let (Sum(_, metric) | By(_, metric) | Each(metric)) = lines;
        let (path, first_tag) = self.path(*metric);
        // Of latencies the worst, of what is counted the sum, of levels the mean.
        let (together, over_time) = match metric.kind() {
            Kind::Counter => ("sumSeries", "sum"),
            Kind::Timer => ("maxSeries", "max"),
            Kind::Gauge => ("sumSeries", "avg"),
            Kind::SharedGauge => ("maxSeries", "avg"),
        };
        let on_steps = |series: &str| format!("summarize({series},\"{}s\",\"{over_time}\")", self.step_secs);
        let some = |series: &str| format!("limit(sortByMaxima({series}),{})", MOST_LINES + 1);
        match lines {
            Sum(name, _) => {
                format!("alias({},\"{number}|{name}\")", on_steps(&format!("{together}({path})")))
            }
            By(tag, _) => {
                let group = format!("groupByNode({path},{},\"{together}\")", first_tag + tag);
                let found = some(&on_steps(&group));
                // Its name is by now `summarize(ok, "60s", "sum")`.
                format!(r#"aliasSub({found},"^.*?summarize\(([^,]*),.*$","{number}|\1")"#)
            }
            Each(_) => {
                let nodes: Vec<_> = (0..parts_of(*metric)).map(|tag| (first_tag + tag).to_string()).collect();
                let named = format!("aliasByNode({},{})", some(&on_steps(&path)), nodes.join(","));
                format!("aliasSub({named},\"^\",\"{number}|\")")
            }
        }
    }

    /// Where Graphite has a metric, and at which part of the name its tags begin.
    fn path(&self, metric: Metric) -> (String, usize) {
        let (kind, end) = match metric.kind() {
            Kind::Counter => ("counters", ".count".to_owned()),
            Kind::Timer => ("timers", format!(".upper_{}", self.percentile)),
            Kind::Gauge | Kind::SharedGauge => ("gauges", String::new()),
        };
        let parts = [self.graphite, kind, self.statsd, metric.name()];
        let before = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
        let first_tag = before.split('.').count();
        (format!("{before}{}{end}", ".*".repeat(parts_of(metric))), first_tag)
    }
}

/// Parts of a name after the metric's own: its tags, and the node whose gauge it is.
fn parts_of(metric: Metric) -> usize {
    metric.tags().len() + usize::from(metric.kind() == Kind::Gauge)
}

impl Steps {
    /// Steps of this length up to the one that holds `now`; Graphite begins its own at the same moments.
    pub fn until(now: i64, last_secs: u32, step_secs: u32) -> Self {
        let step = i64::from(step_secs);
        let end = now - now.rem_euclid(step);
        let count = i64::from(last_secs) / step;
        Self { at: (0..count).map(|at| end - (count - 1 - at) * step).collect(), step_secs: step }
    }

    pub fn first(&self) -> i64 {
        self.at.first().copied().unwrap_or_default()
    }

    /// Every graph there is, with the lines that were found for it. What does not fit is left out.
    pub fn graphs(&self, rendered: &[Rendered]) -> Vec<Graph> {
        let mut found: Vec<Vec<GraphSeries>> = GRAPHS.iter().map(|_| Vec::new()).collect();
        for series in rendered {
            let Some((number, name)) = series.target.split_once('|') else { continue };
            let number = number.parse::<usize>().ok();
            let Some(of_graph) = number.and_then(|number| found.get_mut(number)) else { continue };
            let values = self.values(&series.datapoints);
            let name = name.chars().take(120).collect::<String>().replace('.', " ");
            // What is called in no region is called so by the service alone.
            let name = name.strip_suffix(" -").unwrap_or(&name).to_owned();
            if values.iter().any(Option::is_some) {
                of_graph.push(GraphSeries { name, values });
            }
        }
        // While anything was measured, what was not counted is none.
        let is_alive: Vec<bool> = (0..self.at.len())
            .map(|at| found.iter().flatten().any(|series| series.values.get(at).is_some_and(Option::is_some)))
            .collect();
        let drawn = GRAPHS.iter().zip(found).map(|(kind, mut series)| {
            for series in &mut series {
                self.finish(kind.unit, &mut series.values, &is_alive);
            }
            let has_more = series.len() > MOST_LINES;
            series.truncate(MOST_LINES);
            Graph { id: kind.id.to_owned(), unit: kind.unit, series, has_more }
        });
        drawn.collect()
    }

    fn values(&self, datapoints: &[(Option<f64>, i64)]) -> Vec<Option<f64>> {
        let mut values = vec![None; self.at.len()];
        for (value, second) in datapoints {
            let at = (second - self.first()).div_euclid(self.step_secs);
            if let Some(place) = usize::try_from(at).ok().and_then(|at| values.get_mut(at)) {
                *place = value.filter(|value| value.is_finite());
            }
        }
        values
    }

    fn finish(&self, unit: Unit, values: &mut [Option<f64>], is_alive: &[bool]) {
        let per_step = self.step_secs as f64;
        if matches!(unit, Unit::Count | Unit::PerSecond) {
            for (value, is_alive) in values.iter_mut().zip(is_alive) {
                *value = value.or(is_alive.then_some(0.0));
            }
        }
        let by = match unit {
            Unit::PerSecond => per_step,
            // Milliseconds of work within the step.
            Unit::Processors => per_step * 1_000.0,
            Unit::Count | Unit::Level | Unit::Milliseconds | Unit::Bytes => return,
        };
        values.iter_mut().flatten().for_each(|value| *value /= by);
        // The last step is not over: its rate would look like a fall.
        if let Some(last) = values.last_mut() {
            *last = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: Names<'_> = Names { graphite: "stats", statsd: "eu.panel", percentile: 99, step_secs: 60 };

    #[test]
    fn targets_are_made_of_the_list_of_metrics() {
        let target = |lines| NAMES.target(3, &lines);
        assert_eq!(
            target(Sum("success", Metric::LoginSuccess)),
            r#"alias(summarize(sumSeries(stats.counters.eu.panel.auth.login.success.count),"60s","sum"),"3|success")"#
        );
        assert_eq!(
            target(Each(Metric::UpstreamDuration)),
            r#"aliasSub(aliasByNode(limit(sortByMaxima(summarize(stats.timers.eu.panel.upstream.duration.*.*.upper_99,"60s","max")),13),6,7),"^","3|")"#
        );
        assert_eq!(
            target(By(1, Metric::Request)),
            r#"aliasSub(limit(sortByMaxima(summarize(groupByNode(stats.counters.eu.panel.http.request.*.*.count,7,"sumSeries"),"60s","sum")),13),"^.*?summarize\(([^,]*),.*$","3|\1")"#
        );
        assert!(
            target(Sum("rows", Metric::IndexRows)).contains("sumSeries(stats.gauges.eu.panel.index.rows.*)")
        );
        assert!(
            target(Sum("to_do", Metric::JobItemsToDo)).contains("(stats.gauges.eu.panel.jobs.items_to_do)")
        );
    }

    #[test]
    fn no_two_graphs_share_an_id() {
        let ids: std::collections::HashSet<_> = GRAPHS.iter().map(|graph| graph.id).collect();
        assert_eq!(ids.len(), GRAPHS.len());
    }

    #[test]
    fn values_lie_on_the_steps_and_what_does_not_fit_is_left_out() {
        let steps = Steps::until(1_000_030, 900, 30);
        assert_eq!((steps.at.len(), steps.at[29], steps.first()), (30, 1_000_020, 999_150));
        let rendered = |target: &str, datapoints: &[(Option<f64>, i64)]| Rendered {
            target: target.to_owned(),
            datapoints: datapoints.to_vec(),
        };
        let graphs = steps.graphs(&[
            rendered(
                "0|success",
                &[(Some(2.0), 999_150), (Some(9.0), 1), (Some(3.0), 1_000_020), (Some(f64::NAN), 999_180)],
            ),
            rendered("1|ok", &[(Some(60.0), 999_180), (Some(30.0), 1_000_020)]),
            rendered("99|ok", &[(Some(1.0), 999_150)]),
            rendered("2|empty", &[(None, 999_150)]),
            rendered("nonsense", &[(Some(1.0), 999_150)]),
        ]);
        assert_eq!(graphs.len(), GRAPHS.len());
        let sign_ins = &graphs[0].series[0];
        assert_eq!(
            (&*sign_ins.name, sign_ins.values[0], sign_ins.values[29]),
            ("success", Some(2.0), Some(3.0))
        );
        assert_eq!((sign_ins.values[1], sign_ins.values[2]), (Some(0.0), None), "none, and nothing known");
        let requests = &graphs[1].series[0];
        assert_eq!((requests.values[1], requests.values[29]), (Some(2.0), None));
        assert!(graphs[2].series.is_empty());
    }
}
