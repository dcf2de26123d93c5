//! The floor: the least a process can do to hand one frame to every socket, a plain loop of `write(2)`.
//!
//! This executable, started again with [`ARGUMENT`], so that its CPU is read apart. No runtime, no protocol, no error
//! recovery: whatever is added here would flatter the product. The `Sec-WebSocket-Accept` of the 101 is a constant,
//! because the only client, `websocket.rs`, does not check it.
//!
//! ```text
//! stdin        u64 members of a room, u64 length, frame, then nothing until the parent's end
//! subscriber   GET … -> 101, then frames; those who come first are the first room, and so on
//! control      CONTROL -> for each byte in: write the frame to everyone of the next room, one byte out
//! ```

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::void::{During, Result, Void};

pub const ARGUMENT: &str = "--serve-as-floor";
/// Opens the control connection; everything else is a subscriber.
pub const CONTROL: &[u8] = b"CONTROL\r\n\r\n";
pub const TRIGGER: u8 = b'p';
/// Every socket took the whole frame.
pub const WRITTEN: u8 = b'w';
/// At least one socket had no room. The floor does not queue, so the run is void.
pub const SHORT: u8 = b's';

const SWITCHING: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
const HEAD_LIMIT: Duration = Duration::from_secs(10);
const HEAD_MAX: usize = 4096;

type Subscribers = Arc<Mutex<Vec<TcpStream>>>;

/// What the parent writes to the floor's standard input.
pub fn input(members: usize, frame: &[u8]) -> Vec<u8> {
    let mut input = [(members as u64).to_be_bytes(), (frame.len() as u64).to_be_bytes()].concat();
    input.extend_from_slice(frame);
    input
}

/// Serves until the parent ends.
///
/// # Errors
/// [`Void`] when the frame cannot be read, no port is free, or a connection does not open as one of the two kinds.
pub fn serve() -> Result<()> {
    let members = read_number().during("floor: reading the size of a room")?.max(1);
    let frame: Arc<[u8]> = read_frame().during("floor: reading the frame")?.into();
    end_with_parent();
    let listener = TcpListener::bind(("127.0.0.1", 0)).during("floor: binding")?;
    println!("listening on http://{}", listener.local_addr().during("floor: binding")?);

    let subscribers = Subscribers::default();
    for stream in listener.incoming() {
        let mut stream = stream.during("floor: accepting")?;
        let head = read_head(&mut stream).during("floor: reading a request")?;
        if head == CONTROL {
            let (subscribers, frame) = (Arc::clone(&subscribers), Arc::clone(&frame));
            // One blocking thread, so that a run-queue wait of the floor is always a neighbour's doing.
            thread::spawn(move || obey(stream, &subscribers, members, &frame));
        } else {
            stream
                .set_nodelay(true)
                .and_then(|()| stream.write_all(SWITCHING))
                .during("floor: answering 101")?;
            stream.set_nonblocking(true).during("floor: answering 101")?;
            subscribers.lock().unwrap_or_else(PoisonError::into_inner).push(stream);
        }
    }
    Err(Void::new("floor: the listener ended"))
}

fn read_number() -> io::Result<usize> {
    let mut number = [0; 8];
    io::stdin().read_exact(&mut number)?;
    usize::try_from(u64::from_be_bytes(number)).map_err(io::Error::other)
}

fn read_frame() -> io::Result<Vec<u8>> {
    let length = read_number()? as u64;
    let mut frame = Vec::new();
    io::stdin().take(length).read_to_end(&mut frame)?;
    Ok(frame)
}

/// Standard input is held open by the parent: its end is the parent's end, even one by SIGKILL.
fn end_with_parent() {
    thread::spawn(|| {
        // Data or an error would be the parent's fault; either way nobody is measured any more.
        let _ = io::stdin().read(&mut [0]);
        process::exit(0);
    });
}

fn read_head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(HEAD_LIMIT))?;
    let mut head = vec![0; HEAD_MAX];
    let mut length = 0;
    while !head[..length].ends_with(b"\r\n\r\n") {
        match stream.read(&mut head[length..])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => length += read,
        }
    }
    head.truncate(length);
    Ok(head)
}

fn obey(mut control: TcpStream, subscribers: &Subscribers, members: usize, frame: &[u8]) {
    let mut turn = 0;
    // It may be silent for as long as the product is measured.
    let ready = control.set_read_timeout(None).and_then(|()| control.set_nodelay(true));
    let mut trigger = [0];
    while ready.is_ok() && control.read_exact(&mut trigger).is_ok() {
        let subscribers = subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        let rooms = subscribers.len().div_ceil(members).max(1);
        let answer = fan_out(subscribers.chunks(members).nth(turn % rooms).unwrap_or_default(), frame);
        drop(subscribers);
        turn += 1;
        if control.write_all(&[answer]).is_err() {
            return;
        }
    }
}

fn fan_out(subscribers: &[TcpStream], frame: &[u8]) -> u8 {
    let mut answer = WRITTEN;
    for mut subscriber in subscribers {
        if !subscriber.write(frame).is_ok_and(|written| written == frame.len()) {
            answer = SHORT;
        }
    }
    answer
}
