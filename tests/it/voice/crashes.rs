//! The real binary, ended as by a kill at each step of a command, and started again on what it has left: the effect
//! happened at most once, and the same key gets a truthful answer.
//!
//! A debug build aborts where a file `crash-at` in `DATA_DIR` names the step; a release build never looks.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::ONE;
use crate::support::PATIENCE;
use crate::support::scratch::Scratch;
use crate::support::socket::Socket;

/// A server process, killed when dropped.
struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    async fn start(home: &Path) -> Process {
        let mut child = Command::new(env!("CARGO_BIN_EXE_switchboard"))
            .args(["--port", "0", "--workers", "1", "--log-file", ""])
            .env_clear()
            .current_dir(home)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let listening = async {
            loop {
                let line = lines.next_line().await.unwrap().expect("it starts");
                if let Some(address) = line.strip_prefix("listening on http://") {
                    return address.parse().expect("an address");
                }
            }
        };
        let address = timeout(PATIENCE, listening).await.expect("it starts in time");
        Process { child, address }
    }

    async fn socket(&self) -> Socket {
        let mut socket = Socket::open(self.address, "/events", &[("x-tenant-key", ONE)]).await;
        socket.next("connected").await;
        socket
    }

    async fn until_crashed(mut self) {
        let status = timeout(PATIENCE, self.child.wait()).await.expect("it crashes in time").unwrap();
        assert_eq!(status.code(), None, "by a signal");
    }
}

/// Has a command cut off at `step`, and asks for it again after a restart. Gives that answer, and the socket.
async fn cut_off(home: &Scratch, command: &str, parameters: &Value, step: &str) -> (Value, Socket, Process) {
    let process = Process::start(home.path()).await;
    let mut socket = process.socket().await;
    let crash_at = home.path().join("data/crash-at");
    std::fs::write(&crash_at, step).unwrap();
    let key = json!({"idempotencyKey": "k"});
    socket.order(command, parameters.clone(), key.clone()).await;
    process.until_crashed().await;
    std::fs::remove_file(&crash_at).unwrap();

    let process = Process::start(home.path()).await;
    let mut socket = process.socket().await;
    let answer = socket.run_with(command, parameters.clone(), key).await;
    (answer, socket, process)
}

#[actix_web::test]
async fn a_lead_is_created_once_wherever_the_server_is_killed() {
    let lead = json!({"name": "John", "email": "john@example.com"});
    // Until it is committed nothing has happened, and the repeat does it; from then on the repeat hears of it.
    for (step, was_done) in [("begun", false), ("done", true), ("settled", true), ("told", true)] {
        let home = Scratch::new();
        let (answer, mut socket, _process) = cut_off(&home, "create_lead", &lead, step).await;
        assert_eq!(
            (&answer["success"], answer["replayed"] == true),
            (&json!(true), was_done),
            "{step}: {answer}"
        );
        assert_eq!(socket.leads().await, 1, "{step}");
        let listed = socket.run("get_leads", json!({})).await;
        assert_eq!(listed["data"]["leads"][0]["id"], answer["data"]["leadId"], "{step}");
    }
}

#[actix_web::test]
async fn a_backup_is_written_once_and_unknown_where_nobody_can_say() {
    let steps = [("begun", 0, false), ("done", 1, false), ("settled", 1, true), ("told", 1, true)];
    for (step, files, is_known) in steps {
        let home = Scratch::new();
        let (answer, _socket, _process) = cut_off(&home, "start_backup", &json!({}), step).await;
        let folder = home.path().join("data/backups/demo1");
        let written = std::fs::read_dir(folder).map_or(0, Iterator::count);
        assert_eq!(written, files, "{step}: the repeat has written none");
        if is_known {
            assert_eq!((&answer["success"], &answer["replayed"]), (&json!(true), &json!(true)), "{step}");
        } else {
            assert_eq!(answer["error"], "Outcome unknown", "{step}: {answer}");
        }
    }
}
