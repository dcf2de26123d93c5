//! What sockets join and leave by request, in the books' own words.

use std::sync::Arc;

use super::*;
use crate::domain::alert::{Alert, AlertFilter, Severity};
use crate::domain::channel::{Channel, Scope};
use crate::domain::error::ErrorCode;
use crate::domain::identity::{Identity, Trust};
use crate::domain::profile::Profile;
use crate::domain::tenant::Tenant;
use crate::events::publication::{OrganizationTarget, Target};
use crate::hub::books::tests::*;
use crate::hub::books::{BookLimits, Newcomer};
use crate::hub::groups::EVERYONE;
use crate::hub::subscriptions::Subscription;

fn claimed(organization: &str) -> Arc<Identity> {
    Arc::new(Identity::claimed(id("c"), id(organization)))
}

/// A subscription without a name: scenarios name scopes by `dept`, `queue`.
fn subscription(channels: &[Channel], path: &str, filter: Option<AlertFilter>) -> Subscription {
    Subscription {
        id: path.into(),
        channels: channels.to_vec(),
        scope: Scope::parse(path).unwrap(),
        filter: filter.map(Arc::new),
        site: None,
    }
}

fn wide() -> Books {
    let roomy = BookLimits {
        room_size: 100,
        rooms_per_connection: 100,
        with_organization: 100,
        per_organization: 100,
    };
    Books::new(roomy)
}

fn subscribed(books: &mut Books, slot: u32, who: &Arc<Identity>, channels: &[Channel], path: &str) {
    books.attach(newcomer(slot, who), NOW).unwrap();
    books.subscribe(key(slot), None, Some(subscription(channels, path, None)), NOW).unwrap();
}

fn to(channel: Channel, path: &str) -> Target {
    let scope = Scope::parse(path).unwrap();
    Target { organization: Some(OrganizationTarget::Subscribers(channel, scope)), ..Target::default() }
}

/// S-46, as a table: the scope a socket subscribed to against the scope that was published for.
#[test]
fn a_subscription_gets_what_is_for_its_scope_or_below() {
    let mut books = wide();
    let who = claimed("o");
    let paths = ["org:o", "org:o:dept:d", "org:o:dept:d:queue:s", "org:o:queue:s"];
    for (slot, path) in paths.iter().enumerate() {
        subscribed(&mut books, slot as u32, &who, &[Channel::Kpi], path);
    }
    subscribed(&mut books, 4, &who, &[Channel::All, Channel::Kpi], "org:o");
    subscribed(&mut books, 5, &claimed("x"), &[Channel::All], "org:x");
    subscribed(&mut books, 6, &who, &[Channel::Backlog], "org:o");
    let table: [(&str, &[u32]); 7] = [
        ("org:o", &[0, 4]),
        ("org:o:dept:d", &[0, 1, 4]),
        ("org:o:dept:d:queue:s", &[0, 1, 2, 3, 4]),
        ("org:o:queue:s", &[0, 2, 3, 4]),
        ("org:o:dept:other", &[0, 4]),
        ("org:o:dept:other:queue:s", &[0, 3, 4]),
        ("org:x:dept:d", &[5]),
    ];
    for (path, expected) in table {
        assert_eq!(reached(&books, &to(Channel::Kpi, path)), expected, "{path}");
    }
    assert_eq!(reached(&books, &to(Channel::Backlog, "org:o:dept:d")), [4, 6]);
}

