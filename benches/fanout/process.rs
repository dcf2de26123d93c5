//! A server process under measurement: started on the cores it may use, killed when dropped.
//!
//! Nothing here knows what the server speaks. Product and floor are started and pinned in exactly the same way,
//! otherwise their figures could not be compared.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{self, Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::void::{During, Result, Void};

/// A core that the load generator leaves alone.
pub const OWN_CORE: &str = "0";
/// That one and the load generator's.
pub const BOTH_CORES: &str = "0,1";
const LOAD_CORE: &str = "1";
const START_LIMIT: Duration = Duration::from_secs(15);
const LISTENING: &str = "listening on http://";

/// Whether servers and load generator each have a core to themselves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pinning {
    Pinned,
    Unpinned,
}

impl Pinning {
    /// Moves this process to the load generator's core. Without the `taskset` program, or a second core, nothing is
    /// pinned at all: half a pinning would favour one side.
    pub fn establish() -> Self {
        let server_core = taskset(&["-c", OWN_CORE, "true"]);
        let own_pid = process::id().to_string();
        if server_core && taskset(&["-c", "-p", LOAD_CORE, &own_pid]) { Self::Pinned } else { Self::Unpinned }
    }

    fn command(self, program: &Path, cores: &str) -> Command {
        match self {
            Self::Unpinned => Command::new(program),
            // taskset becomes the program by exec, so the child's pid is the server's.
            Self::Pinned => {
                let mut command = Command::new("taskset");
                command.args(["-c", cores]).arg(program);
                command
            }
        }
    }
}

fn taskset(arguments: &[&str]) -> bool {
    let mut command = Command::new("taskset");
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// A directory of our own for whatever a server writes, gone when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn create() -> Result<Self> {
        // One for each: no two servers may have the same store.
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("switchboard-fanout-{}-{number}", process::id()));
        fs::create_dir_all(&path).during("creating the servers' working directory")?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Best effort: a leftover directory in /tmp falsifies no figure.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// How a server is started.
pub struct Launch<'a> {
    pub program: &'a Path,
    pub arguments: &'a [&'a str],
    /// The whole environment besides `PATH`: neither the caller's settings nor an `.env` may change a figure.
    pub environment: &'a [(&'a str, &'a str)],
    /// Where it runs if anything is pinned.
    pub cores: &'a str,
    /// Written to standard input, which then stays open for as long as this process lives.
    pub input: &'a [u8],
}

pub struct Server {
    // Held for its Drop only.
    _scratch: Scratch,
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    /// Starts the server and waits until it names its port.
    ///
    /// # Errors
    /// [`Void`] when it cannot be started, or ends or stays silent instead of printing the `listening on` line.
    pub fn start(pinning: Pinning, launch: &Launch<'_>) -> Result<Self> {
        let what = format!("starting {}", launch.program.display());
        let scratch = Scratch::create()?;
        let mut command = pinning.command(launch.program, launch.cores);
        command.args(launch.arguments).current_dir(&scratch.0).env_clear();
        command.env("PATH", env::var_os("PATH").unwrap_or_default()).envs(launch.environment.iter().copied());
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().during(&what)?;

        // From here on the guard kills the child, whatever comes.
        let mut server = Self { _scratch: scratch, child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let stdin = server.child.stdin.as_mut().ok_or_else(|| Void::new("no pipe to the server"))?;
        stdin.write_all(launch.input).during(&what)?;
        let stdout = server.child.stdout.take().ok_or_else(|| Void::new("no pipe from the server"))?;
        server.address = listening_address(stdout).during(&what)?;
        Ok(server)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails only for a child that has already ended; the wait then merely collects it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads lines until the one with the address; goes on draining afterwards, so that a chatty server never blocks.
fn listening_address(stdout: ChildStdout) -> Result<SocketAddr> {
    let (found, address) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(std::result::Result::ok) {
            if let Some((_, after)) = line.split_once(LISTENING) {
                // The receiver is gone after the first line; later ones are only drained.
                let _ = found.send(after.trim().to_owned());
            }
        }
    });
    let line = address.recv_timeout(START_LIMIT).during("no `listening on http://` line on its output")?;
    line.parse().during("reading the port it listens on")
}
