//! The gateway, put together: settings in, a running server out.
//!
//! [`App::builder`] is the product; [`App::bare`] has nothing but what a program mounts. Either takes
//! more [`Mount`]s, and whatever is to be replaced (time, randomness, the store). [`Running`] is the server
//! with its addresses, and the way to stop it.
//!
//! ```
//! use switchboard::{App, Emit, Event, Message, Mount, Out, SessionSettings, Settings};
//!
//! # actix_web::rt::System::new().block_on(async {
//! let settings = Settings::from_map(&[("PORT", "0"), ("WORKERS", "1"), ("DATA_DIR", "target/example")])?;
//! let own = SessionSettings::of_handlers(&settings);
//! let echo = |message: Message<'_>, out: &mut Out<'_>| out.send(message);
//! let chat = |event: &Event<'_>, emit: &mut Emit<'_>| {
//!     emit.ack(event.args, event.attachments).expect("what could be read can be written");
//! };
//! let running = App::builder(settings)
//!     .mount(Mount::websocket("/echo", own.clone(), echo))
//!     .mount(Mount::engine("/raw", own.clone(), echo))
//!     .mount(Mount::socketio("/chat", own).namespace("/", chat))
//!     .start()?;
//! running.stop().await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod mounts;
mod parts;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::{Actor, Addr, Arbiter};
use actix_http::error::DispatchError;
use actix_http::{Extensions, HttpService};
use actix_server::{Server, ServerHandle};
use actix_service::{IntoServiceFactory, ServiceFactoryExt, boxed, fn_service, map_config};
use actix_web::dev::AppConfig;
use log::{info, warn};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::ambient;
use crate::config::Settings;
use crate::domain::Ambient;
use crate::domain::farewell::Farewell;
use crate::events::payload::system::Maintenance;
use crate::events::publication::Publication;
use crate::http::aside::{AsideFactory, Beside};
use crate::http::gate::{Gate, Patience};
use crate::http::poll::PollFactory;
use crate::http::upgrade::UpgradeFactory;
use crate::http::{self, Routes, Shared, State, unheard};
use crate::hub::messages::{Close, Publish};
use crate::hub::room_server::RoomServer;
use crate::hub::worker::Crew;
use crate::limits::connections::Connections;
use crate::listeners;
use crate::session::Voice;
use crate::session::mount::{Mount, Mounts};
use crate::store::Store;
use crate::telemetry::Meters;
use crate::voice::executor::Finish;
use parts::Parts;

/// A gateway about to be started.
pub struct App {
    settings: Settings,
    ambient: Ambient,
    store: Option<Arc<dyn Store>>,
    mounts: Vec<Mount>,
    /// Whether there are the routes of the product, too.
    is_product: bool,
}

/// A gateway that serves. Dropped, it ends at once and without a goodbye; see [`Running::stop`].
pub struct Running {
    addresses: Vec<SocketAddr>,
    server: ServerHandle,
    ended: oneshot::Receiver<io::Result<()>>,
    shared: Arc<Shared>,
    rooms: Addr<RoomServer>,
    /// `None` in a server without the product's.
    voice: Option<Voice>,
    /// The threads of the RoomServer and of the executor of commands.
    arbiters: [Arbiter; 2],
    ambient: Ambient,
    shutdown_timeout: Duration,
}

/// How long an idle connection of a backend stays open for its next request.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long what follows a refused request is read away (contract D-15).
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// A stop closes about so many sessions together, in at most so many parts, so far apart: two seconds
/// for the last.
const CLOSED_TOGETHER: usize = 250;
const PARTS: u32 = 20;
const BETWEEN_PARTS: Duration = Duration::from_millis(100);
/// Connections that speak HTTP at one time, two for each session not counted.
const HTTP_CONNECTIONS: usize = 4096;
/// Socket.IO clients beyond the limit that may be told so at one time.
const SURPLUS: usize = 1000;
/// Sockets one worker accepts before the framework lets the rest hang; our own limit, which
/// answers, must be reached first.
const UNREACHED: usize = 1_000_000;

impl App {
    /// The product with these settings, on the system's clock: the engines and endpoints of the five
    /// guides, the admin REST, the console.
    pub fn builder(settings: Settings) -> App {
        let mounts = mounts::of_guides(&settings);
        App { settings, ambient: ambient::system(), store: None, mounts, is_product: true }
    }

