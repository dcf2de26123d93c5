//! The gateway, put together: settings in, a running server out.
//!
//! [`App::builder`] takes the settings and whatever is to be replaced (time and randomness);
//! [`Running`] is the server with its addresses, and the way to stop it.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
use crate::auth::access::Access;
use crate::auth::admin::AdminRule;
use crate::auth::authenticator::Authenticator;
use crate::auth::cookies::CookieSessions;
use crate::auth::tenants::Tenants;
use crate::auth::token::Tokens;
use crate::config::{AdminRoomJoin, Environment, Settings, TenantRecord};
use crate::dialect::spelling::Spellings;
use crate::domain::Ambient;
use crate::domain::farewell::Farewell;
use crate::domain::id::Id;
use crate::events::payload::system::Maintenance;
use crate::events::publication::Publication;
use crate::http::gate::{Gate, Patience};
use crate::http::poll::PollFactory;
use crate::http::upgrade::UpgradeFactory;
use crate::http::{self, Shared, State, unheard};
use crate::hub::books::BookLimits;
use crate::hub::compression::Compression;
use crate::hub::messages::{Close, Publish};
use crate::hub::outboxes::SocketKey;
use crate::hub::room_server::RoomServer;
use crate::hub::worker::Crew;
use crate::limits::budget::Budget;
use crate::limits::connections::Connections;
use crate::limits::rate::{AddressRate, SharedRate};
use crate::listeners;
use crate::session::directory::Directory;
use crate::session::{Services, SessionSettings};
use crate::telemetry::Meters;

/// A gateway about to be started.
pub struct App {
    settings: Settings,
    ambient: Ambient,
}

/// A gateway that serves. Dropped, it ends at once and without a goodbye; see [`Running::stop`].
pub struct Running {
    addresses: Vec<SocketAddr>,
    server: ServerHandle,
    ended: oneshot::Receiver<io::Result<()>>,
    shared: Arc<Shared>,
    rooms: Addr<RoomServer>,
    /// The RoomServer's thread.
    arbiter: Arbiter,
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
    /// A gateway with these settings, on the system's clock.
    pub fn builder(settings: Settings) -> App {
        App { settings, ambient: ambient::system() }
    }

    /// Replaces time and randomness.
    pub fn ambient(mut self, ambient: Ambient) -> App {
        self.ambient = ambient;
        self
    }

