//! A real server in this process, and clients that talk to it over real sockets.

pub mod clock;
pub mod deflate;
pub mod engine;
pub mod frames;
pub mod heap;
pub mod http;
pub mod scratch;
pub mod socket;
pub mod socketio;
pub mod token;
pub mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use switchboard::domain::Ambient;
use switchboard::domain::time::Clock;
use switchboard::store::Store;
use switchboard::{App, Running, Settings, ambient};

use clock::ManualClock;
use http::Answer;
use scratch::Scratch;
use socket::Socket;

/// Longest wait for something that must happen. Only a failing test waits this long.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The secret that [`token::sign`] signs with.
pub const SECRET: &str = "a-secret-of-thirty-two-characters!";

/// A gateway on a free port, stopped when dropped.
pub struct TestServer {
    running: Option<Running>,
    address: SocketAddr,
    pub clock: Arc<ManualClock>,
    /// Where it keeps what outlives it; the last to go.
    pub data: Scratch,
}

impl TestServer {
    pub fn start() -> TestServer {
        TestServer::with(&[])
    }

    /// Starts with these keys on top of the tests' own; time is the system's.
    pub fn with(settings: &[(&str, &str)]) -> TestServer {
        TestServer::launch(settings, None)
    }

    /// Starts on a clock that only moves by hand.
    pub fn by_hand(settings: &[(&str, &str)]) -> TestServer {
        let clock = ManualClock::new();
        TestServer::launch(settings, Some(clock))
    }

    /// Starts with what `mount` adds to it, on a clock that only moves by hand.
    pub fn mounted(settings: &[(&str, &str)], mount: impl FnOnce(App, &Settings) -> App) -> TestServer {
        let data = Scratch::new();
        let settings = TestServer::settings_in(&data, settings);
        let app = mount(App::builder(settings.clone()), &settings);
        TestServer::run(app, Some(ManualClock::new()), data)
    }

    /// Starts on a clock that only moves by hand, and on another store than its own: `wrap` is given that.
    pub fn with_store(
        settings: &[(&str, &str)],
        wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
    ) -> TestServer {
        let (data, clock) = (Scratch::new(), ManualClock::new());
        let settings = TestServer::settings_in(&data, settings);
        let random = ambient::system().random;
        let own = switchboard::store::sqlite::open(&settings, &*random, clock.wall());
        let store = wrap(own.expect("a store of its own"));
        TestServer::run(App::builder(settings).store(store), Some(clock), data)
    }

    /// The tests' own settings, with these keys on top.
    pub fn settings(settings: &[(&str, &str)]) -> Settings {
        TestServer::settings_in(&Scratch::new(), settings)
    }

    fn settings_in(data: &Scratch, settings: &[(&str, &str)]) -> Settings {
        let mut keys = vec![
            ("DATA_DIR", data.text()),
            ("PORT", "0"),
            ("WORKERS", "2"),
            ("JWT_SECRET", SECRET),
            ("CONNECTION_RATE_PER_IP", "0"),
            // Most tests that move the clock are about other deadlines.
            ("AUTH_TIMEOUT_MS", "86400000"),
        ];
        keys.retain(|(key, _)| !settings.iter().any(|(own, _)| own == key));
        keys.extend_from_slice(settings);
        Settings::from_map(&keys).expect("the test's settings are good")
    }

    fn launch(settings: &[(&str, &str)], clock: Option<Arc<ManualClock>>) -> TestServer {
        let data = Scratch::new();
        TestServer::run(App::builder(TestServer::settings_in(&data, settings)), clock, data)
    }

    /// Starts what has been put together; without a clock, time is the system's.
    pub fn of(app: App, clock: Option<Arc<ManualClock>>) -> TestServer {
        TestServer::run(app, clock, Scratch::new())
    }

    fn run(app: App, clock: Option<Arc<ManualClock>>, data: Scratch) -> TestServer {
        let system = ambient::system();
        let ambient = match &clock {
            Some(clock) => Ambient { clock: clock.clone(), ..system },
            None => system,
        };
        let running = app.ambient(ambient).start().expect("a free port");
        let address = running.addresses()[0];
        let clock = clock.unwrap_or_else(ManualClock::new);
        TestServer { running: Some(running), address, clock, data }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn running(&self) -> &Running {
        self.running.as_ref().expect("not stopped yet")
    }

    /// Stops as a signal would. Gives what it leaves behind.
    pub async fn stop(mut self) -> Scratch {
        self.running.take().expect("not stopped yet").stop().await.expect("a clean stop");
        self.data
    }

    /// A plain socket that nobody has signed in on, its welcome read.
    pub async fn connect(&self) -> Socket {
        let mut socket = Socket::open(self.address, "/ws", &[]).await;
        let welcome = socket.next("connection_established").await;
        socket.id = welcome["data"]["clientId"].as_str().expect("an id").to_owned();
        socket
    }

    /// A plain socket signed in with these claims.
    pub async fn sign_in(&self, claims: Value) -> Socket {
        let token = token::sign(claims);
        let mut socket =
            Socket::open(self.address, "/ws", &[("authorization", &format!("Bearer {token}"))]).await;
        let welcome = socket.next("connection_established").await;
        socket.id = welcome["data"]["clientId"].as_str().expect("an id").to_owned();
        socket.next("auth:success").await;
        socket
    }

    /// A plain socket of the tenant whose key this is, its welcome read.
    pub async fn tenant(&self, key: &str) -> Socket {
        let mut socket = Socket::open(self.address, "/events", &[("x-tenant-key", key)]).await;
        socket.next("connected").await;
        socket
    }

    /// POSTs a broadcast that must be accepted. Gives its answer.
    pub async fn broadcast(&self, body: Value) -> Value {
        let answer = self.post("/api/ws/broadcast", &body).await;
        assert_eq!(answer.status, 200, "{body} -> {}", answer.text());
        answer.json()
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        let headers = [("content-type", "application/json")];
        http::request(self.address, "POST", path, &headers, body.to_string().as_bytes()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        http::request(self.address, "GET", path, &[], b"").await
    }

    /// Waits until the server counts this many connections.
    pub async fn until_connections(&self, count: usize) {
        until(|| self.running().connections() == count).await;
    }
}

/// Waits until `is_so`, looking again whenever other tasks have run. For what no event announces.
pub async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it becomes so in time");
}
