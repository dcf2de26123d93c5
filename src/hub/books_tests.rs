use super::*;
use crate::domain::identity::Trust;
use crate::events::publication::{OrganizationTarget, Target};
use crate::hub::audience::{Primary, Resolved};
use crate::hub::outboxes::WorkerId;

pub const NOW: Timestamp = Timestamp::from_millis(0);
pub const LIMITS: BookLimits =
    BookLimits { room_size: 2, rooms_per_connection: 3, with_organization: 10, per_organization: 2 };

pub fn key(slot: u32) -> SocketKey {
    SocketKey { worker: (slot % 2) as WorkerId, slot, generation: 0 }
}

pub fn id(text: &str) -> Id {
    Id::parse(text).unwrap()
}

pub fn room(name: &str) -> Room {
    Room::parse(name).unwrap()
}

pub fn user(name: &str, organization: Option<&str>) -> Arc<Identity> {
    let mut who = (*Identity::anonymous()).clone();
    who.trust = Trust::Verified;
    who.user = Some(id(name));
    who.organization = organization.map(id);
    Arc::new(who)
}

/// Books with these identities attached, socket ids `s0`, `s1`, ...
pub fn books(who: &[Arc<Identity>]) -> Books {
    let mut books = Books::new(LIMITS);
    for (slot, identity) in who.iter().enumerate() {
        books.attach(newcomer(slot as u32, identity), NOW).unwrap();
    }
    books
}

/// A plain socket, whose connection is its own.
pub fn newcomer(slot: u32, identity: &Arc<Identity>) -> Newcomer {
    let (key, id) = (key(slot), id(&format!("s{slot}")));
    Newcomer { key, connection: key, id, identity: Arc::clone(identity), profile: Profile::Plain }
}

/// The slots that `target` reaches, by walking the books as a hub walks its roster.
pub fn reached(books: &Books, target: &Target) -> Vec<u32> {
    let Resolved { audience, .. } = books.resolve(target);
    let mut roster = super::super::roster::Roster::default();
    for (key, socket) in &books.sockets {
        roster.seat(*key, key.slot);
        roster.join(*key, EVERYONE);
        for room in &socket.rooms {
            roster.join(*key, room.group);
        }
        if let Some(organization) = &socket.identity.organization {
            roster.join(*key, books.organizations.group(organization).unwrap());
        }
    }
    let mut slots = Vec::new();
    match &audience.primary {
        Primary::Sockets(keys) => {
            let members = keys.iter().filter_map(|key| roster.member(*key));
            slots.extend(members.filter(|m| audience.admits(m)).map(|m| *m.holds));
        }
        Primary::Groups(groups) => {
            for (group, _) in groups {
                for index in 0..roster.size(*group) {
                    let met = roster.meet(*group, index, 1);
                    slots.extend(met.filter(|m| audience.admits(m)).map(|m| *m.holds));
                }
            }
        }
    }
    slots.sort_unstable();
    slots
}

#[test]
fn a_verified_socket_is_in_its_own_rooms_from_the_start() {
    let mut books = books(&[user("u1", Some("o")), Identity::anonymous()]);
    assert_eq!(books.own_rooms(key(0)), ["global", "org:o", "user:u1"]);
    assert!(books.own_rooms(key(1)).is_empty());
    books.identify(key(1), user("u2", None), &|_| true, NOW).unwrap();
    assert_eq!(books.own_rooms(key(1)), ["global", "user:u2"]);
}

#[test]
fn a_full_room_takes_nobody_until_one_leaves() {
    let mut books = books(&[Identity::anonymous(), Identity::anonymous(), Identity::anonymous()]);
    let lobby = room("public:lobby");
    books.join(key(0), &lobby, NOW).unwrap();
    books.join(key(1), &lobby, NOW).unwrap();
    assert_eq!(books.join(key(1), &lobby, NOW).unwrap(), Change::default());
    assert_eq!(books.join(key(2), &lobby, NOW).unwrap_err().code, ErrorCode::RoomFull);
    books.leave(key(0), &lobby).unwrap();
    books.join(key(2), &lobby, NOW).unwrap();
}

#[test]
fn rooms_of_identity_never_fill_up() {
    let books = books(&[user("u", None), user("u", None), user("u", None), user("u", None)]);
    assert_eq!(reached(&books, &Target::room(Room::global())).len(), 4);
}

#[test]
fn a_socket_joins_a_bounded_number_of_rooms() {
    let mut books = books(&[user("u", None)]);
    for name in ["a", "b", "c"] {
        books.join(key(0), &room(name), NOW).unwrap();
    }
    assert_eq!(books.join(key(0), &room("d"), NOW).unwrap_err().code, ErrorCode::SubscriptionFailed);
    books.leave(key(0), &room("a")).unwrap();
    books.join(key(0), &room("d"), NOW).unwrap();
    assert_eq!(books.leave(key(0), &room("a")).unwrap_err().code, ErrorCode::RoomNotFound);
}

