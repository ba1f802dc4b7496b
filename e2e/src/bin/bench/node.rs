//! What the panel's process takes.

use anyhow::{Context, Result};

use crate::{
    report::{Figure, Report},
    world::World,
};

/// Memory of the node that holds so many servers, as the kernel counts it.
pub fn memory(report: &mut Report, world: &World, servers: usize) -> Result<()> {
    let mb = resident_mb(world.scene.panel.pid())?;
    report.add(
        Figure::new(format!("node: resident memory with {servers} servers indexed"), mb, "MB").at_most(250.0),
    );
    Ok(())
}

/// Memory of a process, as the kernel counts it.
pub fn resident_mb(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("the panel's process is gone")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1024.0 / 1e6)
}

/// Processor time a process has used so far.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    Ok(ticks(pid)?[..2].iter().sum::<f64>() / TICKS_PER_SECOND)
}

/// Processor time of a process, of those it has started and of those of them that have ended.
pub fn cpu_seconds_of_all(pid: u32) -> Result<f64> {
    let own = ticks(pid)?.iter().sum::<f64>() / TICKS_PER_SECOND;
    // A child that ends while we look is counted with its parent the next time.
    Ok(own + children(pid)?.into_iter().filter_map(|pid| cpu_seconds(pid).ok()).sum::<f64>())
}

/// The processes a process has started itself.
pub fn children(pid: u32) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let children = std::fs::read_to_string(task?.path().join("children")).unwrap_or_default();
        found.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
    }
    Ok(found)
}

/// Linux counts a hundred a second, whatever the machine.
const TICKS_PER_SECOND: f64 = 100.0;

/// Own time in the program and in the kernel, then that of children that have ended.
fn ticks(pid: u32) -> Result<[f64; 4]> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name before may hold anything but ends with the last bracket.
    let fields = stat.rsplit_once(')').context("the process has no name")?.1.split_whitespace();
    let ticks: Vec<f64> = fields.skip(11).take(4).map(str::parse).collect::<Result<_, _>>()?;
    ticks.try_into().ok().context("the kernel tells less than it did")
}
