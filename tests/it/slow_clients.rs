//! Clients that stop reading: what they cost, when they go, and that nobody else notices.

use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{Actor, Handler};
use bytes::Bytes;
use serde_json::json;
use switchboard::hub::messages::Evict;
use switchboard::hub::outbox::{Outbox, Policy, Status};
use switchboard::hub::outboxes::SocketKey;
use switchboard::hub::receipts::Receipts;
use switchboard::limits::budget::Budget;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::support::frames::{FIN, TEXT, frame};
use crate::support::{PATIENCE, TestServer, token, until};

const ROOM: &str = "dashboard:overview";
const KIB: usize = 1024;

/// A client in the room that will not read any more.
async fn stalled(server: &TestServer) -> TcpStream {
    let mut socket = server.connect().await;
    socket.join(ROOM).await;
    socket.into_stream()
}

/// Publishes to the room, `bytes` of data at a time.
async fn publish(server: &TestServer, bytes: usize) -> u64 {
    let data = "x".repeat(bytes);
    let answer = server.broadcast(json!({"type": "custom:fill", "room": ROOM, "data": data})).await;
    answer["recipients_count"].as_u64().unwrap()
}

/// Splits what a stalled client finds in its socket into whole frames: their opcodes and payloads.
fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while bytes.len() >= 2 {
        let (head, length) = match bytes[1] {
            126 if bytes.len() >= 4 => (4, usize::from(u16::from_be_bytes([bytes[2], bytes[3]]))),
            127 if bytes.len() >= 10 => (10, u64::from_be_bytes(bytes[2..10].try_into().unwrap()) as usize),
            short if short < 126 => (2, usize::from(short)),
            _ => break,
        };
        if bytes.len() < head + length {
            break;
        }
        frames.push((bytes[0] & 0x0f, bytes[head..head + length].to_vec()));
        bytes = &bytes[head + length..];
    }
    assert!(bytes.is_empty(), "the last frame is whole");
    frames
}

#[actix_web::test]
async fn a_client_that_stops_reading_is_closed_at_its_bound_and_nobody_else_notices() {
    let bound = 256 * KIB;
    let settings = [("SEND_QUEUE_BYTES", "262144"), ("HARD_MAX_MESSAGE_BYTES", "131072")];
    let settings = [&settings[..], &[("MAX_MESSAGE_SIZE_BYTES", "65536"), ("WORKERS", "1")]].concat();
    let server = TestServer::with(&settings);
    let mut reader = server.connect().await;
    reader.join(ROOM).await;
    let mut stalled = stalled(&server).await;

    let (mut published, mut slowest) = (0, Duration::ZERO);
    loop {
        let before = std::time::Instant::now();
        let recipients = publish(&server, 16 * KIB).await;
        published += 1;
        reader.next("custom:fill").await;
        slowest = slowest.max(before.elapsed());
        if recipients == 1 {
            break;
        }
        assert!(published < 2000, "the stalled client is never closed");
    }
    // Its kernel's buffers, ours, and the bound are all that was ever held for it.
    let taken = published * 16 * KIB;
    println!(
        "closed after {published} messages of 16 KiB ({} KiB, bound {} KiB and kernel buffers); \
         the slowest of the reader's took {slowest:?}",
        taken / KIB,
        bound / KIB
    );
    assert!(taken > bound, "a healthy pause is not punished");

    // It wakes up: whole frames, the last of them a goodbye that says why.
    let mut found = Vec::new();
    stalled.read_to_end(&mut found).await.ok();
    let frames = frames(&found);
    let (opcode, payload) = frames.last().unwrap();
    assert_eq!((*opcode, &payload[..2]), (8, &1013_u16.to_be_bytes()[..]));
    server.until_connections(1).await;
}

