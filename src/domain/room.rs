//! The grammar of room names: which kinds of room there are, and which names are none.
//!
//! One table, `PREFIXES`, decides what a name means; who may join which kind is not decided
//! here but in `auth::access`. Every key of the server's maps is a [`RoomKey`], a name *in a
//! scope*, so that two organizations that use the same name never meet (contract X-17).

use std::fmt;
use std::sync::Arc;

use super::channel::{Channel, Scope};
use super::id::Id;
use super::identity::Identity;

/// Longest room name, in characters (contract section 9).
pub const MAX_LENGTH: usize = 128;

/// What kind of room a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Global,
    Tenant,
    User,
    Project,
    Agent,
    Dashboard,
    Voice,
    Clips,
    Admin,
    Public,
    Org,
    /// `{channel}:org:{org}[:dept:{dept}][:queue:{queue}]`, by its deepest level.
    Channel(Level),
    /// Any name without a reserved prefix.
    Free,
    /// A reserved prefix with nothing known behind it.
    Unknown,
}

/// The deepest level a channel room names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    Org,
    Dept,
    Queue,
}

/// What must stand behind a reserved prefix.
enum Rest {
    Nothing,
    Exactly(&'static str),
    AnId,
    OrgPath,
}

/// Every reserved prefix (contract section 9), what follows it, and the kind that makes.
const PREFIXES: &[(&str, Rest, Kind)] = &[
    ("global", Rest::Nothing, Kind::Global),
    ("tenant:", Rest::AnId, Kind::Tenant),
    ("user:", Rest::AnId, Kind::User),
    ("project:", Rest::AnId, Kind::Project),
    ("agent:", Rest::AnId, Kind::Agent),
    ("dashboard:", Rest::Exactly("overview"), Kind::Dashboard),
    ("voice:", Rest::Exactly("training"), Kind::Voice),
    ("clips:", Rest::Exactly("analytics"), Kind::Clips),
    ("admin:", Rest::Exactly("broadcast"), Kind::Admin),
    ("public:", Rest::AnId, Kind::Public),
    ("org:", Rest::AnId, Kind::Org),
    ("kpi:", Rest::OrgPath, Kind::Channel(Level::Org)),
    ("backlog:", Rest::OrgPath, Kind::Channel(Level::Org)),
    ("attendance:", Rest::OrgPath, Kind::Channel(Level::Org)),
    ("alerts:", Rest::OrgPath, Kind::Channel(Level::Org)),
    ("notifications:", Rest::OrgPath, Kind::Channel(Level::Org)),
    ("all:", Rest::OrgPath, Kind::Channel(Level::Org)),
];

/// A well-formed room name together with its kind. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Room {
    name: Arc<str>,
    kind: Kind,
}

impl Room {
    /// `None` if `name` cannot name any room: empty, over [`MAX_LENGTH`], or with a control
    /// character in it.
    pub fn parse(name: &str) -> Option<Room> {
        let length = name.chars().take(MAX_LENGTH + 1).count();
        if length == 0 || length > MAX_LENGTH || name.chars().any(char::is_control) {
            return None;
        }
        Some(Room { name: name.into(), kind: kind_of(name) })
    }

    pub fn global() -> Room {
        Room { name: "global".into(), kind: Kind::Global }
    }

    pub fn user(id: &Id) -> Room {
        Room { name: format!("user:{id}").into(), kind: Kind::User }
    }

    pub fn org(id: &Id) -> Room {
        Room { name: format!("org:{id}").into(), kind: Kind::Org }
    }

    pub fn tenant(id: &Id) -> Room {
        Room { name: format!("tenant:{id}").into(), kind: Kind::Tenant }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The channel and the scope it stands for, if it is a channel's room.
    pub fn channel(&self) -> Option<(Channel, Scope)> {
        let Kind::Channel(_) = self.kind else { return None };
        let (channel, path) = self.name.split_once(':')?;
        Some((Channel::find(channel)?, Scope::parse(path)?))
    }

    pub fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What stands behind the first `:`, or the whole name where there is none.
    pub fn id(&self) -> &str {
        self.name.split_once(':').map_or(&*self.name, |(_, id)| id)
    }

    /// The word `GET /api/ws/rooms` files the room under (contract I-090).
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Global => "global",
            Kind::Tenant => "tenant",
            Kind::User => "user",
            Kind::Project => "project",
            Kind::Agent => "agent",
            Kind::Dashboard => "dashboard",
            Kind::Voice => "voice",
            Kind::Clips => "clips",
            Kind::Admin => "admin",
            Kind::Public => "public",
            Kind::Org | Kind::Channel(Level::Org) => "org",
            Kind::Channel(Level::Dept) => "dept",
            Kind::Channel(Level::Queue) => "queue",
            Kind::Free | Kind::Unknown => "other",
        }
    }

    /// Whether joins count against the room's size limit (contract section 9, X-11): rooms that
    /// are joined by being who one is never fill up.
    pub fn is_size_limited(&self) -> bool {
        !matches!(self.kind, Kind::Global | Kind::Tenant | Kind::User | Kind::Org)
    }

    /// Whether one is in there by being who one is, and leaves with that alone.
    pub fn is_of_identity(&self) -> bool {
        matches!(self.kind, Kind::Tenant | Kind::User | Kind::Org)
    }

    /// Whether its members see each other come and go: where clients may speak (contract section 9).
    pub fn has_presence(&self) -> bool {
        matches!(self.kind, Kind::Free | Kind::Public)
    }

    /// Whether the name means another room in every organization. `global` is one for all, and
    /// tenant, org and channel rooms carry their owner in the name.
    fn is_scoped(&self) -> bool {
        !matches!(self.kind, Kind::Global | Kind::Tenant | Kind::Org | Kind::Channel(_))
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self.name)
    }
}

