//! Who may join which room and speak in it: one table by kind of room, refusing by default
//! (contract section 9).

use crate::config::RoomPatterns;
use crate::domain::error::{ClientError, ErrorCode};
use crate::domain::identity::Identity;
use crate::domain::room::{Kind, Room};

/// The settings that loosen the table.
#[derive(Debug, Clone)]
pub struct Access {
    /// Rooms open to every trust level (contract D-31).
    pub public_rooms: RoomPatterns,
    /// Whether any verified bearer may listen in `admin:broadcast`, not only admins (O-008).
    pub admin_room_is_open: bool,
}

/// What joining a kind of room takes.
#[derive(Clone, Copy)]
enum Right {
    /// Never by request.
    Never,
    Verified,
    /// Verified as the user whose room it is.
    ThatUser,
    /// Verified, and listed in the token's `projects` or `rooms` if it lists any.
    ListedProject,
    /// Verified, and listed in the token's `rooms` if it lists any.
    ListedRoom,
    Admin,
}

fn right(kind: Kind) -> Right {
    match kind {
        Kind::Tenant | Kind::Org | Kind::Channel(_) | Kind::Unknown => Right::Never,
        Kind::Global | Kind::Agent | Kind::Voice => Right::Verified,
        Kind::Dashboard | Kind::Clips | Kind::Public => Right::Verified,
        Kind::User => Right::ThatUser,
        Kind::Project => Right::ListedProject,
        Kind::Free => Right::ListedRoom,
        Kind::Admin => Right::Admin,
    }
}

impl Access {
    /// Decides from identity alone; whether there is room left is the RoomServer's to say.
    ///
    /// # Errors
    /// `UNAUTHORIZED`, or `ROOM_NOT_FOUND` for a reserved name that names nothing.
    pub fn may_join(&self, who: &Identity, room: &Room) -> Result<(), ClientError> {
        if self.public_rooms.matches(room.name()) {
            return Ok(());
        }
        if room.kind() == Kind::Unknown {
            return Err(ClientError::new(ErrorCode::RoomNotFound, "There is no such room"));
        }
        let verified = who.is_verified();
        let allowed = match right(room.kind()) {
            Right::Never => false,
            Right::Verified => verified,
            Right::ThatUser => verified && who.user.as_ref().is_some_and(|id| id.as_str() == room.id()),
            Right::ListedProject => verified && Self::lists_project(who, room),
            Right::ListedRoom => verified && lists(who.rooms.as_deref(), room.name()),
            Right::Admin => verified && (who.admin || self.admin_room_is_open),
        };
        if allowed { Ok(()) } else { Err(ClientError::unauthorized("This room is not open to you")) }
    }

    /// Whether `who` may cause events in a room it is in; whether it is in there is the RoomServer's
    /// to say. Everyone signed in is in some rooms without asking, so being there is no right to speak.
    ///
    /// # Errors
    /// `UNAUTHORIZED`.
    pub fn may_publish(&self, who: &Identity, room: &Room) -> Result<(), ClientError> {
        let allowed = who.is_verified()
            && match room.kind() {
                Kind::Free | Kind::Public => true,
                Kind::Admin => who.admin,
                Kind::Tenant | Kind::Org | Kind::Channel(_) | Kind::Global | Kind::User => false,
                Kind::Project | Kind::Agent | Kind::Dashboard | Kind::Voice | Kind::Clips => false,
                Kind::Unknown => false,
            };
        if allowed { Ok(()) } else { Err(ClientError::unauthorized("You may not speak in this room")) }
    }

    fn lists_project(who: &Identity, room: &Room) -> bool {
        match (&who.projects, &who.rooms) {
            (None, None) => true,
            (projects, rooms) => {
                projects.as_ref().is_some_and(|ids| ids.iter().any(|id| id.as_str() == room.id()))
                    || rooms.as_ref().is_some_and(|names| names.iter().any(|name| name == room.name()))
            }
        }
    }
}

