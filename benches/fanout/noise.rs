//! What else this machine did meanwhile: who has the cores is who sets the figures.

use std::fs;

use crate::void::{During, Result};

/// In ticks of the kernel's clock, of which there are as many in every figure here.
#[derive(Clone, Copy)]
pub struct Noise {
    /// Of the two cores, or of all where nothing is pinned.
    total: u64,
    /// Spent in programs or for them.
    busy: u64,
    /// Taken by the host.
    steal: u64,
    /// Of the load generator, and of all servers that have ended.
    ours: u64,
}

impl Noise {
    /// # Errors
    /// [`crate::void::Void`] when `/proc` cannot be understood.
    pub fn now(is_pinned: bool) -> Result<Self> {
        let what = "reading /proc/stat";
        let stat = fs::read_to_string("/proc/stat").during(what)?;
        let cores: &[&str] = if is_pinned { &["cpu0", "cpu1"] } else { &["cpu"] };
        let mut noise = Self { total: 0, busy: 0, steal: 0, ours: own_ticks()? };
        for line in stat.lines() {
            let mut fields = line.split_ascii_whitespace();
            if !fields.next().is_some_and(|name| cores.contains(&name)) {
                continue;
            }
            // user nice system idle iowait irq softirq steal; the guests after them are in user already.
            let ticks: Vec<u64> =
                fields.take(8).map(str::parse).collect::<std::result::Result<_, _>>().during(what)?;
            let [_, _, _, idle, iowait, _, _, steal] = ticks[..] else { return Err(stat).during(what) };
            let total = ticks.iter().sum::<u64>();
            noise.total += total;
            // A program pays for the interrupts that come meanwhile, so they are among the busy ones.
            noise.busy += total - idle - iowait - steal;
            noise.steal += steal;
        }
        Ok(noise)
    }

    /// What came since `before`; every server that was started since must have ended.
    pub fn since(&self, before: &Self) -> String {
        let total = self.total.saturating_sub(before.total).max(1) as f64;
        let percent = |now: u64, then: u64| 100.0 * now.saturating_sub(then) as f64 / total;
        let ours = percent(self.ours, before.ours);
        let others = (percent(self.busy, before.busy) - ours).max(0.0);
        let steal = percent(self.steal, before.steal);
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().unwrap_or_default();
        format!(
            "noise: of the cores' time other processes had {others:.0} %, the host took {steal:.1} %, servers and load \
             had {ours:.0} %; load average {load}"
        )
    }
}

/// utime, stime, cutime and cstime, the fields 14 to 17 of `stat`; the program's name before them may hold anything
/// but a closing bracket.
fn own_ticks() -> Result<u64> {
    let what = "reading /proc/self/stat";
    let stat = fs::read_to_string("/proc/self/stat").during(what)?;
    let (_, fields) = stat.rsplit_once(')').ok_or(&stat).during(what)?;
    let ticks = fields.split_ascii_whitespace().skip(11).take(4).map(str::parse::<u64>);
    ticks.sum::<std::result::Result<u64, _>>().during(what)
}