#[test]
fn alerts_are_thinned_by_each_subscription_s_own_filter() {
    let mut books = wide();
    let who = claimed("o");
    let filter = |least| Some(AlertFilter { min_severity: Severity::find(least), ..AlertFilter::default() });
    for (slot, filter) in [(0, None), (1, filter("high")), (2, filter("critical")), (3, filter("high"))] {
        books.attach(newcomer(slot, &who), NOW).unwrap();
        let alerts = subscription(&[Channel::Alerts, Channel::Kpi], "org:o", filter);
        books.subscribe(key(slot), None, Some(alerts), NOW).unwrap();
    }
    // Twice, once without a filter: nothing is kept back, and it comes once.
    let open = subscription(&[Channel::Alerts], "org:o", None);
    books.subscribe(key(3), None, Some(open), NOW).unwrap();
    let alert = |severity| Target {
        alert: Some(Alert { severity: Severity::find(severity), ..Alert::default() }),
        ..to(Channel::Alerts, "org:o")
    };
    assert_eq!(reached(&books, &alert("low")), [0, 3]);
    assert_eq!(reached(&books, &alert("high")), [0, 1, 3]);
    assert_eq!(reached(&books, &alert("critical")), [0, 1, 2, 3]);
    assert_eq!(reached(&books, &to(Channel::Kpi, "org:o")), [0, 1, 2, 3]);
    assert_eq!(reached(&books, &Target { room: Some(room("alerts:org:o")), ..alert("low") }).len(), 2);
    assert_eq!(books.rooms.members(&RoomKey { room: room("alerts:org:o"), organization: None }), 4);
}

#[test]
fn overlapping_subscriptions_keep_a_room_until_the_last_ends() {
    let mut books = wide();
    subscribed(&mut books, 0, &claimed("o"), &[Channel::Kpi, Channel::Alerts], "org:o");
    let mut second = subscription(&[Channel::Kpi], "org:o", None);
    second.id = "second".into();
    books.subscribe(key(0), None, Some(second), NOW).unwrap();
    let one = |id: &str| Which { id: Some(id.into()), ..Which::default() };
    let (change, ended) = books.unsubscribe(key(0), None, Some(&one("org:o"))).unwrap();
    assert_eq!(change.leave.len(), 1);
    assert_eq!(ended.rooms, [room("alerts:org:o")]);
    assert_eq!(books.own_rooms(key(0)), ["kpi:org:o", "org:o"]);
    books.unsubscribe(key(0), None, Some(&Which::default())).unwrap();
    assert_eq!(books.own_rooms(key(0)), ["org:o"]);
    let refused = books.unsubscribe(key(0), None, Some(&Which::default())).unwrap_err();
    assert_eq!(refused.code, ErrorCode::RoomNotFound);
}

#[test]
fn leaving_a_channel_s_room_ends_what_held_it() {
    let mut books = wide();
    subscribed(&mut books, 0, &claimed("o"), &[Channel::Kpi], "org:o");
    books.leave(key(0), &room("kpi:org:o")).unwrap();
    assert!(books.sockets[&key(0)].subscriptions.is_empty());
    assert!(reached(&books, &to(Channel::Kpi, "org:o")).is_empty());
}

#[test]
fn a_refused_subscription_changes_nothing() {
    let mut books = books(&[claimed("o")]);
    let channels = &[Channel::Kpi, Channel::Backlog, Channel::Alerts, Channel::All];
    let lobby = room("public:lobby");
    let many = Some(subscription(channels, "org:o", None));
    let refused = books.subscribe(key(0), Some(&lobby), many, NOW).unwrap_err();
    assert_eq!(refused.code, ErrorCode::SubscriptionFailed);
    assert_eq!(books.own_rooms(key(0)), ["org:o"]);
    assert!(books.sockets[&key(0)].subscriptions.is_empty());
    let refused = books.unsubscribe(key(0), Some(&lobby), Some(&Which::default())).unwrap_err();
    assert_eq!(refused.code, ErrorCode::RoomNotFound);
}

#[test]
fn another_claim_leaves_the_first_organization_s_rooms() {
    let mut books = wide();
    subscribed(&mut books, 0, &claimed("A"), &[Channel::Kpi], "org:A");
    books.join(key(0), &room("public:lobby"), NOW).unwrap();
    books.identify(key(0), claimed("B"), &|_| true, NOW).unwrap();
    assert_eq!(books.own_rooms(key(0)), ["org:B", "public:lobby"]);
    assert!(reached(&books, &to(Channel::Kpi, "org:A")).is_empty());
    // A claim gives no part in an organization's own rooms.
    let lobby = books.census().rooms.into_iter().find(|count| count.room.name() == "public:lobby");
    assert_eq!(lobby.unwrap().organization, None);
}

