//! What a socket must show and gets at connect, by where it connected (contract 0.2).

use super::identity::Identity;
use super::room::Room;

/// One row of the contract's table of profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Guide 000: Socket.IO namespace `/events`.
    Flow,
    /// Guide 001: Socket.IO namespace `/ws`.
    Project,
    /// Guide 003: Socket.IO namespace `/` on `/socket.io/`.
    Collab,
    /// Guide 004: Socket.IO namespace `/` on `/ws/`.
    Intraday,
    /// Guides 002 and 004: a WebSocket without Socket.IO on `/ws`.
    Plain,
}

impl Profile {
    /// Whether one must have shown who one is to be let in.
    pub fn needs_credentials(self) -> bool {
        matches!(self, Profile::Flow | Profile::Project | Profile::Collab)
    }

    /// Whether those who have shown nothing must say who they are before long (contract X-10).
    pub fn has_deadline(self) -> bool {
        self == Profile::Intraday
    }

    /// The rooms `who` is in without asking.
    pub fn rooms(self, who: &Identity) -> Vec<Room> {
        let tenant = who.tenant.as_ref().map(|tenant| Room::tenant(&tenant.id));
        let user = who.user.as_ref().filter(|_| who.is_verified()).map(Room::user);
        // Guide 004 knows no such room (contract 0.2).
        let global = (who.is_verified() && self != Profile::Intraday).then(Room::global);
        // Contract D-30: the organization's room is for those who speak of organizations.
        let has_organization = matches!(self, Profile::Intraday | Profile::Plain);
        let org = who.organization.as_ref().filter(|_| has_organization).map(Room::org);
        [tenant, user, global, org].into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Id;
    use crate::domain::identity::Trust;

    const ALL: [Profile; 5] =
        [Profile::Flow, Profile::Project, Profile::Collab, Profile::Intraday, Profile::Plain];

    #[test]
    fn the_rooms_one_is_in_without_asking() {
        let mut who = (*Identity::anonymous()).clone();
        for profile in ALL {
            assert!(profile.rooms(&who).is_empty(), "{profile:?}: nobody is nowhere");
        }
        (who.trust, who.user, who.organization) = (Trust::Verified, Id::parse("ann"), Id::parse("acme"));
        for profile in ALL {
            let rooms = profile.rooms(&who);
            let names: Vec<&str> = rooms.iter().map(Room::name).collect();
            let expected: &[&str] = match profile {
                Profile::Intraday => &["user:ann", "org:acme"],
                Profile::Plain => &["user:ann", "global", "org:acme"],
                _ => &["user:ann", "global"],
            };
            assert_eq!(names, expected, "{profile:?}");
        }
    }

    #[test]
    fn a_claim_brings_the_organization_s_room_alone() {
        let who = Identity::claimed(Id::parse("ann").unwrap(), Id::parse("acme").unwrap());
        for profile in ALL {
            let rooms = profile.rooms(&who);
            let names: Vec<&str> = rooms.iter().map(Room::name).collect();
            let expected: &[&str] = match profile {
                Profile::Intraday | Profile::Plain => &["org:acme"],
                _ => &[],
            };
            assert_eq!(names, expected, "{profile:?}");
        }
    }

    #[test]
    fn a_tenant_s_key_brings_the_tenant_s_room_alone() {
        let nobody = (*Identity::anonymous()).clone();
        let tenant = crate::domain::tenant::Tenant {
            id: Id::parse("demo1").unwrap(),
            name: None,
            organization: None,
            max_connections: None,
            messages_per_second: None,
        };
        let who = Identity { trust: Trust::Tenant, tenant: Some(tenant.into()), ..nobody };
        assert_eq!(Profile::Flow.rooms(&who), [Room::parse("tenant:demo1").unwrap()]);
    }
}
