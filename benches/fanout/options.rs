//! What is measured: the command line, the cells it stands for, and how either server is started.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cells::{self, Board};
use crate::connections::Kind;
use crate::floor;
use crate::greeting::{Dialect, SECRET, Stage};
use crate::mixed;
use crate::polling::Extent;
use crate::process::{BOTH_CORES, Launch, OWN_CORE, Pinning, Server};
use crate::usage::open_files_limit;
use crate::void::{During, Result, Void};

const DEFAULT_ROUNDS: usize = 5;
const DEFAULT_BROADCASTS: usize = 200;
const QUICK_BROADCASTS: usize = 60;
/// Files a process has open besides its connections, with a good margin.
const OTHER_FILES: usize = 200;

const PRODUCT_ENVIRONMENT: &[(&str, &str)] = &[
    ("HOST", "127.0.0.1"),
    ("PORT", "0"),
    ("WORKERS", "1"),
    ("MAX_CONNECTIONS", "25000"),
    ("MAX_CONNECTIONS_TOTAL", "25000"),
    ("ROOM_MAX_SIZE", "25000"),
    ("MAX_CONNECTIONS_PER_ORG", "25000"),
    ("MAX_ROOMS_PER_CONNECTION", "2000"),
    ("CONNECTION_RATE_PER_IP", "0"),
    ("RATE_LIMIT_MESSAGES_PER_SECOND", "1000000"),
    // Errors only: of the limit of open files, which each server warns of, the table has a note.
    ("RUST_LOG", "error"),
    ("LOG_FILE", ""),
    ("JWT_SECRET", SECRET),
    ("PING_INTERVAL_MS", "600000"),
    ("PING_TIMEOUT_MS", "600000"),
];

/// What differs where joins are counted: two workers.
const JOINS_ENVIRONMENT: &[(&str, &str)] = &[("WORKERS", "2")];

/// What can be measured by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Fan-out to plain clients against the floor, with their number.
    Plain,
    /// The same to Socket.IO clients.
    SocketIo,
    /// The same, published by a client in the room.
    Session,
    /// With the length of what is published.
    Payload,
    /// With the number of rooms.
    Rooms,
    /// A room of all dialects.
    Mixed,
    /// Deflated broadcasts beside plain ones and another server's.
    Deflate,
    /// Publications a second into a room of one.
    Posts,
    /// Joins a second.
    Joins,
    /// Memory of a WebSocket, and handshakes.
    Idle,
    /// Memory of a polling session.
    Polling,
    /// A crowd that comes, joins, leaves and goes.
    Scale,
    /// Clients that come and go.
    Churn,
}

impl Part {
    pub const ALL: [(&str, Part); 13] = [
        ("plain", Part::Plain),
        ("socketio", Part::SocketIo),
        ("session", Part::Session),
        ("payload", Part::Payload),
        ("rooms", Part::Rooms),
        ("mixed", Part::Mixed),
        ("deflate", Part::Deflate),
        ("posts", Part::Posts),
        ("joins", Part::Joins),
        ("idle", Part::Idle),
        ("polling", Part::Polling),
        ("scale", Part::Scale),
        ("churn", Part::Churn),
    ];
}

