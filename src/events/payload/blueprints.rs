//! Guide 003's payloads: what editors of a document tell each other.
//!
//! What a client sent is read into a struct, once; what others receive is built anew from it, so
//! that nobody can speak in another's name and no unknown key travels on (contract D-38).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::error::ClientError;
use crate::domain::id::Id;
use crate::domain::identity::Identity;
use crate::domain::json;
use crate::domain::time::Timestamp;

/// `blueprint_update` as a client sends it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlueprintUpdate {
    pub room_id: String,
    blueprint_id: Id,
    changes: Changes,
}

/// What changed. `content` is whatever the editors agree on, attachments included.
#[derive(Debug, Deserialize, Serialize)]
struct Changes {
    #[serde(skip_serializing_if = "Option::is_none")]
    section: Option<String>,
    action: Action,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Box<RawValue>>,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Update,
    Add,
    Delete,
    Move,
}

impl BlueprintUpdate {
    /// # Errors
    /// `INVALID_MESSAGE`, naming what the payload must look like.
    pub fn read(data: &str) -> Result<BlueprintUpdate, ClientError> {
        let shape = "The payload must be {\"roomId\": string, \"blueprintId\": id, \"changes\": \
                     {\"section\"?: string, \"action\": update, add, delete or move, \"content\"?: any}}";
        // An array would be read as the struct's fields in order.
        if !data.trim_start().starts_with('{') {
            return Err(ClientError::invalid(shape));
        }
        serde_json::from_str(data).map_err(|_| ClientError::invalid(shape))
    }

    /// What the others receive: the update, and who made it when.
    pub fn as_seen_by_others(&self, who: &Identity, now: Timestamp) -> Box<RawValue> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Told<'a> {
            room_id: &'a str,
            blueprint_id: &'a Id,
            changes: &'a Changes,
            user_id: Option<&'a Id>,
            user_name: Option<&'a str>,
            timestamp: i64,
        }
        json::raw(&Told {
            room_id: &self.room_id,
            blueprint_id: &self.blueprint_id,
            changes: &self.changes,
            user_id: who.user.as_ref(),
            user_name: who.shown_name(),
            timestamp: now.millis(),
        })
    }
}

/// One user in a room.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserInRoom<'a> {
    pub user_id: &'a Id,
    pub user_name: &'a str,
    pub joined_at: i64,
}

/// `room_joined`, told to who joined to be seen; both names of the room (contract X-05).
#[derive(Serialize)]
pub struct RoomJoined<'a> {
    pub room: &'a str,
    #[serde(rename = "roomId")]
    pub room_id: &'a str,
    pub users: Vec<UserInRoom<'a>>,
    pub timestamp: Timestamp,
}

/// The acknowledgement of `join_room`; said within `Accepted`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomUsers<'a> {
    pub room_id: &'a str,
    pub users: Vec<UserInRoom<'a>>,
}

/// The acknowledgement of `leave_room`; said within `Accepted`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomLeft<'a> {
    pub room_id: &'a str,
}

/// `user_joined` and `user_left`, as the others in the room get them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sighted<'a> {
    user_id: &'a Id,
    user_name: &'a str,
    room_id: &'a str,
    timestamp: i64,
}

impl<'a> Sighted<'a> {
    pub fn new(user_id: &'a Id, user_name: &'a str, room_id: &'a str, now: Timestamp) -> Sighted<'a> {
        Sighted { user_id, user_name, room_id, timestamp: now.millis() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_get_the_content_to_the_letter_and_no_forged_name() {
        let sent = r#"{"roomId":"blueprint-1","userName":"root","blueprintId":7,"changes":{"action":"move","x":1,"content":{"b":1.50,"a":[]}}}"#;
        let mut who = (*Identity::anonymous()).clone();
        (who.user, who.name) = (Id::parse("ann"), Some("Ann".into()));

        let told = BlueprintUpdate::read(sent).unwrap().as_seen_by_others(&who, Timestamp::from_millis(5));

        assert_eq!(
            told.get(),
            r#"{"roomId":"blueprint-1","blueprintId":"7","changes":{"action":"move","content":{"b":1.50,"a":[]}},"userId":"ann","userName":"Ann","timestamp":5}"#
        );
    }

    #[test]
    fn what_is_no_update_is_refused() {
        for bad in [
            "{}",
            "[\"r\",\"b\",{}]",
            r#"{"roomId":"r","blueprintId":"b"}"#,
            r#"{"roomId":"r","blueprintId":"b","changes":{"action":"burn"}}"#,
            r#"{"roomId":5,"blueprintId":"b","changes":{"action":"add"}}"#,
            r#"{"roomId":"r","blueprintId":"b","changes":{"action":"add","section":1}}"#,
        ] {
            assert!(BlueprintUpdate::read(bad).is_err(), "{bad}");
        }
    }
}