#[test]
fn users_are_seen_to_come_and_go_once_however_many_sockets_they_have() {
    let mut books = books(&[user("ann", None), user("ann", None), user("bob", None)]);
    let (free, public) = (room("r"), room("public:p"));
    let seen = |change: &Change| {
        change.seen.iter().map(|seen| (seen.present.user.to_string(), seen.has_come)).collect::<Vec<_>>()
    };
    let (change, users) = books.enter(key(0), &free, Some("Ann".into()), NOW).unwrap();
    assert_eq!(seen(&change), [("ann".to_owned(), true)]);
    assert_eq!(users.len(), 1);
    assert_eq!(&*users[0].name, "Ann");
    assert!(books.enter(key(0), &free, None, NOW).unwrap().0.seen.is_empty(), "twice is once");
    assert!(books.enter(key(1), &free, None, NOW).unwrap().0.seen.is_empty(), "the second socket");
    assert!(books.leave(key(0), &free).unwrap().seen.is_empty(), "not the last socket");
    books.join(key(2), &free, NOW).unwrap();
    assert_eq!(
        books.enter(key(2), &free, None, NOW).unwrap().1.len(),
        2,
        "a silent member can be seen later"
    );
    let gone = books.detach(key(1)).unwrap();
    assert_eq!(gone.len(), 1);
    assert!(!gone[0].has_come && gone[0].present.user == id("ann"));

    // Who has proven nothing is in the room, and not seen.
    books.attach(newcomer(7, &claimed("o")), NOW).unwrap();
    let (change, users) = books.enter(key(7), &public, Some("Root".into()), NOW).unwrap();
    assert!(change.seen.is_empty() && users.is_empty() && change.join.len() == 1);
}

#[test]
fn a_tenant_has_as_many_connections_as_its_record_says() {
    let tenant = Arc::new(Tenant {
        id: id("demo1"),
        name: None,
        organization: None,
        max_connections: Some(1),
        messages_per_second: None,
    });
    let nobody = (*Identity::anonymous()).clone();
    let who = Arc::new(Identity { trust: Trust::Tenant, tenant: Some(tenant), ..nobody });
    let flow = |slot: u32, connection: u32| Newcomer {
        connection: key(connection),
        profile: Profile::Flow,
        ..newcomer(slot, &who)
    };
    let mut books = books(&[]);
    books.attach(flow(0, 0), NOW).unwrap();
    books.attach(flow(1, 0), NOW).unwrap();
    assert_eq!(books.attach(flow(2, 2), NOW).unwrap_err().code, ErrorCode::ConnectionLimit);
    books.detach(key(0));
    assert_eq!(books.attach(flow(2, 2), NOW).unwrap_err().code, ErrorCode::ConnectionLimit);
    books.detach(key(1));
    books.attach(flow(2, 2), NOW).unwrap();
    assert_eq!(books.own_rooms(key(2)), ["tenant:demo1"]);
}

fn guest(name: &str) -> Arc<Identity> {
    let who = user(name, None);
    Arc::new(Identity { is_guest: true, ..(*who).clone() })
}

/// The name that was given with `join_room` stays.
#[test]
fn a_guest_who_becomes_somebody_keeps_the_name_it_gave() {
    let mut books = books(&[guest("guest-s0"), user("w", None)]);
    books.enter(key(0), &room("r"), Some("Ann".into()), NOW).unwrap();
    let change = books.identify(key(0), user("ann", None), &|_| true, NOW).unwrap();
    let told: Vec<_> = change.seen.iter().map(|seen| (&*seen.present.name, seen.has_come)).collect();
    assert_eq!(told, [("Ann", false), ("Ann", true)]);
}

