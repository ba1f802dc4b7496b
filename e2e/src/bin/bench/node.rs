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

fn resident_mb(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("the panel's process is gone")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1024.0 / 1e6)
}