#[actix_web::test]
async fn a_client_that_is_only_slow_gets_everything_in_order() {
    let server = TestServer::start();
    let mut slow = server.connect().await;
    slow.join(ROOM).await;
    // More than the kernel takes, less than the bound of 4 MiB.
    for count in 0..48 {
        let data = json!({"n": count, "fill": "x".repeat(64 * KIB)});
        let answer = server.broadcast(json!({"type": "custom:n", "room": ROOM, "data": data})).await;
        assert_eq!(answer["recipients_count"], 1);
    }
    for count in 0..48 {
        assert_eq!(slow.next("custom:n").await["data"]["n"], count);
    }
    slow.expect_nothing().await;
}

#[actix_web::test]
async fn a_stalled_client_s_timers_go_on() {
    let server = TestServer::by_hand(&[]);
    let token = token::sign(json!({"sub": "u1", "exp": server.clock.seconds() + 20}));
    let mut stalled = server.connect().await;
    stalled.join(ROOM).await;
    stalled.send(json!({"type": "auth", "payload": {"token": token}})).await;
    stalled.next("auth:success").await;
    let _stalled = stalled.into_stream();
    // Fill the kernel's buffers, so that the socket takes nothing any more.
    for _ in 0..40 {
        publish(&server, 64 * KIB).await;
    }
    server.clock.advance(Duration::from_secs(20));
    // Its token has expired: it is told, cannot hear it, and is let go nevertheless.
    until(|| {
        server.clock.advance(Duration::from_secs(1));
        server.running().connections() == 0
    })
    .await;
}

#[actix_web::test]
async fn when_too_much_waits_in_all_the_fullest_goes_first() {
    // Each may hold 6 MiB, all together half a MiB more.
    let settings = [("SEND_QUEUE_BYTES", "6291456"), ("SEND_QUEUE_TOTAL_BYTES", "6815744")];
    let server = TestServer::with(&settings);
    let mut fuller = stalled(&server).await;
    for _ in 0..80 {
        assert_eq!(publish(&server, 64 * KIB).await, 1);
    }
    let mut later = stalled(&server).await;
    let mut reader = server.connect().await;
    reader.join(ROOM).await;
    let mut published = 0;
    while publish(&server, 64 * KIB).await == 3 {
        reader.next("custom:fill").await;
        published += 1;
        assert!(published < 40, "too much waits and nobody goes");
    }
    reader.next("custom:fill").await;

    let mut found = Vec::new();
    fuller.read_to_end(&mut found).await.ok();
    let frames = frames(&found);
    let (opcode, payload) = frames.last().unwrap();
    assert_eq!((*opcode, &payload[..2]), (8, &1013_u16.to_be_bytes()[..]));
    server.until_connections(2).await;
    // The later one is still a member, and what waited for it is still coming.
    let mut first = [0; 1];
    later.read_exact(&mut first).await.unwrap();
    assert_eq!(first[0], 0x81);
    assert_eq!(publish(&server, KIB).await, 2);
}

/// An outbox over a socket that takes nothing more, and the peer that holds it up.
async fn blocked(slot: u32, policy: &Rc<Policy>) -> (Rc<Outbox>, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    socket2::SockRef::from(&stream).set_send_buffer_size(4 * KIB).unwrap();
    stream.writable().await.unwrap();
    let key = SocketKey { worker: 0, slot, generation: 0 };
    let outbox = Rc::new(Outbox::new(key, Some(stream), Rc::clone(policy)));
    while outbox.is_empty() {
        outbox.send(&Bytes::from(vec![0; 64 * KIB]));
    }
    (outbox, peer)
}

/// Takes note of who is to go.
#[derive(Default)]
struct Evicted(Arc<Mutex<Vec<SocketKey>>>);

impl Actor for Evicted {
    type Context = actix::Context<Self>;
}

impl Handler<Evict> for Evicted {
    type Result = ();

    fn handle(&mut self, Evict(key): Evict, _: &mut Self::Context) {
        self.0.lock().unwrap().push(key);
    }
}

impl Handler<Receipts> for Evicted {
    type Result = ();

    fn handle(&mut self, _: Receipts, _: &mut Self::Context) {}
}

