//! Order is a promise: what was published first arrives first, and a confirmation of membership
//! draws an exact line.

use serde_json::json;

use crate::support::TestServer;
use crate::support::socket::Socket;

const ROOM: &str = "dashboard:overview";

async fn number(socket: &mut Socket, kind: &str) -> u64 {
    socket.next(kind).await["data"].as_u64().expect("a number")
}

#[actix_web::test]
async fn all_members_see_concurrent_publications_in_one_order() {
    const EACH: u64 = 200;
    let server = TestServer::start();
    let mut members = Vec::new();
    for _ in 0..6 {
        let mut socket = server.connect().await;
        socket.join(ROOM).await;
        members.push(socket);
    }
    let publish = |publisher: u64| {
        let server = &server;
        async move {
            for count in 0..EACH {
                let data = publisher * EACH + count;
                // Alternately to the room and to everyone: order holds over all rooms.
                let body = if count % 2 == 0 {
                    json!({"type": "custom:n", "room": ROOM, "data": data})
                } else {
                    json!({"type": "custom:n", "data": data})
                };
                server.broadcast(body).await;
            }
        }
    };
    let read = futures_util::future::join_all(members.iter_mut().map(|socket| async move {
        let mut seen = Vec::new();
        for _ in 0..3 * EACH {
            seen.push(number(socket, "custom:n").await);
        }
        seen
    }));
    let (seen, ..) = tokio::join!(read, publish(0), publish(1), publish(2));

    for other in &seen[1..] {
        assert_eq!(*other, seen[0], "two members saw two orders");
    }
    for publisher in 0..3 {
        let own: Vec<u64> = seen[0].iter().copied().filter(|n| n / EACH == publisher).collect();
        assert_eq!(own, (publisher * EACH..(publisher + 1) * EACH).collect::<Vec<_>>());
    }
}

#[actix_web::test]
async fn between_room_joined_and_room_left_nothing_is_missed_and_nothing_else_comes() {
    let server = TestServer::start();
    let mut witness = server.connect().await;
    witness.join(ROOM).await;
    let mut guest = server.connect().await;

    let publisher = async {
        for count in 0..600_u64 {
            server.broadcast(json!({"type": "custom:n", "room": ROOM, "data": count})).await;
        }
    };
    let visits = async {
        let mut received = 0;
        for _ in 0..40 {
            guest.send(json!({"type": "join", "payload": {"room": ROOM}})).await;
            guest.next("room_joined").await;
            guest.send(json!({"type": "leave", "payload": {"room": ROOM}})).await;
            let mut last = None;
            loop {
                let event = guest.next_event().await;
                if event["type"] == "room_left" {
                    break;
                }
                let count = event["data"].as_u64().expect("only numbers between the lines");
                assert!(last.is_none_or(|last: u64| count == last + 1), "{last:?} then {count}");
                last = Some(count);
                received += 1;
            }
        }
        // Outside of the room there is silence.
        guest.expect_nothing().await;
        received
    };
    let (received, ()) = tokio::join!(visits, publisher);

    for count in 0..600 {
        assert_eq!(number(&mut witness, "custom:n").await, count);
    }
    println!("the guest received {received} publications on 40 visits");
}

#[actix_web::test]
async fn who_has_read_its_welcome_misses_nothing_published_afterwards() {
    let server = TestServer::start();
    for count in 0..50 {
        let mut socket = server.connect().await;
        server.broadcast(json!({"type": "custom:n", "data": count})).await;
        assert_eq!(number(&mut socket, "custom:n").await, count);
    }
}

#[actix_web::test]
async fn pipelined_commands_take_effect_in_the_order_sent() {
    let server = TestServer::with(&[("RATE_LIMIT_MESSAGES_PER_SECOND", "1000")]);
    let mut socket = server.connect().await;
    for count in 0..100 {
        let verb = if count % 2 == 0 { "join" } else { "leave" };
        socket.send(json!({"type": verb, "payload": {"room": ROOM}, "id": count})).await;
    }
    for count in 0..100 {
        let answer = socket.next(if count % 2 == 0 { "room_joined" } else { "room_left" }).await;
        assert_eq!(answer["id"], count);
    }
    assert!(socket.rooms().await.is_empty());
}

#[actix_web::test]
async fn a_big_fan_out_serves_everyone_once_while_others_come_and_go() {
    let server = TestServer::with(&[("WORKERS", "1")]);
    let mut members = Vec::new();
    for _ in 0..600 {
        let mut socket = server.connect().await;
        socket.join(ROOM).await;
        members.push(socket);
    }
    let churn = async {
        for _ in 0..100 {
            let mut socket = server.connect().await;
            socket.join(ROOM).await;
        }
    };
    let publisher = async {
        for count in 0..20 {
            server.broadcast(json!({"type": "custom:n", "room": ROOM, "data": count})).await;
        }
    };
    tokio::join!(churn, publisher);
    for socket in &mut members {
        for count in 0..20 {
            assert_eq!(number(socket, "custom:n").await, count);
        }
        socket.expect_nothing().await;
    }
}

#[actix_web::test]
async fn a_fan_out_that_comes_while_others_are_written_keeps_its_place_for_everyone() {
    const EACH: u64 = 12;
    let server = TestServer::with(&[("WORKERS", "1")]);
    // More than are written to before what has come meanwhile is looked at.
    let mut members = Vec::new();
    for _ in 0..600 {
        let mut socket = server.connect().await;
        socket.join(ROOM).await;
        members.push(socket);
    }
    let publish = async |publisher: u64| {
        for count in 0..EACH {
            let data = publisher * EACH + count;
            server.broadcast(json!({"type": "custom:n", "room": ROOM, "data": data})).await;
        }
    };
    futures_util::future::join_all((0..8).map(publish)).await;
    let mut first: Option<Vec<u64>> = None;
    for socket in &mut members {
        let mut seen = Vec::new();
        for _ in 0..8 * EACH {
            seen.push(number(socket, "custom:n").await);
        }
        socket.expect_nothing().await;
        assert_eq!(&seen, first.get_or_insert_with(|| seen.clone()), "two members saw two orders");
    }
    for publisher in 0..8 {
        let own = first.iter().flatten().filter(|n| *n / EACH == publisher).copied();
        assert_eq!(own.collect::<Vec<_>>(), (publisher * EACH..(publisher + 1) * EACH).collect::<Vec<_>>());
    }
}
