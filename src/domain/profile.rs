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

    /// The rooms `who` is in without asking.
    pub fn rooms(self, who: &Identity) -> Vec<Room> {
        if !who.is_verified() {
            return Vec::new();
        }
        let user = who.user.as_ref().map(Room::user);
        // Contract D-30: the organization's room is for those who speak of organizations.
        let has_organization = matches!(self, Profile::Intraday | Profile::Plain);
        let org = who.organization.as_ref().filter(|_| has_organization).map(Room::org);
        [user, Some(Room::global()), org].into_iter().flatten().collect()
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
                Profile::Intraday | Profile::Plain => &["user:ann", "global", "org:acme"],
                _ => &["user:ann", "global"],
            };
            assert_eq!(names, expected, "{profile:?}");
        }
    }
}