#[actix_web::test]
async fn staged_frames_count_against_the_total_of_all_slow_readers() {
    let evicted = Evicted::default();
    let list = Arc::clone(&evicted.0);
    let (evicted, budget) = (evicted.start(), Budget::of(1024 * KIB));
    let policy = Policy {
        queue_bytes: 64 * 1024 * KIB,
        compress_from: None,
        budget: Arc::clone(&budget),
        evict: evicted.clone().recipient(),
        receipts: evicted.recipient(),
    };
    let policy = Rc::new(policy);
    let (fuller, _peer) = blocked(0, &policy).await;
    let (other, _other_peer) = blocked(1, &policy).await;
    for _ in 0..10 {
        fuller.stage(&Bytes::from(vec![0; 64 * KIB]));
        fuller.flush();
    }
    for _ in 0..10 {
        other.stage(&Bytes::from(vec![0; 64 * KIB]));
        other.flush();
    }
    assert!(budget.total() <= 1024 * KIB, "{} bytes are booked", budget.total());
    until(|| list.lock().unwrap().contains(&fuller.key())).await;
}

#[actix_web::test]
async fn one_frame_larger_than_the_bound_reaches_a_healthy_client() {
    let bounds = [("SEND_QUEUE_BYTES", "262144"), ("HARD_MAX_MESSAGE_BYTES", "131072")];
    let server = TestServer::with(&[&bounds[..], &[("MAX_MESSAGE_SIZE_BYTES", "65536")]].concat());
    let mut reader = server.connect().await;
    reader.join(ROOM).await;
    for _ in 0..3 {
        // What follows a frame that is still on its way is no reason to close either.
        assert_eq!(publish(&server, 900 * KIB).await, 1);
        assert_eq!(publish(&server, KIB).await, 1);
        assert_eq!(reader.next("custom:fill").await["data"].as_str().unwrap().len(), 900 * KIB);
        assert_eq!(reader.next("custom:fill").await["data"].as_str().unwrap().len(), KIB);
    }
    reader.expect_nothing().await;
}

#[actix_web::test]
async fn a_peer_that_pipelines_requests_and_reads_no_answer_is_not_read_further() {
    let server = TestServer::with(&[("WORKERS", "1")]);
    let mut flooder = TcpStream::connect(server.address()).await.unwrap();
    let request = b"GET /static/console.js HTTP/1.1\r\nhost: a\r\n\r\n";
    let requests = request.repeat(1024);
    let (mut sent, mut refusals) = (0, 0);
    // It is full once others were served many times and it still takes nothing.
    while refusals < 50 {
        match flooder.try_write(&requests) {
            Ok(count) => (sent, refusals) = (sent + count, 0),
            Err(_) => refusals += 1,
        }
        assert!(sent < 64 * 1024 * KIB, "it is read without end");
        server.get("/health").await;
    }
    println!("{} KiB of requests were taken, kernel buffers included", sent / KIB);
    let mut dashboard = server.connect().await;
    dashboard.expect_nothing().await;
    // Once it reads, it is answered.
    let mut answer = vec![0; 12];
    flooder.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 200");
}

#[actix_web::test]
async fn a_peer_that_pipelines_and_reads_gets_every_answer() {
    let server = TestServer::start();
    let (mut reading, mut writing) = TcpStream::connect(server.address()).await.unwrap().into_split();
    let request = b"GET /static/console.js HTTP/1.1\r\nhost: a\r\n\r\n";
    let requests = request.repeat(2000);
    let write = async { writing.write_all(&requests).await.unwrap() };
    let read = async {
        let (mut answers, mut tail) = (0, Vec::new());
        let mut bytes = vec![0; 256 * KIB];
        while answers < 2000 {
            let count = timeout(PATIENCE, reading.read(&mut bytes)).await.expect("it goes on").unwrap();
            assert!(count > 0, "it ended after {answers} answers");
            // A status line may be cut in two by the read.
            tail.extend_from_slice(&bytes[..count]);
            let status = b"HTTP/1.1 200 OK";
            answers += tail.windows(status.len()).filter(|window| window == status).count();
            tail.drain(..tail.len() - tail.len().min(status.len() - 1));
        }
    };
    tokio::join!(write, read);
}

