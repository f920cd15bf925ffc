//! What a process costs, from `/proc`.

use std::fs::read_to_string;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

/// Resident memory, in megabytes.
pub(super) fn resident_mb(pid: u32) -> Result<f64> {
    let status = read_to_string(format!("/proc/{pid}/status")).context("the process is gone")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    Ok(kilobytes.context("the process has no memory")? / 1024.0)
}

/// Processor time it has used, all threads together.
pub(super) fn cpu_time(pid: u32) -> Result<Duration> {
    let stat = read_to_string(format!("/proc/{pid}/stat")).context("the process is gone")?;
    let fields = stat.rsplit_once(')').context("not a stat line")?.1;
    let ticks: Vec<f64> = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse().ok())
        .collect();
    Ok(Duration::from_secs_f64(
        ticks.iter().sum::<f64>() / ticks_per_second()?,
    ))
}

fn ticks_per_second() -> Result<f64> {
    let output = Command::new("getconf").arg("CLK_TCK").output();
    let output = output.context("cannot run getconf")?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().context("getconf printed no number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_costs_are_found() {
        let pid = std::process::id();
        assert!(resident_mb(pid).unwrap() > 0.5);
        let before = cpu_time(pid).unwrap();
        let mut sum = 0_u64;
        while cpu_time(pid).unwrap() < before + Duration::from_millis(30) {
            sum = std::hint::black_box((0..100_000).fold(sum, u64::wrapping_add));
        }
    }
}
