//! What is kept of publications that are to be acknowledged, given back in time.

use std::sync::Arc;
use std::time::Duration;

use actix::Actor;
use serde_json::value::RawValue;
use switchboard::config::RoomPatterns;
use switchboard::domain::time::{Clock, Timestamp};
use switchboard::events::publication::{Priority, Publication, Target};
use switchboard::hub::books::BookLimits;
use switchboard::hub::compression::Compression;
use switchboard::hub::messages::Publish;
use switchboard::hub::room_server::RoomServer;
use switchboard::telemetry::Meters;

use crate::support::clock::ManualClock;
use crate::support::until;

#[actix_web::test]
async fn what_has_expired_is_forgotten_while_nobody_asks() {
    let clock = ManualClock::new();
    let limits =
        BookLimits { room_size: 1, rooms_per_connection: 1, with_organization: 1, per_organization: 1 };
    let compression = Compression { from: None, except: RoomPatterns::new([""; 0]) };
    let time: Arc<dyn Clock> = clock.clone();
    let rooms = RoomServer::new(limits, compression, time, Arc::<Meters>::default()).start();
    let id: Arc<str> = "m".into();
    let publication = Publication {
        message_id: Arc::clone(&id),
        event: "custom:e".into(),
        data: RawValue::from_string("1".into()).unwrap().into(),
        attachments: Vec::new(),
        target: Target::everyone(),
        requires_ack: true,
        priority: Priority::default(),
        sent_at: Timestamp::from_millis(0),
    };
    rooms.send(Publish(publication)).await.unwrap();
    assert!(Arc::strong_count(&id) > 1, "it can be acknowledged");

    // Nobody sends, comes or goes any more.
    for _ in 0..11 {
        clock.advance(Duration::from_secs(60));
        actix_web::rt::task::yield_now().await;
    }
    until(|| Arc::strong_count(&id) == 1).await;
}