#[test]
fn a_full_organization_changes_nothing() {
    let mut books = books(&[user("a", Some("o")), user("b", Some("o")), user("c", None)]);
    let refused = books.identify(key(2), user("c", Some("o")), &|_| true, NOW).unwrap_err();
    assert_eq!(refused.code, ErrorCode::ConnectionLimit);
    assert_eq!(books.own_rooms(key(2)), ["global", "user:c"]);
    books.detach(key(0));
    books.identify(key(2), user("c", Some("o")), &|_| true, NOW).unwrap();
}

#[test]
fn one_name_in_two_organizations_is_two_rooms_for_clients_and_one_for_admins() {
    let mut books = books(&[user("a", Some("A")), user("b", Some("B"))]);
    books.join(key(0), &room("r"), NOW).unwrap();
    books.join(key(1), &room("r"), NOW).unwrap();
    assert_eq!(books.census().rooms.iter().filter(|count| count.room.name() == "r").count(), 2);
    assert_eq!(reached(&books, &Target::room(room("r"))), [0, 1]);
    let of_a = Target {
        room: Some(room("r")),
        organization: Some(OrganizationTarget::Members(id("A"))),
        ..Target::default()
    };
    assert_eq!(reached(&books, &of_a), [0]);
}

#[test]
fn a_room_joined_before_signing_in_is_kept_in_the_new_scope() {
    let mut books = books(&[Identity::anonymous()]);
    books.join(key(0), &room("public:lobby"), NOW).unwrap();
    books.identify(key(0), user("a", Some("A")), &|_| true, NOW).unwrap();
    assert_eq!(books.own_rooms(key(0)), ["global", "org:A", "public:lobby", "user:a"]);
    let lobby = books.census().rooms.into_iter().find(|count| count.room.name() == "public:lobby");
    assert_eq!(lobby.unwrap().organization, Some(id("A")));
}

#[test]
fn a_new_identity_leaves_the_rooms_it_may_not_be_in() {
    let mut books = books(&[user("a", None)]);
    for name in ["admin:broadcast", "secret", "open"] {
        books.join(key(0), &room(name), NOW).unwrap();
    }
    books.identify(key(0), user("a", None), &|room| room.name() == "open", NOW).unwrap();
    assert_eq!(books.own_rooms(key(0)), ["global", "open", "user:a"]);
    assert!(reached(&books, &Target::room(room("secret"))).is_empty());
}

#[test]
fn every_field_of_a_target_must_hold_and_within_a_list_any() {
    let mut books =
        books(&[user("u1", Some("A")), user("u1", Some("B")), user("u2", Some("A")), user("u3", None)]);
    books.join(key(0), &room("r"), NOW).unwrap();
    books.join(key(3), &room("r"), NOW).unwrap();
    let members = |org: &str| Some(OrganizationTarget::Members(id(org)));
    let users = |names: &[&str]| Some(names.iter().map(|name| id(name)).collect());
    let table: Vec<(Target, &[u32])> = vec![
        (Target::everyone(), &[0, 1, 2, 3]),
        (Target { users: users(&["u1"]), ..Target::default() }, &[0, 1]),
        (Target { users: users(&["u1", "u2", "nobody"]), ..Target::default() }, &[0, 1, 2]),
        (Target { users: users(&["u1"]), organization: members("A"), ..Target::default() }, &[0]),
        (Target { organization: members("A"), ..Target::default() }, &[0, 2]),
        (Target { organization: members("nowhere"), ..Target::default() }, &[]),
        (Target { room: Some(room("r")), users: users(&["u3"]), ..Target::default() }, &[3]),
        (Target { sockets: users(&["s1", "s3", "s3", "s9"]), ..Target::default() }, &[1, 3]),
        (Target { sockets: users(&["s1", "s2"]), users: users(&["u1"]), ..Target::default() }, &[1]),
        (Target::room(room("s3")), &[3]),
        (Target { sockets: users(&[]), ..Target::default() }, &[]),
        (Target { tenant: Some(id("demo1")), ..Target::default() }, &[]),
    ];
    for (target, expected) in table {
        assert_eq!(reached(&books, &target), expected, "{target:?}");
    }
}

#[test]
fn a_target_names_the_workers_that_have_some_of_it() {
    let mut books = books(&[user("a", None), user("b", None), user("c", None)]);
    books.join(key(2), &room("r"), NOW).unwrap();
    assert_eq!(books.resolve(&Target::room(room("r"))).workers, [0]);
    assert_eq!(books.resolve(&Target::everyone()).workers, [0, 1]);
    assert!(books.resolve(&Target::room(room("empty"))).workers.is_empty());
}

#[test]
fn after_the_last_one_left_the_books_are_empty() {
    let mut books = books(&[user("a", Some("A")), user("b", None), Identity::anonymous()]);
    for slot in 0..3 {
        books.join(key(slot), &room("public:lobby"), NOW).ok();
    }
    for slot in 0..3 {
        assert!(books.detach(key(slot)).is_some());
        assert!(books.detach(key(slot)).is_none());
    }
    assert!(books.sockets.is_empty() && books.by_id.is_empty() && books.rooms.is_empty());
    assert!(books.tenants.is_empty() && books.organizations.is_empty());
    assert_eq!(books.groups.in_use(), 1, "everyone");
    assert_eq!(books.groups.size(EVERYONE), 0);
}
