//! Socket.IO clients that poll, each with a session in the room and as much of HTTP as is asked for.
//!
//! What a session holds and what its connection holds are told apart by leaving parts out: sessions that share a few
//! connections, sessions with a connection of their own, and those whose connection waits for the answer to a GET.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::greeting::{self, AT_ONCE, Dialect};
use crate::http::{self, Client};
use crate::publisher::{Publisher, metric_update};
use crate::void::{During, Result, Void, within};

const LIMIT: Duration = Duration::from_secs(15);
const TARGET: &str = "/socket.io/?EIO=4&transport=polling";
const PAYLOAD: usize = 64;

/// How much of a polling client there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// No session: a connection that has asked one thing, and is kept.
    ConnectionOnly,
    /// Sessions that are asked on a few connections.
    SessionOnly,
    /// A session and its connection, between two polls.
    Between,
    /// And a GET that waits.
    Parked,
}

/// Clients as they were opened, with the connections to their server.
pub struct Pollers {
    extent: Extent,
    address: SocketAddr,
    clients: Vec<Client>,
    /// What to GET for each session. On a connection of its own, the one at the same place.
    polls: Vec<String>,
}

impl Pollers {
    /// # Errors
    /// [`Void`] of the first client that is refused anything.
    pub async fn open(address: SocketAddr, count: usize, extent: Extent) -> Result<Self> {
        let connections = if extent == Extent::SessionOnly { count.min(AT_ONCE) } else { count };
        let one = |number| async move {
            let numbers = (number..count).step_by(connections);
            within(LIMIT, "opening polling sessions", open_on(address, numbers, extent)).await
        };
        let opened = stream::iter(0..connections).map(one).buffer_unordered(AT_ONCE);
        let opened: Vec<(Client, Vec<String>)> = opened.try_collect().await?;
        let (clients, polls): (Vec<_>, Vec<_>) = opened.into_iter().unzip();
        Ok(Self { extent, address, clients, polls: polls.concat() })
    }

    /// Publishes once, to `members` in all, and hears from each session that it got it.
    ///
    /// # Errors
    /// [`Void`] when one of them was not there, did not wait as it should, or got anything else.
    pub async fn verify(mut self, members: usize) -> Result<()> {
        if self.extent == Extent::ConnectionOnly {
            return Ok(());
        }
        let data = metric_update(PAYLOAD)?;
        let published = Publisher::backend(self.address, 1, &data).publish(0, members).await;
        published.during("counting the polling sessions")?;
        let told = async {
            let connections = self.clients.len();
            for (number, poll) in self.polls.iter().enumerate() {
                let client = &mut self.clients[number % connections];
                let answer = match self.extent {
                    Extent::Parked => client.answer().await?,
                    _ => client.ask(poll).await?,
                };
                expect(&answer, r#"42["metric_update","#)?;
            }
            Ok(())
        };
        within(LIMIT, "the polls of all sessions", told).await
    }
}

/// Opens a session for each of `numbers`, all on one connection. Gives it with the polls of the sessions.
async fn open_on(
    address: SocketAddr,
    numbers: impl Iterator<Item = usize>,
    extent: Extent,
) -> Result<(Client, Vec<String>)> {
    let mut client = Client::connect(address).await?;
    let mut polls = Vec::new();
    if extent == Extent::ConnectionOnly {
        client.ask(&http::get("/health")).await?;
        return Ok((client, polls));
    }
    for number in numbers {
        let poll = open_session(&mut client, number).await?;
        if extent == Extent::Parked {
            client.send(&poll).await?;
        }
        polls.push(poll);
    }
    Ok((client, polls))
}

/// Opens one session, which has then nothing to tell its client.
async fn open_session(client: &mut Client, number: usize) -> Result<String> {
    let open = client.ask(&http::get(TARGET)).await?;
    let sid = open.strip_prefix(br#"0{"sid":""#).and_then(|rest| rest.split(|byte| *byte == b'"').next());
    let sid = std::str::from_utf8(sid.ok_or_else(|| Void::new("no sid"))?).during("reading a sid")?;
    let target = format!("{TARGET}&sid={sid}");
    let poll = http::get(&target);
    for (packet, told) in [
        (
            greeting::socket_io_connect(Dialect::SocketIo, number)?.as_str(),
            &[r#"40{"sid":"#, r#"42["connection_established","#][..],
        ),
        (greeting::socket_io_join(Dialect::SocketIo, 0).as_str(), &[r#"42["room_joined","#][..]),
    ] {
        let posted = client.ask(&http::post(&target, "text/plain;charset=UTF-8", packet)).await?;
        expect(&posted, "ok")?;
        let mut left = told.iter();
        // The confirmation and what follows it may come in one answer or in two.
        while !left.as_slice().is_empty() {
            let answer = client.ask(&poll).await?;
            for (packet, beginning) in answer.split(|byte| *byte == 0x1e).zip(&mut left) {
                expect(packet, beginning)?;
            }
        }
    }
    Ok(poll)
}

fn expect(answer: &[u8], beginning: &str) -> Result<()> {
    greeting::expected(&String::from_utf8_lossy(answer), beginning)
}