    /// A server of what will be mounted, and of nothing else.
    pub fn bare(settings: Settings) -> App {
        App { settings, ambient: ambient::system(), store: None, mounts: Vec::new(), is_product: false }
    }

    /// Adds an engine or an endpoint.
    pub fn mount(mut self, mount: Mount) -> App {
        self.mounts.push(mount);
        self
    }

    /// Replaces time and randomness.
    pub fn ambient(mut self, ambient: Ambient) -> App {
        self.ambient = ambient;
        self
    }

    /// Replaces the product's store under `DATA_DIR`; its tenants are the caller's to see to.
    pub fn store(mut self, store: Arc<dyn Store>) -> App {
        self.store = Some(store);
        self
    }

    /// Opens the store, binds every listener and starts serving. Must be called within an actix system.
    ///
    /// # Errors
    /// A mount that cannot be, because its path or its name is taken or is none; a store that cannot be
    /// opened; an address that cannot be bound. Each named.
    pub fn start(self) -> io::Result<Running> {
        let App { settings, ambient, store, mounts, is_product } = self;
        let mounts = Mounts::new(mounts, |path| is_product && http::is_own(path));
        let mounts = Arc::new(mounts.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?);
        // A session that polls has a connection for its polls and one for its pushes.
        let requests = HTTP_CONNECTIONS + 2 * settings.max_connections;
        let requests = listeners::raise_open_files(settings.max_connections + SURPLUS, requests);
        let listeners = listeners::bind(&settings)?;
        let addresses = listeners.iter().map(TcpListener::local_addr).collect::<io::Result<Vec<_>>>()?;

        let store = match store {
            None if is_product => Some(parts::open_store(&settings, &ambient)?),
            given => given,
        };

        let (meters, clock) = (Arc::<Meters>::default(), Arc::clone(&ambient.clock));
        let (limits, compression) = (parts::book_limits(&settings), parts::compression(&settings));
        let compress_from = compression.from;
        let arbiters = [Arbiter::new(), Arbiter::new()];
        let counted = Arc::clone(&meters);
        let rooms = RoomServer::start_in_arbiter(&arbiters[0].handle(), move |_| {
            RoomServer::new(limits, compression, clock, counted)
        });
        let thread = arbiters[1].handle();
        let start = |store| parts::start_voice(&settings, &ambient, (store, &meters), (&rooms, &thread));
        let voice = store.map(start).transpose()?;
        let (queue_bytes, total_bytes) = (settings.send_queue_bytes, settings.send_queue_total_bytes);
        let crew = Arc::new(Crew::new(rooms.clone(), queue_bytes, total_bytes, compress_from));
        let shared = Arc::new(parts::shared(&settings, &addresses, &ambient));
        let parts = Parts::of(&settings, &ambient, meters, voice.clone());

        let mut server = Server::build()
            .workers(settings.workers)
            .max_concurrent_connections(UNREACHED)
            .shutdown_timeout(settings.shutdown_timeout.as_secs())
            .disable_signals();
        let stopping = server.graceful_shutdown_signal();
        let places = Connections::up_to(requests);
        // Longer than any answer is rightly held back.
        let patience = KEEP_ALIVE + mounts.longest_poll();
        let routes = Routes { mounts, is_product };
        for listener in listeners {
            let (stopping, places) = (stopping.clone(), Arc::clone(&places));
            let (crew, shared, parts) = (Arc::clone(&crew), Arc::clone(&shared), parts.clone());
            let routes = routes.clone();
            server = server.listen("http", listener, move || {
                // Called once per listener and worker, on the worker's thread.
                let state = State { shared: Arc::clone(&shared), services: parts.services(&crew) };
                let app = || {
                    let app =
                        actix_web::App::new().wrap(http::cors(&state.shared)).configure(routes.of(&state));
                    let app = app.into_factory().map_err(|error: actix_web::Error| error.error_response());
                    let app = map_config(app, |()| AppConfig::default());
                    PollFactory { app, meters: Arc::clone(&state.services.meters) }
                };
                let http = HttpService::build()
                    // With half-closed connections, a poll that was given up is not noticed.
                    .h1_allow_half_closed(false)
                    .keep_alive(KEEP_ALIVE)
                    .client_disconnect_timeout(DISCONNECT_TIMEOUT)
                    // An idle keep-alive connection must not hold up a stop.
                    .graceful_shutdown_signal({
                        let stopping = stopping.clone();
                        move || {
                            let stopping = stopping.clone();
                            async move { stopping.notified().await }
                        }
                    })
                    .upgrade(UpgradeFactory(app()))
                    .on_connect_ext(|gate: &Gate, data: &mut Extensions| {
                        data.insert(Rc::clone(gate.record()));
                    })
                    .h1(app());
                let http = unheard::counted(http, Arc::clone(&parts.meters));
                let http = AsideFactory {
                    http,
                    beside: Beside {
                        meters: Arc::clone(&parts.meters),
                        clock: Arc::clone(&parts.ambient.clock),
                        stopping: stopping.clone(),
                        keep_alive: KEEP_ALIVE,
                        patience,
                    },
                };
                let (places, clock) = (Arc::clone(&places), Arc::clone(&parts.ambient.clock));
                let meters = Arc::clone(&parts.meters);
                let connection = fn_service(move |stream: TcpStream| {
                    let (place, patience) = (places.take(), Patience::of(patience, Arc::clone(&clock)));
                    if place.is_none() {
                        meters.refused();
                    }
                    async move {
                        let place =
                            place.ok_or_else(|| io::Error::other("too many connections speak HTTP"))?;
                        let peer = stream.peer_addr().ok();
                        Ok::<_, DispatchError>((Gate::new(stream, place, patience)?, peer))
                    }
                });
                // The task that the framework makes of a future holds twice its size.
                boxed::factory(connection.and_then(http))
            })?;
        }
        let server = server.run();
        let handle = server.handle();
        let (tell, ended) = oneshot::channel();
        actix::spawn(async move {
            let _ = tell.send(server.await);
        });
        Ok(Running {
            addresses,
            server: handle,
            ended,
            shared,
            rooms,
            voice,
            arbiters,
            ambient,
            shutdown_timeout: settings.shutdown_timeout,
        })
    }
}

