//! The whole HTTP surface: what is mounted, and one route table, grouped by who calls.
//!
//! Handlers translate between HTTP and the rest: they read a request, ask an actor, and write JSON.
//! What a request means is decided further down; how a refusal looks is decided in [`error`].

pub mod aside;
mod audit;
pub mod body;
pub mod broadcast;
pub mod broadcasts;
pub mod caller;
pub mod config_view;
pub mod connections;
pub mod engine;
pub mod error;
pub mod gate;
mod gzip;
pub mod leads;
pub mod pages;
pub mod poll;
mod push;
pub mod record;
pub mod sign_in;
pub mod sockets;
pub mod stats;
pub mod status;
pub mod unheard;
pub mod updates;
pub mod upgrade;

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_cors::Cors;
use actix_web::guard;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::{self, PayloadConfig, ServiceConfig};
use actix_web::{HttpRequest, Resource, Route};

use crate::auth::admin::AdminRule;
use crate::domain::time::{Moment, Timestamp};
use crate::limits::connections::Connections;
use crate::limits::rate::AddressRate;
use crate::proto::engineio::Origin;
use crate::session::Services;
use crate::session::mount::Mounts;

/// What the handlers of all workers share.
pub struct Shared {
    pub admin: AdminRule,
    /// Whether cookies are kept off unencrypted connections.
    pub secure_cookies: bool,
    pub connections: Arc<Connections>,
    /// Those beyond, who are only to be told (contract D-14).
    pub surplus: Arc<Connections>,
    /// Answers to polls are compressed from this size; `None` if never.
    pub compress_from: Option<usize>,
    pub addresses: AddressRate,
    /// Origins that may call besides the server's own (contract X-32).
    pub origins: Vec<String>,
    /// The ports of all listeners.
    pub ports: Vec<u16>,
    pub started: Moment,
    /// Whether `?tenant_key=` counts (contract X-20).
    pub allow_query_tenant_key: bool,
    pub client_defaults: config_view::ClientDefaults,
    pub log_broadcasts: bool,
    /// Set once the server has begun to stop.
    pub is_stopping: AtomicBool,
}

/// What the handlers of one worker share.
#[derive(Clone)]
pub struct State {
    pub shared: Arc<Shared>,
    pub services: Rc<Services>,
}

impl State {
    pub fn now(&self) -> Timestamp {
        self.services.ambient.clock.wall()
    }

    pub fn uptime_seconds(&self) -> u64 {
        self.services.ambient.clock.now().since(self.shared.started).as_secs()
    }

    pub fn is_stopping(&self) -> bool {
        self.shared.is_stopping.load(Ordering::Acquire)
    }
}

/// Every route.
#[derive(Clone)]
pub struct Routes {
    /// Those of the clients, the product's and any other.
    pub mounts: Arc<Mounts>,
    /// Whether there are those of the product for everybody else.
    pub is_product: bool,
}

impl Routes {
    pub fn of(&self, state: &State) -> impl FnOnce(&mut ServiceConfig) + use<> {
        let (Routes { mounts, is_product }, state) = (self.clone(), state.clone());
        move |config| {
            config.app_data(state).app_data(PayloadConfig::new(body::MAX_BODY));
            clients(config, &mounts);
            if is_product {
                config.configure(product);
            }
            config.default_service(web::to(error::not_found));
        }
    }
}

/// Where clients connect.
fn clients(config: &mut ServiceConfig, mounts: &Mounts) {
    for door in mounts.doors() {
        for path in door.spellings() {
            let door = Arc::clone(door);
            let enter =
                move |request, payload, state| engine::enter(request, payload, state, Arc::clone(&door));
            config.route(&path, web::to(enter));
        }
    }
}

/// The routes of the product, grouped by who calls.
fn product(config: &mut ServiceConfig) {
    config
        // Tenants.
        .service(
            only("/leads", "GET, HEAD, POST")
                .route(read().to(leads::list))
                .route(web::post().to(leads::create)),
        )
        .service(only("/leads/{id}", "PATCH").route(web::patch().to(leads::change)))
        // Browsers of clients.
        .service(
            only("/auth/session", "POST, DELETE")
                .route(web::post().to(sign_in::open))
                .route(web::delete().to(sign_in::close)),
        )
        // Anyone.
        .service(only("/health", READ).route(read().to(status::health)))
        .service(only("/api/ws/health", READ).route(read().to(status::ws_health)))
        .service(only("/api/ws/config", READ).route(read().to(config_view::get)))
        .configure(pages::routes)
        // Admins.
        .service(only("/api/ws/broadcast", "POST").route(web::post().to(broadcast::post)))
        .service(
            only("/api/ws/broadcast/{shortcut:kpi|backlog|attendance|alert}", "POST")
                .route(web::post().to(updates::post)),
        )
        .service(only("/api/ws/broadcasts/{message_id}", READ).route(read().to(broadcasts::get)))
        .service(only("/api/ws/status", READ).route(read().to(status::ws_status)))
        .service(only("/api/ws/rooms", READ).route(read().to(status::ws_rooms)))
        .service(
            only("/api/ws/connections/{id}", "GET, HEAD, DELETE")
                .route(read().to(connections::one))
                .route(web::delete().to(connections::dismiss)),
        )
        .service(only("/api/ws/stats", READ).route(read().to(stats::ws_stats)))
        .service(only("/api/v1/websocket/stats", READ).route(read().to(stats::websocket_stats)))
        .service(only("/api/ws/connections", READ).route(read().to(connections::list)));
}

/// The first parts of the product's paths, all of which are its own: a route of a later version must
/// not take the place of a program's.
const OWN: &[&str] = &["", "api", "auth", "health", "leads", "metrics", "static"];

/// Whether a path is the product's, so that nothing may be mounted there.
pub fn is_own(path: &str) -> bool {
    let first = path.split('/').nth(1).unwrap_or_default();
    OWN.contains(&first)
}

/// The methods of a path that is read.
const READ: &str = "GET, HEAD";

/// A route for [`READ`]; the framework leaves the content out of an answer to HEAD.
fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// A resource that answers any method but `allowed` with JSON too.
fn only(path: &str, allowed: &'static str) -> Resource {
    let other = move |request: HttpRequest| async move { error::method_not_allowed(&request, allowed) };
    web::resource(path.to_owned()).default_service(web::to(other))
}

/// Which pages may read answers across origins: those that [`caller::check_origin`] lets call (contract
/// To call and not to be allowed to read would be a riddle.
pub fn cors(shared: &Arc<Shared>) -> Cors {
    let shared = Arc::clone(shared);
    let judge = move |headers: &HeaderMap| caller::judge_origin(headers, &shared.origins, &shared.ports);
    Cors::default()
        // The head rather than the one value: of two Origin headers, both count.
        .allowed_origin_fn(move |_, head| judge(head.headers()) == Origin::Accepted)
        .allowed_methods(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
        .allowed_headers([header::CONTENT_TYPE, header::AUTHORIZATION])
        .allowed_headers(["x-tenant-key", "x-auth-token", "x-admin-key"])
        .supports_credentials()
        .block_on_origin_mismatch(false)
        .max_age(3600)
}