/// A guest that is seen in a room becomes somebody: nobody is left behind there as a ghost.
#[test]
fn a_guest_who_becomes_somebody_leaves_no_ghost() {
    let mut books = books(&[guest("guest-s0"), user("w", None)]);
    books.enter(key(0), &room("r"), None, NOW).unwrap();
    books.enter(key(1), &room("r"), None, NOW).unwrap();
    books.identify(key(0), user("ann", None), &|_| true, NOW).unwrap();
    books.detach(key(0));
    let (_, users) = books.enter(key(1), &room("r"), None, NOW).unwrap();
    let names: Vec<&str> = users.iter().map(|present| present.user.as_str()).collect();
    assert_eq!(names, ["w"]);
}

/// A guest that claims another's id, without any proof, does not take that one's presence away.
#[test]
fn a_claim_does_not_make_another_leave() {
    let mut books = books(&[user("ann", None), guest("guest-s1")]);
    books.enter(key(0), &room("r"), None, NOW).unwrap();
    books.enter(key(1), &room("r"), None, NOW).unwrap();
    let liar = Arc::new(Identity::claimed(id("ann"), id("o")));
    let change = books.identify(key(1), liar, &|_| false, NOW).unwrap();
    let gone: Vec<&str> = change.seen.iter().map(|seen| seen.present.user.as_str()).collect();
    assert_eq!(gone, ["guest-s1"]);
}

/// ROOM_MAX_SIZE holds for whoever is rescoped into a room, too.
#[test]
fn rescoping_does_not_overfill_a_room() {
    let mut books = wide();
    books.limits.room_size = 2;
    for slot in 0..4 {
        books.attach(newcomer(slot, &Identity::anonymous()), NOW).unwrap();
        books.join(key(slot), &room("public:lobby"), NOW).unwrap();
        books.identify(key(slot), user("a", Some("A")), &|_| true, NOW).unwrap();
    }
    assert!(reached(&books, &Target::room(room("public:lobby"))).len() <= 2);
}

/// One that may have one place changes it for another where all places are taken.
#[test]
fn a_swap_of_organizations_needs_no_further_place() {
    let mut books = wide();
    books.limits.with_organization = 1;
    books.attach(newcomer(0, &claimed("o")), NOW).unwrap();
    books.identify(key(0), claimed("p"), &|_| true, NOW).unwrap();
}