pub struct Setup {
    pub pinning: Pinning,
    pub server: PathBuf,
    pub rounds: usize,
    pub broadcasts: usize,
    pub boards: Vec<Board>,
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
    /// How long a round of posts is.
    pub posting: Duration,
    /// Clients of the room that is published to while others come and go.
    pub crowd: usize,
    /// How many come and go at once.
    pub masses: usize,
    /// How long one by one.
    pub churn: Duration,
    /// How long broadcasts are looked at while nobody comes or goes.
    pub calm: Duration,
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
        let (mut most_clients, mut broadcasts) = (usize::MAX, None);
        let mut setup = Self {
            pinning: Pinning::Unpinned,
            server: PathBuf::from(env!("CARGO_BIN_EXE_switchboard")),
            rounds: DEFAULT_ROUNDS,
            broadcasts: DEFAULT_BROADCASTS,
            boards: cells::all(),
            mixed: 1000,
            deflated: 1000,
            peer_broadcasts: 25,
            joiners: 500,
            crowds: vec![1000, 5000],
            posting: Duration::from_secs(2),
            crowd: 1000,
            masses: 10_000,
            churn: Duration::from_secs(60),
            calm: Duration::from_secs(15),
            only: Vec::new(),
            notes: Vec::new(),
        };
        while let Some(option) = arguments.next() {
            match option.as_str() {
                // Added by `cargo bench` to every benchmark.
                "--bench" => {}
                "--quick" => setup.hurry(),
                "--rounds" => setup.rounds = positive(&option, arguments.next())?,
                "--clients" => most_clients = positive(&option, arguments.next())?,
                "--broadcasts" => broadcasts = Some(positive(&option, arguments.next())?),
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
        setup.broadcasts = broadcasts.unwrap_or(setup.broadcasts);
        // The server runs in another directory.
        setup.server = setup.server.canonicalize().during(&format!("--server {}", setup.server.display()))?;
        setup.pinning = Pinning::establish();
        if setup.pinning == Pinning::Unpinned {
            setup.notes.push("NOT PINNED: no taskset or no second core; the figures are rough".into());
        }
        setup.at_most(|_| most_clients, "--clients");
        // As far as it goes without asking anybody; the servers inherit it.
        let _ = rlimit::increase_nofile_limit(rlimit::INFINITY);
        let files = open_files_limit()?;
        let room = files.saturating_sub(OTHER_FILES).max(3);
        let reason = format!("only {files} open files, see ulimit -n");
        setup.at_most(|servers| room / servers, &reason);
        setup.masses = setup.masses.min(room.saturating_sub(setup.crowd).max(1));
        for board in &mut setup.boards {
            if board.fit(room) {
                setup.notes.push(format!("fewer clients of {} ({reason})", board.title));
            }
        }
        Ok(setup)
    }

    pub fn measures(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    /// As much as fits into four minutes: shorter rounds, and less of each part.
    fn hurry(&mut self) {
        self.broadcasts = QUICK_BROADCASTS;
        self.peer_broadcasts = 3;
        self.crowds = vec![1000];
        self.posting = Duration::from_millis(500);
        self.masses = 2000;
        self.churn = Duration::from_secs(10);
        self.calm = Duration::from_secs(4);
    }

    /// The rows of a memory table.
    pub fn kinds(&self, part: Part) -> Vec<Kind> {
        let sockets = [
            Kind::Socket(Dialect::Plain, Stage::Connected),
            Kind::Socket(Dialect::Plain, Stage::Joined(0)),
            Kind::Socket(Dialect::SocketIo, Stage::Connected),
            Kind::Socket(Dialect::SocketIo, Stage::Joined(0)),
            Kind::Socket(Dialect::Floor, Stage::Connected),
        ];
        let polling = [Extent::Parked, Extent::Between, Extent::SessionOnly, Extent::ConnectionOnly];
        match part {
            Part::Polling => polling.map(Kind::Polling).into(),
            _ => sockets.into(),
        }
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
    pub fn start_floor(&self, members: usize, frame: &[u8]) -> Result<Server> {
        let program = env::current_exe().during("finding this executable")?;
        let input = floor::input(members, frame);
        let arguments = &[floor::ARGUMENT];
        let launch =
            Launch { program: &program, arguments, environment: &[], cores: OWN_CORE, input: &input };
        Server::start(self.pinning, &launch)
    }

    /// `most` connections to a server where so many servers are open at once: the rooms that are compared with a
    /// mixed one, five servers of dashboards, or one. What a board needs is reckoned by itself.
    fn at_most(&mut self, most: impl Fn(usize) -> usize, reason: &str) {
        let crowds = self.crowds.iter_mut().map(|wanted| (wanted, most(1)));
        let cells = self.boards.iter_mut().flat_map(|board| &mut board.cells);
        let all = cells.map(|cell| (&mut cell.clients, most(1))).chain(crowds).chain([
            (&mut self.mixed, most(mixed::SERVERS)),
            (&mut self.deflated, most(5)),
            (&mut self.joiners, most(1)),
            (&mut self.crowd, most(2)),
            (&mut self.masses, most(1)),
        ]);
        let mut is_cut = false;
        for (wanted, most) in all.filter(|(wanted, most)| **wanted > *most) {
            (*wanted, is_cut) = (most, true);
        }
        if is_cut {
            self.notes.push(format!("fewer connections than usual ({reason})"));
        }
        // Two sizes cut to one are measured once.
        self.crowds.dedup();
        self.boards.iter_mut().for_each(Board::dedup);
    }
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
