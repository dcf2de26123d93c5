//! What is measured: the command line, the cells it stands for, and how either server is started.

use std::env;
use std::path::{Path, PathBuf};

use crate::connections::Kind;
use crate::floor;
use crate::greeting::{Dialect, SECRET, Stage};
use crate::polling::Extent;
use crate::process::{BOTH_CORES, Launch, OWN_CORE, Pinning, Server};
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
    // Errors only: of the limit of open files, which each server warns of, the table has a note.
    ("RUST_LOG", "error"),
    ("LOG_FILE", ""),
    ("JWT_SECRET", SECRET),
    ("PING_INTERVAL_MS", "600000"),
    ("PING_TIMEOUT_MS", "600000"),
];

/// What differs where joins are counted: two workers, and no limit that a client in a hurry would meet.
const JOINS_ENVIRONMENT: &[(&str, &str)] = &[
    ("WORKERS", "2"),
    ("MAX_CONNECTIONS_PER_ORG", "25000"),
    ("RATE_LIMIT_MESSAGES_PER_SECOND", "1000000"),
    ("MAX_ROOMS_PER_CONNECTION", "1000"),
];

/// What can be measured by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Fan-out to plain clients against the floor.
    Plain,
    /// Fan-out to Socket.IO clients against the floor.
    SocketIo,
    /// A room of both.
    Mixed,
    /// Deflated broadcasts beside plain ones and another server's.
    Deflate,
    /// Joins a second.
    Joins,
    /// Memory of a WebSocket.
    Idle,
    /// Memory of a polling session.
    Polling,
}

impl Part {
    const ALL: [(&str, Part); 7] = [
        ("plain", Part::Plain),
        ("socketio", Part::SocketIo),
        ("mixed", Part::Mixed),
        ("deflate", Part::Deflate),
        ("joins", Part::Joins),
        ("idle", Part::Idle),
        ("polling", Part::Polling),
    ];
}