#[actix_web::test]
async fn frames_staged_for_a_healthy_client_are_written_before_they_are_too_many() {
    let evicted = Evicted::default().start();
    let policy = Policy {
        queue_bytes: 8 * KIB,
        compress_from: None,
        budget: Budget::of(64 * 1024 * KIB),
        evict: evicted.clone().recipient(),
        receipts: evicted.recipient(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    stream.writable().await.unwrap();
    let key = SocketKey { worker: 0, slot: 0, generation: 0 };
    let outbox = Rc::new(Outbox::new(key, Some(stream), Rc::new(policy)));
    for _ in 0..6 {
        assert!(outbox.stage(&Bytes::from(vec![7; 6 * KIB])), "the kernel takes it");
    }
    outbox.flush();
    let mut arrived = vec![0; 6 * 6 * KIB];
    timeout(PATIENCE, peer.read_exact(&mut arrived)).await.expect("all of it").unwrap();
    assert_eq!(outbox.status(), Status::Open);
}

#[actix_web::test]
async fn an_unfinished_message_behind_a_command_counts_too() {
    let settings = [
        ("MAX_MESSAGE_SIZE_BYTES", "65536"),
        ("HARD_MAX_MESSAGE_BYTES", "65536"),
        ("SEND_QUEUE_BYTES", "131072"),
        ("SEND_QUEUE_TOTAL_BYTES", "131072"),
    ];
    let server = TestServer::with(&settings);
    let mut hoarders = Vec::new();
    for _ in 0..8 {
        let mut stream = server.connect().await.into_stream();
        let join = br#"{"type":"join","payload":{"room":"dashboard:overview"}}"#;
        let unfinished = &frame(FIN | TEXT, &vec![b'x'; 50 * KIB])[..49 * KIB];
        let _ = stream.write_all(&[&frame(FIN | TEXT, join), unfinished].concat()).await;
        hoarders.push(stream);
    }
    server.until_connections(2).await;
}

#[actix_web::test]
async fn unfinished_messages_of_all_clients_together_are_bounded() {
    // Each may send 1 MiB, all together may hold 3 MiB of what is not finished.
    let settings = [("SEND_QUEUE_BYTES", "3145728"), ("SEND_QUEUE_TOTAL_BYTES", "3145728")];
    let server = TestServer::with(&settings);
    let mut honest = server.connect().await;
    let mut hoarders = Vec::new();
    for _ in 0..8 {
        let mut stream = server.connect().await.into_stream();
        // The head of a masked text frame of 900 KiB, and all of it but the end.
        let mut bytes = vec![0x81, 0xff];
        bytes.extend_from_slice(&(900 * KIB as u64).to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.resize(890 * KIB, b'x');
        // Whoever holds most is closed, which may be this one already.
        let _ = stream.write_all(&bytes).await;
        hoarders.push(stream);
    }
    server.until_connections(4).await;
    honest.expect_nothing().await;
}

#[actix_web::test]
async fn clients_that_vanish_leave_nothing_behind() {
    let server = TestServer::start();
    for round in 0..10 {
        let mut sockets = Vec::new();
        for _ in 0..20 {
            sockets.push(stalled(&server).await);
        }
        // Some say goodbye by resetting, some by closing, some in the middle of what they are sent.
        for (index, socket) in sockets.iter().enumerate() {
            if index % 3 == 0 {
                socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO)).unwrap();
            }
        }
        publish(&server, if round % 2 == 0 { 64 * KIB } else { 64 }).await;
        drop(sockets);
        server.until_connections(0).await;
    }
    let status = server.get("/api/ws/status").await.json();
    assert_eq!((&status["totalClients"], &status["rooms"]), (&json!(0), &json!({})));
}