/// A token that lists no rooms limits none.
fn lists(rooms: Option<&[String]>, name: &str) -> bool {
    rooms.is_none_or(|rooms| rooms.iter().any(|listed| listed == name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Id;
    use crate::domain::identity::Trust;

    fn access() -> Access {
        let public_rooms = ["dashboard:overview", "clips:analytics", "public:*"];
        Access { public_rooms: RoomPatterns::new(public_rooms), admin_room_is_open: false }
    }

    fn verified(change: impl FnOnce(&mut Identity)) -> Identity {
        let mut who = (*Identity::anonymous()).clone();
        who.trust = Trust::Verified;
        who.user = Id::parse("u1");
        change(&mut who);
        who
    }

    /// Every kind of room, and whether nobody, a user `u1` and an admin may join it.
    #[test]
    fn the_table_of_kind_by_trust() {
        let nobody = (*Identity::anonymous()).clone();
        let user = verified(|_| ());
        let admin = verified(|who| who.admin = true);
        let table = [
            ("dashboard:overview", [true, true, true]),
            ("clips:analytics", [true, true, true]),
            ("public:lobby", [true, true, true]),
            ("voice:training", [false, true, true]),
            ("agent:a", [false, true, true]),
            ("global", [false, true, true]),
            ("user:u1", [false, true, true]),
            ("user:other", [false, false, false]),
            ("project:1", [false, true, true]),
            ("blueprint-1", [false, true, true]),
            ("admin:broadcast", [false, false, true]),
            ("tenant:demo1", [false, false, false]),
            ("org:o", [false, false, false]),
            ("kpi:org:o", [false, false, false]),
            ("dashboard:else", [false, false, false]),
        ];
        for (name, expected) in table {
            let room = Room::parse(name).unwrap();
            let allowed = [&nobody, &user, &admin].map(|who| access().may_join(who, &room).is_ok());
            assert_eq!(allowed, expected, "{name}");
        }
    }

    #[test]
    fn being_in_a_room_is_no_right_to_speak_in_it() {
        let nobody = (*Identity::anonymous()).clone();
        let user = verified(|_| ());
        let admin = verified(|who| who.admin = true);
        let table = [
            ("blueprint-1", [false, true, true]),
            ("public:lobby", [false, true, true]),
            ("admin:broadcast", [false, false, true]),
            ("global", [false, false, false]),
            ("user:u1", [false, false, false]),
            ("org:o", [false, false, false]),
            ("tenant:demo1", [false, false, false]),
            ("project:1", [false, false, false]),
            ("agent:a", [false, false, false]),
            ("dashboard:overview", [false, false, false]),
            ("clips:analytics", [false, false, false]),
            ("voice:training", [false, false, false]),
            ("kpi:org:o", [false, false, false]),
            ("clips:x", [false, false, false]),
        ];
        for (name, expected) in table {
            let room = Room::parse(name).unwrap();
            let allowed = [&nobody, &user, &admin].map(|who| access().may_publish(who, &room).is_ok());
            assert_eq!(allowed, expected, "{name}");
        }
    }

    #[test]
    fn a_token_that_lists_rooms_is_held_to_them() {
        let limited = verified(|who| who.rooms = Some(vec!["a".into(), "project:2".into()]));
        let by_project = verified(|who| who.projects = Id::parse("1").map(|id| vec![id]));
        let may = |who: &Identity, name: &str| access().may_join(who, &Room::parse(name).unwrap()).is_ok();
        assert!(may(&limited, "a") && !may(&limited, "b"));
        assert!(may(&limited, "project:2") && !may(&limited, "project:1"));
        assert!(may(&by_project, "project:1") && !may(&by_project, "project:2"));
        assert!(may(&by_project, "any-free-room"));
    }

    #[test]
    fn an_unknown_reserved_name_is_not_found() {
        let error = access().may_join(&verified(|_| ()), &Room::parse("clips:x").unwrap()).unwrap_err();
        assert_eq!(error.code, ErrorCode::RoomNotFound);
    }
}
