//! What the process itself takes: memory, processor, threads, files, the runtime, the database's connections.

use std::{fs, iter, time::Duration};

use sqlx::PgPool;
use tokio::{runtime::Handle, time::sleep};

use super::{Metric, Metrics};
use crate::event_loops::EventLoops;

/// The finest step that Graphite keeps of a usual statsd.
const EVERY: Duration = Duration::from_secs(5);

/// Looks again and again, for as long as the panel runs.
pub async fn watch(metrics: Metrics, db: PgPool, loops: EventLoops) {
    if metrics.go_nowhere() {
        return;
    }
    let mut before = Spent::default();
    loop {
        before = look(&metrics, &db, &loops, before);
        sleep(EVERY).await;
    }
}

/// Processor time so far.
#[derive(Clone, Copy, Default)]
struct Spent {
    cpu_ms: u64,
    busy_ms: u64,
}

fn look(metrics: &Metrics, db: &PgPool, loops: &EventLoops, before: Spent) -> Spent {
    let (used, idle) = (db.size() as usize, db.num_idle());
    metrics.gauge(Metric::DatabaseConnections, &["used"], used.saturating_sub(idle) as f64);
    metrics.gauge(Metric::DatabaseConnections, &["idle"], idle as f64);

    let (mut workers, mut tasks, mut queue, mut busy) = (0, 0, 0, Duration::ZERO);
    for runtime in iter::once(Handle::current()).chain(loops.runtimes()) {
        let runtime = runtime.metrics();
        workers += runtime.num_workers();
        tasks += runtime.num_alive_tasks();
        queue += runtime.global_queue_depth();
        busy += (0..runtime.num_workers()).map(|worker| runtime.worker_total_busy_duration(worker)).sum();
    }
    metrics.gauge(Metric::RuntimeWorkers, &[], workers as f64);
    metrics.gauge(Metric::RuntimeTasks, &[], tasks as f64);
    metrics.gauge(Metric::RuntimeQueue, &[], queue as f64);

    // What cannot be read (another system than Linux) is not measured.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(kib) = field(&status, "VmRSS:") {
        metrics.gauge(Metric::ProcessMemory, &[], (kib * 1024) as f64);
    }
    if let Some(threads) = field(&status, "Threads:") {
        metrics.gauge(Metric::ProcessThreads, &[], threads as f64);
    }
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        // But for the one that is open for counting them.
        metrics.gauge(Metric::ProcessOpenFiles, &[], files.count().saturating_sub(1) as f64);
    }
    let cpu = fs::read_to_string("/proc/self/stat").ok().and_then(|stat| cpu_ms(&stat));
    let now = Spent {
        cpu_ms: cpu.unwrap_or(before.cpu_ms),
        busy_ms: u64::try_from(busy.as_millis()).unwrap_or(before.busy_ms),
    };
    metrics.add(Metric::ProcessCpu, &[], now.cpu_ms.saturating_sub(before.cpu_ms));
    metrics.add(Metric::RuntimeBusy, &[], now.busy_ms.saturating_sub(before.busy_ms));
    now
}

/// The number behind a name in `/proc/self/status`.
fn field(status: &str, name: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// User's and system's time of `/proc/self/stat`. It counts in hundredths of a second on every Linux there is.
fn cpu_ms(stat: &str) -> Option<u64> {
    // The program's name comes before, in parentheses, and may have spaces and parentheses itself.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system) = (fields.next()?.parse::<u64>().ok()?, fields.next()?.parse::<u64>().ok()?);
    Some((user + system) * 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_programs_name_does_not_confuse_its_times() {
        let stat = "42 (a ) 1 2) S 1 42 42 0 -1 4194304 100 0 0 0 1234 66 0 0 20 0 9 0 5555 1 2";
        assert_eq!(cpu_ms(stat), Some(13_000));
        assert_eq!(cpu_ms("42 (meridian) S 1"), None);
    }

    #[test]
    fn what_the_kernel_says_of_this_process_is_understood() {
        let status = fs::read_to_string("/proc/self/status").expect("Linux");
        assert!(field(&status, "VmRSS:").expect("memory") > 100);
        assert!(field(&status, "Threads:").expect("threads") >= 1);
        assert!(cpu_ms(&fs::read_to_string("/proc/self/stat").expect("Linux")).is_some());
    }
}
