//! What is measured: the command line, the cells it stands for, and how either server is started.

use std::env;
use std::path::PathBuf;

use crate::floor;
use crate::process::{Launch, Pinning, Server};
use crate::usage::open_files_limit;
use crate::void::{During, Result, Void};

const DEFAULT_ROUNDS: usize = 5;
const DEFAULT_BROADCASTS: usize = 200;
/// Files a process has open besides its connections, with a good margin.
const OTHER_FILES: usize = 200;

const PRODUCT_ENVIRONMENT: &[(&str, &str)] = &[
    ("HOST", "127.0.0.1"),
    ("PORT", "0"),
    ("WORKERS", "1"),
    ("MAX_CONNECTIONS", "25000"),
    ("MAX_CONNECTIONS_TOTAL", "25000"),
    ("ROOM_MAX_SIZE", "25000"),
    ("CONNECTION_RATE_PER_IP", "0"),
    ("RUST_LOG", "warn"),
    ("LOG_FILE", ""),
    ("PING_INTERVAL_MS", "600000"),
    ("PING_TIMEOUT_MS", "600000"),
];

/// One room of subscribers and one payload size, measured at several depths.
#[derive(Clone, PartialEq, Eq)]
pub struct Cell {
    /// Bytes of the JSON text of `data`.
    pub payload: usize,
    pub clients: usize,
    /// How many broadcasts are in flight at once.
    pub depths: Vec<usize>,
}

pub struct Setup {
    pub pinning: Pinning,
    pub server: PathBuf,
    pub rounds: usize,
    pub broadcasts: usize,
    pub cells: Vec<Cell>,
    /// Numbers of connections in the memory table, one row each per kind.
    pub crowds: Vec<usize>,
    /// What a reader must know about this run beyond its options.
    pub notes: Vec<String>,
}

impl Setup {
    /// # Errors
    /// [`Void`] for an unknown option or a value that is none.
    pub fn from_arguments(arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut arguments = arguments;
        let mut most_clients = usize::MAX;
        let mut setup = Self {
            pinning: Pinning::Unpinned,
            server: PathBuf::from(env!("CARGO_BIN_EXE_switchboard")),
            rounds: DEFAULT_ROUNDS,
            broadcasts: DEFAULT_BROADCASTS,
            cells: full(),
            crowds: vec![1000, 5000],
            notes: Vec::new(),
        };
        while let Some(option) = arguments.next() {
            match option.as_str() {
                // Added by `cargo bench` to every benchmark.
                "--bench" => {}
                "--quick" => setup.cells = quick(),
                "--rounds" => setup.rounds = positive(&option, arguments.next())?,
                "--clients" => most_clients = positive(&option, arguments.next())?,
                "--broadcasts" => setup.broadcasts = positive(&option, arguments.next())?,
                "--server" => {
                    setup.server = arguments.next().ok_or_else(|| Void::new("--server needs a path"))?.into()
                }
                _ => {
                    return Err(Void::new(format!(
                        "unknown option {option}; see the head of benches/fanout/main.rs"
                    )));
                }
            }
        }
        // The server runs in another directory.
        setup.server = setup.server.canonicalize().during(&format!("--server {}", setup.server.display()))?;
        setup.pinning = Pinning::establish();
        if setup.pinning == Pinning::Unpinned {
            setup.notes.push("NOT PINNED: no taskset or no second core; the figures are rough".into());
        }
        setup.at_most(most_clients, most_clients, "--clients");
        // A cell has product and floor open at the same time. Raising the limit takes a system call that std lacks.
        let files = open_files_limit()?;
        let room = files.saturating_sub(OTHER_FILES).max(2);
        setup.at_most(room / 2, room, &format!("only {files} open files, see ulimit -n"));
        Ok(setup)
    }

    /// # Errors
    /// [`Void`] as [`Server::start`].
    pub fn start_product(&self) -> Result<Server> {
        let launch =
            Launch { program: &self.server, arguments: &[], environment: PRODUCT_ENVIRONMENT, input: &[] };
        Server::start(self.pinning, &launch)
    }

    /// # Errors
    /// [`Void`] as [`Server::start`].
    pub fn start_floor(&self, frame: &[u8]) -> Result<Server> {
        let program = env::current_exe().during("finding this executable")?;
        let input = floor::input(frame);
        let launch =
            Launch { program: &program, arguments: &[floor::ARGUMENT], environment: &[], input: &input };
        Server::start(self.pinning, &launch)
    }

    fn at_most(&mut self, clients: usize, crowd: usize, reason: &str) {
        let cells = self.cells.iter_mut().map(|cell| (&mut cell.clients, clients));
        let crowds = self.crowds.iter_mut().map(|wanted| (wanted, crowd));
        for (wanted, most) in cells.chain(crowds).filter(|(wanted, most)| **wanted > *most) {
            self.notes.push(format!("{most} instead of {wanted} connections ({reason})"));
            *wanted = most;
        }
        // Two sizes cut to one are measured once.
        self.crowds.dedup();
        self.cells.dedup();
        self.notes.dedup();
    }
}

fn quick() -> Vec<Cell> {
    vec![Cell { payload: 64, clients: 1000, depths: vec![1] }]
}

fn full() -> Vec<Cell> {
    // Eight in flight of 16 KiB would fill the sockets, which the floor by design cannot handle.
    let all: [(usize, usize, &[usize]); 4] =
        [(64, 1000, &[1, 8]), (64, 5000, &[1, 8]), (1024, 1000, &[1, 8]), (16 * 1024, 1000, &[1])];
    all.map(|(payload, clients, depths)| Cell { payload, clients, depths: depths.to_vec() }).into()
}

fn positive(option: &str, value: Option<String>) -> Result<usize> {
    let number = value.and_then(|value| value.parse().ok()).filter(|number| *number > 0);
    number.ok_or_else(|| Void::new(format!("{option} needs a number above zero")))
}