    /// Binds every listener and starts serving. Must be called within an actix system.
    ///
    /// # Errors
    /// An address that cannot be bound, named.
    pub fn start(self) -> io::Result<Running> {
        let App { settings, ambient } = self;
        // A session that polls has a connection for its polls and one for its pushes.
        let requests = HTTP_CONNECTIONS + 2 * settings.max_connections;
        let requests = listeners::raise_open_files(settings.max_connections + SURPLUS, requests);
        let listeners = listeners::bind(&settings)?;
        let addresses = listeners.iter().map(TcpListener::local_addr).collect::<io::Result<Vec<_>>>()?;

        let (meters, clock) = (Arc::<Meters>::default(), Arc::clone(&ambient.clock));
        let (limits, compression) = (book_limits(&settings), compression(&settings));
        let compress_from = compression.from;
        let arbiter = Arbiter::new();
        let counted = Arc::clone(&meters);
        let rooms = RoomServer::start_in_arbiter(&arbiter.handle(), move |_| {
            RoomServer::new(limits, compression, clock, counted)
        });
        let (queue_bytes, total_bytes) = (settings.send_queue_bytes, settings.send_queue_total_bytes);
        let crew = Arc::new(Crew::new(rooms.clone(), queue_bytes, total_bytes, compress_from));
        let shared = Arc::new(shared(&settings, &addresses, &ambient));
        let parts = Parts {
            settings: Arc::new(session_settings(&settings)),
            authenticator: Arc::new(authenticator(&settings, &ambient)),
            cookies: Arc::new(CookieSessions::new(ambient.clone())),
            tenant_rates: Arc::new(tenant_rates(&settings, &ambient)),
            access: Arc::new(access(&settings)),
            ambient: ambient.clone(),
            meters,
            directory: Arc::default(),
            spellings: Arc::default(),
            pushed: Budget::of(settings.send_queue_total_bytes),
            inbound: Budget::of(settings.send_queue_total_bytes),
        };

        let mut server = Server::build()
            .workers(settings.workers)
            .max_concurrent_connections(UNREACHED)
            .shutdown_timeout(settings.shutdown_timeout.as_secs())
            .disable_signals();
        let stopping = server.graceful_shutdown_signal();
        let places = Connections::up_to(requests);
        // Longer than any answer is rightly held back.
        let patience = KEEP_ALIVE + settings.ping_interval + settings.ping_timeout;
        for listener in listeners {
            let (stopping, places) = (stopping.clone(), Arc::clone(&places));
            let (crew, shared, parts) = (Arc::clone(&crew), Arc::clone(&shared), parts.clone());
            server = server.listen("http", listener, move || {
                // Called once per listener and worker, on the worker's thread.
                let state = State { shared: Arc::clone(&shared), services: parts.services(&crew) };
                let app = || {
                    let app =
                        actix_web::App::new().wrap(http::cors(&state.shared)).configure(http::routes(&state));
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
            arbiter,
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
            // Closes the listeners; requests under way are answered.
            self.server.stop(true).await;
        };
        tokio::select! {
            () = goodbye => {}
            () = self.ambient.clock.sleep_until(deadline) => {
                // A graceful stop under way hears no second command: it would be waited for.
                warn!("not everything has ended within the shutdown timeout");
                return Ok(());
            }
        }
        (&mut self.ended).await.unwrap_or(Ok(()))
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
        self.arbiter.stop();
    }
}

/// What every worker makes its services of.
#[derive(Clone)]
struct Parts {
    settings: Arc<SessionSettings>,
    authenticator: Arc<Authenticator>,
    cookies: Arc<CookieSessions>,
    tenant_rates: Arc<HashMap<Id, SharedRate>>,
    access: Arc<Access>,
    ambient: Ambient,
    meters: Arc<Meters>,
    directory: Arc<Directory>,
    spellings: Arc<Spellings>,
    pushed: Arc<Budget<SocketKey>>,
    inbound: Arc<Budget<SocketKey>>,
}

impl Parts {
    fn services(&self, crew: &Crew) -> Rc<Services> {
        Rc::new(Services {
            settings: Arc::clone(&self.settings),
            authenticator: Arc::clone(&self.authenticator),
            cookies: Arc::clone(&self.cookies),
            tenant_rates: Arc::clone(&self.tenant_rates),
            access: Arc::clone(&self.access),
            ambient: self.ambient.clone(),
            meters: Arc::clone(&self.meters),
            inbound: Arc::clone(&self.inbound),
            directory: Arc::clone(&self.directory),
            spellings: Arc::clone(&self.spellings),
            pushed: Arc::clone(&self.pushed),
            worker: crew.worker_here(),
        })
    }
}

fn maintenance(ambient: &Ambient) -> Publication {
    let now = ambient.clock.wall();
    let data = Maintenance { message: "The service restarts; please reconnect", timestamp: now };
    Publication::of_server("system:maintenance", &data, now)
}

fn book_limits(settings: &Settings) -> BookLimits {
    BookLimits {
        room_size: settings.room_max_size,
        rooms_per_connection: settings.max_rooms_per_connection,
        with_organization: settings.max_connections_total,
        per_organization: settings.max_connections_per_org,
    }
}

fn compression(settings: &Settings) -> Compression {
    Compression {
        from: settings.compression_enabled.then_some(settings.compression_threshold_bytes),
        except: settings.compression_exclude_rooms.clone(),
    }
}

fn session_settings(settings: &Settings) -> SessionSettings {
    SessionSettings {
        ping_interval: settings.ping_interval,
        ping_timeout: settings.ping_timeout,
        upgrade_timeout: settings.upgrade_timeout,
        connect_timeout: settings.connect_timeout,
        soft_message_bytes: settings.max_message_size_bytes,
        hard_message_bytes: settings.hard_max_message_bytes,
        attachments: settings.max_attachments,
        messages_per_second: settings.rate_limit_messages_per_second,
        auth_timeout: settings.auth_required.then_some(settings.auth_timeout),
        has_envelopes: settings.intraday_message_envelope,
        log_connections: settings.log_connection_events,
        log_subscriptions: settings.log_subscription_events,
        log_messages: settings.log_all_messages,
    }
}

fn authenticator(settings: &Settings, ambient: &Ambient) -> Authenticator {
    let secrets = settings.jwt_secrets.iter().map(|secret| secret.expose().as_bytes());
    Authenticator {
        tokens: Tokens::new(secrets, Arc::clone(&ambient.clock)),
        tenants: Tenants::from_records(&settings.tenants),
        requires_token: settings.require_jwt,
        is_required: settings.auth_required,
    }
}

fn tenant_rates(settings: &Settings, ambient: &Ambient) -> HashMap<Id, SharedRate> {
    let limited = settings.tenants.iter().filter_map(|tenant| Some((tenant, tenant.messages_per_second?)));
    let rate = |(tenant, rate): (&TenantRecord, _)| {
        Some((Id::parse(&tenant.id)?, SharedRate::new(rate, &ambient.clock)))
    };
    limited.filter_map(rate).collect()
}

fn access(settings: &Settings) -> Access {
    Access {
        public_rooms: settings.public_rooms.clone(),
        admin_room_is_open: settings.admin_room_join == AdminRoomJoin::Authenticated,
    }
}

fn shared(settings: &Settings, addresses: &[SocketAddr], ambient: &Ambient) -> Shared {
    let rate = settings.connection_rate_per_ip.map(|rate| (rate.per_second, rate.burst));
    Shared {
        admin: AdminRule {
            key: settings.admin_api_key.as_ref().map(|key| key.expose().as_bytes().to_vec()),
            required: settings.admin_needs_credentials(),
        },
        secure_cookies: settings.environment == Environment::Production,
        connections: Connections::up_to(settings.max_connections),
        surplus: Connections::up_to(SURPLUS),
        compress_from: compression(settings).from,
        addresses: AddressRate::new(rate, &ambient.clock),
        origins: settings.cors_origins.clone(),
        ports: addresses.iter().map(SocketAddr::port).collect(),
        started: ambient.clock.now(),
        allow_query_tenant_key: settings.allow_query_tenant_key,
        client_defaults: settings.into(),
        log_broadcasts: settings.log_broadcast_events,
        is_stopping: AtomicBool::new(false),
    }
}