impl Running {
    /// What is bound, the main listener first.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Connections that are open or closing.
    pub fn connections(&self) -> usize {
        self.shared.connections.current()
    }

    /// Stops: refuses new connections, tells every client that the service restarts, and ends when
    /// all have gone or the shutdown timeout has passed.
    pub async fn stop(mut self) -> io::Result<()> {
        info!("stopping");
        self.shared.is_stopping.store(true, Ordering::Release);
        let deadline = self.ambient.clock.now() + self.shutdown_timeout;
        let goodbye = async {
            // Behind everything published so far, and before the goodbye.
            let _ = self.rooms.send(Publish(maintenance(&self.ambient))).await;
            self.close_part_by_part().await;
            self.shared.connections.emptied().await;
            if let Some(voice) = &self.voice {
                // What was asked for is done, though nobody waits for its answer any more.
                let _ = voice.executor.send(Finish).await;
            }
            // Closes the listeners; requests under way are answered.
            self.server.stop(true).await;
        };
        tokio::select! {
            () = goodbye => self.write_audit().await,
            () = self.ambient.clock.sleep_until(deadline) => {
                // A graceful stop under way hears no second command: it would be waited for.
                warn!("not everything has ended within the shutdown timeout");
                self.write_audit().await;
                return Ok(());
            }
        }
        (&mut self.ended).await.unwrap_or(Ok(()))
    }

    /// Ends when what was noted so far is in the audit trail.
    async fn write_audit(&self) {
        if let Some(voice) = &self.voice {
            voice.audit.finish().await;
        }
    }

    /// Says goodbye to a few hundred clients at a time, so that they do not all come back at once.
    async fn close_part_by_part(&self) {
        let parts = u32::try_from(self.connections() / CLOSED_TOGETHER).unwrap_or(u32::MAX).clamp(1, PARTS);
        for part in 0..parts {
            if part > 0 {
                let clock = &self.ambient.clock;
                clock.sleep_until(clock.now() + BETWEEN_PARTS).await;
            }
            let _ = self.rooms.send(Close { farewell: Farewell::Restart, part, parts }).await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Sent at once; the future only waits for the end.
        drop(self.server.stop(false));
        for arbiter in &self.arbiters {
            arbiter.stop();
        }
    }
}

fn maintenance(ambient: &Ambient) -> Publication {
    let now = ambient.clock.wall();
    let data = Maintenance { message: "The service restarts; please reconnect", timestamp: now };
    Publication::of_server("system:maintenance", &data, now)
}