/// A room as the server's maps name it: no two organizations share a scoped room.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RoomKey {
    pub room: Room,
    /// The organization whose room it is; `None` is the space shared by those without one.
    pub organization: Option<Id>,
}

impl RoomKey {
    /// The room that `who` means by this name.
    pub fn seen_by(who: &Identity, room: &Room) -> RoomKey {
        let organization = who.proven_organization().filter(|_| room.is_scoped()).cloned();
        RoomKey { room: room.clone(), organization }
    }
}

fn kind_of(name: &str) -> Kind {
    let Some((prefix, rest, kind)) =
        PREFIXES.iter().find(|(prefix, rest, _)| is_prefixed(name, prefix, rest))
    else {
        return Kind::Free;
    };
    let tail = &name[prefix.len()..];
    match rest {
        Rest::Nothing => *kind,
        Rest::Exactly(word) if tail == *word => *kind,
        Rest::AnId if Id::parse(tail).is_some() => *kind,
        Rest::OrgPath => org_path(tail).map_or(Kind::Unknown, Kind::Channel),
        Rest::Exactly(_) | Rest::AnId => Kind::Unknown,
    }
}

/// `global` is reserved as a whole name, the others by their prefix.
fn is_prefixed(name: &str, prefix: &str, rest: &Rest) -> bool {
    match rest {
        Rest::Nothing => name == prefix,
        _ => name.starts_with(prefix),
    }
}

/// The deepest level of a channel room's scope.
fn org_path(path: &str) -> Option<Level> {
    let scope = Scope::parse(path)?;
    Some(match (scope.department, scope.queue) {
        (_, Some(_)) => Level::Queue,
        (Some(_), None) => Level::Dept,
        (None, None) => Level::Org,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::identity::Trust;

    #[test]
    fn every_documented_pattern_has_its_kind() {
        let table = [
            ("global", Kind::Global),
            ("tenant:demo1", Kind::Tenant),
            ("user:u1", Kind::User),
            ("project:123", Kind::Project),
            ("agent:agent-123", Kind::Agent),
            ("dashboard:overview", Kind::Dashboard),
            ("voice:training", Kind::Voice),
            ("clips:analytics", Kind::Clips),
            ("admin:broadcast", Kind::Admin),
            ("public:lobby", Kind::Public),
            ("org:org_123", Kind::Org),
            ("kpi:org:org_123", Kind::Channel(Level::Org)),
            ("kpi:org:org_123:dept:dept_456", Kind::Channel(Level::Dept)),
            ("kpi:org:o:dept:d:queue:support", Kind::Channel(Level::Queue)),
            ("all:org:o:queue:support", Kind::Channel(Level::Queue)),
            ("blueprint-123", Kind::Free),
            ("globally", Kind::Free),
            ("Zimmer 7 äöü", Kind::Free),
        ];
        for (name, kind) in table {
            assert_eq!(Room::parse(name).unwrap().kind(), kind, "{name}");
        }
    }

    #[test]
    fn a_reserved_prefix_with_nonsense_behind_it_is_unknown() {
        for name in [
            "user:",
            "user:../etc",
            "dashboard:other",
            "admin:x",
            "kpi:org_123",
            "kpi:org:a:dept:b:dept:c",
            "kpi:org:a:queue:q:dept:d",
            "kpi:org:",
            "kpi:org:a:org:b",
        ] {
            assert_eq!(Room::parse(name).unwrap().kind(), Kind::Unknown, "{name}");
        }
    }

    #[test]
    fn names_that_are_none() {
        for name in ["", "a\u{0}b", "line\nbreak", &"x".repeat(129), &"ü".repeat(129)] {
            assert!(Room::parse(name).is_none(), "{name:?}");
        }
        assert!(Room::parse(&"ü".repeat(128)).is_some());
    }

    #[test]
    fn one_name_is_another_room_in_another_organization() {
        let identity = |org: &str| {
            let mut who = (*Identity::anonymous()).clone();
            (who.trust, who.organization) = (Trust::Verified, Id::parse(org));
            who
        };
        let room = Room::parse("blueprint-123").unwrap();
        let (a, b) = (identity("A"), identity("B"));
        assert_ne!(RoomKey::seen_by(&a, &room), RoomKey::seen_by(&b, &room));
        let global = Room::global();
        assert_eq!(RoomKey::seen_by(&a, &global), RoomKey::seen_by(&b, &global));
    }
}
