//! What waits in an outbox, in whole messages, and who is to be woken for it.
//!
//! Pure but for the wakers: nothing is written here. [`Outbox`](super::outbox::Outbox) owns the only
//! instance of each and decides when what may wait.

use std::collections::VecDeque;
use std::task::Waker;

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::outboxes::SocketKey;
use super::receipts::{Listener, Marks};
use crate::domain::farewell::Farewell;
use crate::limits::budget::Account;

/// Whether more may be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    #[default]
    Open,
    /// A close frame is the last thing that is or was sent.
    Closing(Farewell),
    /// The socket failed or was given up; nothing can be sent.
    Broken,
}

/// A socket that has been taken out of everything and is still to be told so. Its goodbye is the
/// session's to say: only that knows whether it was the connection's last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dismissal {
    pub socket: SocketKey,
    pub farewell: Farewell,
}

/// Those of one connection: at most one of each of its sockets.
#[derive(Default)]
pub struct Dismissals(pub Vec<Dismissal>);

/// What waits, and whether more may.
#[derive(Default)]
pub struct Queue {
    pub status: Status,
    pub waiting: VecDeque<Bytes>,
    pub bytes: usize,
    /// The first waiting entry is the rest of a frame whose head is out already.
    pub is_mid_frame: bool,
    /// Something that waits may not be compressed on its way.
    pub is_incompressible: bool,
    /// Open while a blocked socket keeps bytes waiting.
    pub account: Option<Account<SocketKey>>,
    pub drainer: Option<JoinHandle<()>>,
    pub watcher: Option<Waker>,
    /// In a box because hardly any connection ever has one.
    pub dismissals: Option<Box<Dismissals>>,
    /// Where frames end that are to be told of, while any wait.
    marks: Option<Box<Marks>>,
}

impl Queue {
    pub fn push(&mut self, entry: Bytes) {
        self.bytes += entry.len();
        self.waiting.push_back(entry);
    }

    /// Takes `written` bytes off the front.
    pub fn advance(&mut self, mut written: usize) {
        self.bytes -= written;
        self.marks.take_if(|marks| !marks.advance(written));
        while let Some(front) = self.waiting.front_mut() {
            if written < front.len() {
                if written > 0 {
                    *front = front.slice(written..);
                    self.is_mid_frame = true;
                }
                return;
            }
            written -= front.len();
            self.waiting.pop_front();
            self.is_mid_frame = false;
        }
    }

    /// Has `listener` told what becomes of the last entry, which is of publication `number` and for the
    /// socket `key`.
    pub fn mark(&mut self, number: u32, key: SocketKey, listener: &Listener) {
        let marks = self.marks.get_or_insert_with(|| Box::new(Marks::new(listener.clone())));
        marks.set(number, key, self.bytes);
    }

    /// Drops what waits, but for the rest of a frame already begun.
    pub fn cut(&mut self) {
        self.waiting.truncate(usize::from(self.is_mid_frame));
        self.bytes = self.waiting.iter().map(Bytes::len).sum();
        self.account = None;
        if let Some(marks) = &mut self.marks {
            marks.cut(self.bytes);
        }
    }

    /// Nothing waits any more: hold no memory, and tell a session that waits to close.
    pub fn rest(&mut self) {
        self.waiting = VecDeque::new();
        self.is_incompressible = false;
        self.account = None;
        if self.status != Status::Open {
            self.wake();
        }
    }

    pub fn turn(&mut self, status: Status) {
        self.status = status;
        self.wake();
    }

    pub fn give_up(&mut self, status: Status) {
        self.bytes = 0;
        self.marks = None;
        self.rest();
        if let Some(drainer) = self.drainer.take() {
            drainer.abort();
        }
        self.turn(status);
    }

    pub fn wake(&self) {
        if let Some(watcher) = &self.watcher {
            watcher.wake_by_ref();
        }
    }
}
