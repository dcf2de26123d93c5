//! Connections given up at every step of their life.

use std::time::Duration;

use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::handshake::good;
use super::{CLOSE, FIN, Scene, TEXT, frame};
use crate::support::PATIENCE;

#[actix_web::test]
async fn a_handshake_abandoned_anywhere_leaves_nothing_behind() {
    let mut scene = Scene::new().await;
    let message = frame(FIN | TEXT, br#"{"type":"join","payload":{"room":"public:left"}}"#);
    let mut fragment = message.clone();
    fragment[0] = TEXT;
    let stages: Vec<(&str, Vec<u8>, bool)> = vec![
        ("connected", Vec::new(), false),
        ("first byte", b"G".to_vec(), false),
        ("half the head", good()[..60].to_vec(), false),
        ("all but one byte", good()[..good().len() - 1].to_vec(), false),
        ("whole head, nothing read", good(), false),
        ("101 read", good(), true),
        ("half a header", [good(), message[..1].to_vec()].concat(), true),
        ("half a frame", [good(), message[..20].to_vec()].concat(), true),
        ("a fragment", [good(), fragment].concat(), true),
        ("a question", [good(), message].concat(), false),
        ("a close", [good(), frame(FIN | CLOSE, &[3, 232])].concat(), false),
        ("a violation", [good(), vec![0xFF; 8]].concat(), false),
    ];
    for (stage, bytes, reads) in &stages {
        for is_reset in [false, true] {
            for _ in 0..5 {
                let mut stream = TcpStream::connect(scene.server.address()).await.unwrap();
                stream.write_all(bytes).await.unwrap_or_else(|error| panic!("{stage}: {error}"));
                if *reads {
                    timeout(PATIENCE, stream.readable()).await.expect("an answer in time").unwrap();
                }
                if is_reset {
                    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
                }
            }
        }
        scene.assert_unharmed().await;
    }
}
