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
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name before may hold anything but ends with the last bracket.
    let fields = stat.rsplit_once(')').context("the process has no name")?.1.split_whitespace();
    let ticks: Vec<f64> = fields.skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    // Linux counts a hundred a second, whatever the machine.
    Ok(ticks.iter().sum::<f64>() / 100.0)
}
