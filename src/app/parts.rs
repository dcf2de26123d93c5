//! What a gateway is put together of, each part made of the settings.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::{fs, io};

use actix::{Actor, Addr, ArbiterHandle};

use super::SURPLUS;
use crate::auth::access::Access;
use crate::auth::admin::AdminRule;
use crate::auth::authenticator::Authenticator;
use crate::auth::cookies::CookieSessions;
use crate::auth::tenants::Tenants;
use crate::auth::token::Tokens;
use crate::config::{AdminRoomJoin, Environment, Settings, TenantRecord};
use crate::dialect::spelling::Spellings;
use crate::domain::Ambient;
use crate::domain::id::Id;
use crate::http::Shared;
use crate::hub::books::BookLimits;
use crate::hub::compression::Compression;
use crate::hub::outboxes::SocketKey;
use crate::hub::room_server::RoomServer;
use crate::hub::worker::Crew;
use crate::limits::budget::Budget;
use crate::limits::connections::Connections;
use crate::limits::rate::{AddressRate, SharedRate};
use crate::session::{Services, Voice};
use crate::store::{self, AuditQueue, Store};
use crate::telemetry::Meters;
use crate::voice::command;
use crate::voice::confirm::Confirmations;
use crate::voice::executor::VoiceCommandExecutor;
use crate::voice::grammar::Grammar;
use crate::voice::workshop::Workshop;

/// What every worker makes its services of.
#[derive(Clone)]
pub struct Parts {
    authenticator: Arc<Authenticator>,
    cookies: Arc<CookieSessions>,
    tenant_rates: Arc<HashMap<Id, SharedRate>>,
    access: Arc<Access>,
    pub ambient: Ambient,
    pub meters: Arc<Meters>,
    spellings: Arc<Spellings>,
    pushed: Arc<Budget<SocketKey>>,
    inbound: Arc<Budget<SocketKey>>,
    voice: Option<Voice>,
}

impl Parts {
    pub fn of(settings: &Settings, ambient: &Ambient, meters: Arc<Meters>, voice: Option<Voice>) -> Parts {
        Parts {
            authenticator: Arc::new(authenticator(settings, ambient)),
            cookies: Arc::new(CookieSessions::new(ambient.clone())),
            tenant_rates: Arc::new(tenant_rates(settings, ambient)),
            access: Arc::new(access(settings)),
            ambient: ambient.clone(),
            meters,
            spellings: Arc::default(),
            pushed: Budget::of(settings.send_queue_total_bytes),
            inbound: Budget::of(settings.send_queue_total_bytes),
            voice,
        }
    }

    pub fn services(&self, crew: &Crew) -> Rc<Services> {
        Rc::new(Services {
            authenticator: Arc::clone(&self.authenticator),
            cookies: Arc::clone(&self.cookies),
            tenant_rates: Arc::clone(&self.tenant_rates),
            access: Arc::clone(&self.access),
            ambient: self.ambient.clone(),
            meters: Arc::clone(&self.meters),
            inbound: Arc::clone(&self.inbound),
            spellings: Arc::clone(&self.spellings),
            pushed: Arc::clone(&self.pushed),
            worker: crew.worker_here(),
            voice: self.voice.clone(),
        })
    }
}

/// Opens the store of these settings.
///
/// # Errors
/// What is wrong with it, and where it is.
pub fn open_store(settings: &Settings, ambient: &Ambient) -> io::Result<Arc<dyn Store>> {
    store::sqlite::open(settings, &*ambient.random, ambient.clock.wall()).map_err(|error| {
        let place = settings.data_dir.display();
        io::Error::other(format!("the store in {place} (DATA_DIR) cannot be opened: {error}"))
    })
}

/// Starts the executor of voice commands.
///
/// # Errors
/// `CONFIRM_COMMANDS` names what is no command: nothing would ever be confirmed. `PHRASES_FILE` cannot be
/// read, or is none.
pub fn start_voice(
    settings: &Settings,
    ambient: &Ambient,
    (store, meters): (Arc<dyn Store>, &Arc<Meters>),
    (rooms, thread): (&Addr<RoomServer>, &ArbiterHandle),
) -> io::Result<Voice> {
    let confirm = settings.confirm_commands.clone();
    if let Some(name) = confirm.iter().find(|name| command::find(name).is_none()) {
        return Err(io::Error::other(format!("CONFIRM_COMMANDS names `{name}`, which is no command")));
    }
    let grammar = match &settings.phrases_file {
        Some(path) => read_phrases(path)?,
        None => Grammar::default(),
    };
    let workshop = Arc::new(Workshop {
        store: Arc::clone(&store),
        publisher: Arc::new(rooms.clone()),
        ambient: ambient.clone(),
        meters: Arc::clone(meters),
        confirmations: Mutex::new(Confirmations::of(confirm)),
        crashes: cfg!(debug_assertions).then(|| settings.data_dir.join("crash-at")),
    });
    let (in_flight, deadline) = (settings.commands_in_flight, settings.command_deadline);
    let executor = VoiceCommandExecutor::start_in_arbiter(thread, move |_| {
        VoiceCommandExecutor::new(workshop, in_flight, deadline)
    });
    let audit = Arc::new(AuditQueue::start(Arc::clone(&store))?);
    let (publisher, grammar) = (Arc::new(rooms.clone()), Arc::new(grammar));
    Ok(Voice { executor, store, audit, publisher, grammar, turns: Arc::default() })
}

fn read_phrases(path: &Path) -> io::Result<Grammar> {
    let named = |problem: String| io::Error::other(format!("PHRASES_FILE {}: {problem}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
    Grammar::parse(&text).map_err(|error| named(error.to_string()))
}

pub fn compression(settings: &Settings) -> Compression {
    Compression {
        from: settings.compression_enabled.then_some(settings.compression_threshold_bytes),
        except: settings.compression_exclude_rooms.clone(),
    }
}

pub fn book_limits(settings: &Settings) -> BookLimits {
    BookLimits {
        room_size: settings.room_max_size,
        rooms_per_connection: settings.max_rooms_per_connection,
        with_organization: settings.max_connections_total,
        per_organization: settings.max_connections_per_org,
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

pub fn shared(settings: &Settings, addresses: &[SocketAddr], ambient: &Ambient) -> Shared {
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
