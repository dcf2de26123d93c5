//! What a process has used, as `/proc` tells it: CPU, memory, open files.
//!
//! Only reads, and only what the scheduler itself counts: `schedstat` is in nanoseconds, where `stat` has ticks.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::time::Duration;

use crate::void::{During, Result};

/// CPU of each live thread of a process since that thread's start.
pub struct CpuReading(BTreeMap<OsString, Cpu>);

#[derive(Clone, Copy, Default)]
pub struct Cpu {
    /// Time on a core.
    pub run: Duration,
    /// Time ready to run while others, usually neighbours, had the core.
    pub wait: Duration,
}

impl CpuReading {
    /// # Errors
    /// [`crate::void::Void`] when the process is gone or the kernel keeps no `schedstat`.
    pub fn of(pid: u32) -> Result<Self> {
        let mut threads = BTreeMap::new();
        for task in fs::read_dir(format!("/proc/{pid}/task")).during("listing the server's threads")? {
            let task = task.during("listing the server's threads")?;
            // A thread may end between the listing and this; a kernel without schedstat shows in the numbers below.
            let Ok(schedstat) = fs::read_to_string(task.path().join("schedstat")) else {
                continue;
            };
            threads.insert(task.file_name(), cpu_of(&schedstat)?);
        }
        if threads.is_empty() { Err("none is readable") } else { Ok(Self(threads)) }
            .during("reading schedstat")
    }

    /// Use between two readings. Taken per thread: one that ended in between loses only its own last share, and a
    /// number given to a new thread cannot make the sum negative.
    pub fn since(&self, before: &Self) -> Cpu {
        self.0.iter().fold(Cpu::default(), |sum, (thread, now)| {
            let then = before.0.get(thread).copied().unwrap_or_default();
            Cpu {
                run: sum.run + now.run.saturating_sub(then.run),
                wait: sum.wait + now.wait.saturating_sub(then.wait),
            }
        })
    }
}

/// "run-time wait-time timeslices"
fn cpu_of(schedstat: &str) -> Result<Cpu> {
    let mut fields = schedstat.split_ascii_whitespace().map(str::parse).map_while(std::result::Result::ok);
    let mut next =
        || fields.next().map(Duration::from_nanos).ok_or(schedstat).during("understanding schedstat");
    Ok(Cpu { run: next()?, wait: next()? })
}

/// Resident memory in bytes (`VmRSS`); the kernel's own memory for a socket is not in it.
///
/// # Errors
/// [`crate::void::Void`] when the process is gone.
pub fn resident(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).during("reading VmRSS")?;
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    Ok(kibibytes.unwrap_or_default().parse::<u64>().during("reading VmRSS")? * 1024)
}

/// How many files this process, and so each child, may have open.
///
/// # Errors
/// [`crate::void::Void`] when `/proc/self/limits` cannot be understood.
pub fn open_files_limit() -> Result<usize> {
    let limits = fs::read_to_string("/proc/self/limits").during("reading the limit of open files")?;
    let soft =
        limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_ascii_whitespace().next());
    match soft {
        Some("unlimited") => Ok(usize::MAX),
        soft => soft.unwrap_or_default().parse().during("reading the limit of open files"),
    }
}