/// One room of subscribers and one payload size, measured at several depths.
#[derive(Clone, PartialEq, Eq)]
pub struct Cell {
    /// What all of them speak.
    pub dialect: Dialect,
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
    /// Clients of the mixed room, and of each of the rooms it is compared with.
    pub mixed: usize,
    /// Clients of each server where broadcasts are deflated.
    pub deflated: usize,
    /// Broadcasts of a round of `ws` on Node.js: each costs it about as much as fifty of ours.
    pub peer_broadcasts: usize,
    /// Clients that join rooms.
    pub joiners: usize,
    /// Numbers of connections in the memory table, one row each per kind.
    pub crowds: Vec<usize>,
    /// Empty if all are.
    only: Vec<Part>,
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
            mixed: 1000,
            deflated: 1000,
            peer_broadcasts: 25,
            joiners: 500,
            crowds: vec![1000, 5000],
            only: Vec::new(),
            notes: Vec::new(),
        };
        while let Some(option) = arguments.next() {
            match option.as_str() {
                // Added by `cargo bench` to every benchmark.
                "--bench" => {}
                "--quick" => (setup.cells, setup.peer_broadcasts) = (quick(), 5),
                "--rounds" => setup.rounds = positive(&option, arguments.next())?,
                "--clients" => most_clients = positive(&option, arguments.next())?,
                "--broadcasts" => setup.broadcasts = positive(&option, arguments.next())?,
                "--only" => setup.only = parts(arguments.next())?,
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
        setup.choose();
        setup.at_most(|_| most_clients, "--clients");
        // Raising the limit takes a system call that std lacks.
        let files = open_files_limit()?;
        let room = files.saturating_sub(OTHER_FILES).max(3);
        setup.at_most(|servers| room / servers, &format!("only {files} open files, see ulimit -n"));
        Ok(setup)
    }

    pub fn measures(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    /// Leaves out what `--only` does not name.
    fn choose(&mut self) {
        let part = |cell: &Cell| if cell.dialect == Dialect::Plain { Part::Plain } else { Part::SocketIo };
        let mut cells = std::mem::take(&mut self.cells);
        cells.retain(|cell| self.measures(part(cell)));
        self.cells = cells;
    }

    /// The rows of the memory table.
    pub fn kinds(&self) -> Vec<Kind> {
        let sockets = [
            Kind::Socket(Dialect::Plain, Stage::Connected),
            Kind::Socket(Dialect::Plain, Stage::Joined),
            Kind::Socket(Dialect::SocketIo, Stage::Connected),
            Kind::Socket(Dialect::SocketIo, Stage::Joined),
            Kind::Socket(Dialect::Floor, Stage::Connected),
        ];
        let polling = [Extent::Parked, Extent::Between, Extent::SessionOnly, Extent::ConnectionOnly];
        let sockets = sockets.into_iter().filter(|_| self.measures(Part::Idle));
        sockets
            .chain(polling.map(Kind::Polling).into_iter().filter(|_| self.measures(Part::Polling)))
            .collect()
    }

    /// # Errors
    /// [`Void`] as [`Server::start`].
    pub fn start_product(&self) -> Result<Server> {
        self.start(PRODUCT_ENVIRONMENT, OWN_CORE)
    }

    /// The product on the load generator's core, too.
    ///
    /// # Errors
    /// [`Void`] as [`Server::start`].
    pub fn start_for_joins(&self) -> Result<Server> {
        // What is said last holds.
        self.start(&[PRODUCT_ENVIRONMENT, JOINS_ENVIRONMENT].concat(), BOTH_CORES)
    }

    /// Another server, on the product's core, as a script for Node.js.
    ///
    /// # Errors
    /// [`Void`] as [`Server::start`].
    pub fn start_node(&self, script: &str, library: &str) -> Result<Server> {
        let launch = Launch {
            program: Path::new("node"),
            arguments: &[script, library],
            environment: &[],
            cores: OWN_CORE,
            input: &[],
        };
        Server::start(self.pinning, &launch)
    }

    fn start(&self, environment: &[(&str, &str)], cores: &str) -> Result<Server> {
        let launch = Launch { program: &self.server, arguments: &[], environment, cores, input: &[] };
        Server::start(self.pinning, &launch)
    }

    /// # Errors
    /// [`Void`] as [`Server::start`].
    pub fn start_floor(&self, frame: &[u8]) -> Result<Server> {
        let program = env::current_exe().during("finding this executable")?;
        let input = floor::input(frame);
        let arguments = &[floor::ARGUMENT];
        let launch =
            Launch { program: &program, arguments, environment: &[], cores: OWN_CORE, input: &input };
        Server::start(self.pinning, &launch)
    }

    /// `most` connections to a server where so many servers are open at once: product and floor for a cell, three
    /// rooms, five servers of dashboards, or one.
    fn at_most(&mut self, most: impl Fn(usize) -> usize, reason: &str) {
        let cells = self.cells.iter_mut().map(|cell| (&mut cell.clients, most(2)));
        let crowds = self.crowds.iter_mut().map(|wanted| (wanted, most(1)));
        let all = cells.chain(crowds).chain([
            (&mut self.mixed, most(3)),
            (&mut self.deflated, most(5)),
            (&mut self.joiners, most(1)),
        ]);
        for (wanted, most) in all.filter(|(wanted, most)| **wanted > *most) {
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
    let cell = |dialect| Cell { dialect, payload: 64, clients: 1000, depths: vec![1] };
    vec![cell(Dialect::Plain), cell(Dialect::SocketIo)]
}

fn full() -> Vec<Cell> {
    use Dialect::{Plain, SocketIo};

    // Eight in flight of 16 KiB would fill the sockets, which the floor by design cannot handle.
    let all: [(Dialect, usize, usize, &[usize]); 7] = [
        (Plain, 64, 1000, &[1, 8]),
        (Plain, 64, 5000, &[1, 8]),
        (Plain, 1024, 1000, &[1, 8]),
        (Plain, 16 * 1024, 1000, &[1]),
        (SocketIo, 64, 1000, &[1, 8]),
        (SocketIo, 64, 5000, &[1]),
        (SocketIo, 1024, 1000, &[1]),
    ];
    let cell = |(dialect, payload, clients, depths): (_, _, _, &[usize])| Cell {
        dialect,
        payload,
        clients,
        depths: depths.to_vec(),
    };
    all.map(cell).into()
}

fn positive(option: &str, value: Option<String>) -> Result<usize> {
    let number = value.and_then(|value| value.parse().ok()).filter(|number| *number > 0);
    number.ok_or_else(|| Void::new(format!("{option} needs a number above zero")))
}

fn parts(value: Option<String>) -> Result<Vec<Part>> {
    let part = |wanted: &str| {
        let mut all = Part::ALL.into_iter();
        let (_, part) = all.find(|(name, _)| *name == wanted).ok_or_else(|| {
            let names = Part::ALL.map(|(name, _)| name).join(", ");
            Void::new(format!("--only needs one or more of {names}, with commas between"))
        })?;
        Ok(part)
    };
    value.unwrap_or_default().split(',').map(part).collect()
}