/// Whatever is done in whatever order, a hub that does as it is told knows the same groups.
#[test]
fn books_and_roster_agree() {
    use crate::hub::roster::Roster;
    use std::collections::{BTreeMap, BTreeSet};
    let mut state = 12345_u64;
    let mut pick = |most: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % most
    };
    let rooms = ["r", "public:a", "global", "agent:x", "user:u1"];
    let paths = ["org:o", "org:o:dept:d", "org:o:queue:q", "org:o:dept:d:queue:q", "org:o:dept:e:queue:q"];
    let limits =
        BookLimits { room_size: 4, rooms_per_connection: 6, with_organization: 5, per_organization: 4 };
    let mut books = Books::new(limits);
    let mut roster: Roster<u32> = Roster::default();
    let mut seen: BTreeMap<(String, Option<Id>), BTreeSet<Id>> = BTreeMap::new();
    for step in 0..20_000 {
        let slot = pick(7) as u32;
        let key = key(slot);
        let mut told = |change: Change, roster: &mut Roster<u32>| {
            for group in change.leave {
                roster.leave(key, group);
            }
            for group in change.join {
                roster.join(key, group);
            }
            for Sighting { room, present, has_come } in change.seen {
                let users = seen.entry((room.room.name().to_owned(), room.organization.clone())).or_default();
                assert!(if has_come { users.insert(present.user) } else { users.remove(&present.user) });
            }
        };
        let who = |n: usize| match n {
            0 => Identity::anonymous(),
            1 => claimed("o"),
            2 => claimed("p"),
            3 => user("u1", None),
            4 => user("u1", Some("o")),
            _ => user("u2", Some("o")),
        };
        let filter = |n: usize| {
            (n > 0).then(|| AlertFilter { sources: Some(vec![n.to_string()]), ..AlertFilter::default() })
        };
        let name = room(rooms[pick(rooms.len())]);
        if !books.sockets.contains_key(&key) {
            if let Ok(groups) = books.attach(newcomer(slot, &who(pick(6))), NOW) {
                roster.seat(key, slot);
                groups.into_iter().for_each(|group| roster.join(key, group));
            }
            continue;
        }
        match pick(9) {
            0 => {
                // As D-30 has it: only who has proven nothing becomes another.
                let current = Arc::clone(&books.sockets[&key].identity);
                let next = if current.is_proven() { current } else { who(pick(6)) };
                let odd = pick(2) == 0;
                if let Ok(change) = books.identify(key, next, &|room| odd || room.name() == "r", NOW) {
                    told(change, &mut roster);
                }
            }
            1 => books.join(key, &name, NOW).map(|change| told(change, &mut roster)).unwrap_or_default(),
            2 | 3 => {
                books.enter(key, &name, None, NOW).map(|(c, _)| told(c, &mut roster)).unwrap_or_default()
            }
            4 => books.leave(key, &name).map(|change| told(change, &mut roster)).unwrap_or_default(),
            5 | 6 => {
                let path = paths[pick(paths.len())];
                let own =
                    subscription(&[Channel::Alerts, Channel::Kpi][..1 + pick(2)], path, filter(pick(3)));
                let is_own = books.sockets[&key].identity.organization == Some(id("o"));
                let alone = (pick(3) == 0).then_some(&name);
                if is_own && let Ok(change) = books.subscribe(key, alone, Some(own), NOW) {
                    told(change, &mut roster);
                }
            }
            7 => {
                let which = match pick(3) {
                    0 => Which::default(),
                    1 => Which { channels: Some(vec![Channel::Kpi]), ..Which::default() },
                    _ => Which { id: Some(paths[pick(paths.len())].to_owned()), ..Which::default() },
                };
                let channel = room(["alerts:org:o", "kpi:org:o"][pick(2)]);
                let alone = (pick(3) == 0).then_some(&channel);
                if let Ok((change, _)) = books.unsubscribe(key, alone, Some(&which)) {
                    told(change, &mut roster);
                }
            }
            _ if pick(4) == 0 => {
                let gone = books.detach(key).unwrap();
                told(Change { seen: gone, ..Change::default() }, &mut roster);
                roster.vacate(key);
            }
            _ => {}
        }
        for (key, socket) in &books.sockets {
            let mut expected = vec![EVERYONE];
            expected.extend(socket.rooms.iter().map(|own| own.group));
            expected
                .extend(socket.identity.organization.as_ref().and_then(|org| books.organizations.group(org)));
            expected.sort_unstable();
            let mut known: Vec<GroupId> = roster.member(*key).unwrap().groups().collect();
            known.sort_unstable();
            assert_eq!(known, expected, "step {step}");
        }
        for (room, entry) in books.rooms.iter() {
            let inside = books.sockets.values().filter(|own| own.rooms.iter().any(|own| *own.room == **room));
            assert_eq!(inside.count(), entry.members, "step {step} {room:?}");
            let users: BTreeSet<Id> = entry.presence.iter().flat_map(|p| p.users()).map(|p| p.user).collect();
            let heard = seen.get(&(room.room.name().to_owned(), room.organization.clone()));
            assert_eq!(users, heard.cloned().unwrap_or_default(), "step {step} {room:?}");
        }
    }
    let keys: Vec<SocketKey> = books.sockets.keys().copied().collect();
    keys.into_iter().for_each(|key| drop(books.detach(key)));
    assert!(books.rooms.is_empty() && books.organizations.is_empty() && books.tenants.is_empty());
    assert_eq!(books.groups.in_use(), 1);
}
