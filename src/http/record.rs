//! What has come of one connection so far, as its gate sees it and its requests.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::gate::Left;
use super::poll::WaitingPoll;

/// Of a connection, from when the framework gets it until it lets it go.
#[derive(Default)]
pub struct Record {
    /// The client has sent something.
    pub has_asked: Cell<bool>,
    /// A request of it has come to our routes.
    pub is_heard: Cell<bool>,
    /// Something was written to it.
    pub is_answered: Cell<bool>,
    under_way: Cell<usize>,
    /// All that was read and not answered is one head, and nothing else of the client's can be on its way.
    is_alone: Cell<bool>,
    has_read: Cell<bool>,
    /// A request has come to our routes since something was read.
    has_heard: Cell<bool>,
    /// The framework may hold whole requests back, to look at them when more is read.
    may_hold_back: Cell<bool>,
    aside: RefCell<Option<WaitingPoll>>,
    left: RefCell<Option<Left>>,
}

/// A request under way.
pub struct Heard(Rc<Record>);

impl Record {
    /// The client has sent this.
    pub fn asked(&self, bytes: &[u8]) {
        self.has_asked.set(true);
        let is_first = !self.has_read.replace(true) && self.under_way.get() == 0;
        self.has_heard.set(false);
        self.is_alone.set(is_first && !self.may_hold_back.get() && is_one_head(bytes));
    }

    /// Something was written to the client.
    pub fn answered(&self) {
        self.is_answered.set(true);
        self.has_read.set(false);
        self.is_alone.set(false);
    }

    /// A request has come to our routes.
    pub fn hear(self: &Rc<Self>) -> Heard {
        self.is_heard.set(true);
        self.under_way.set(self.under_way.get() + 1);
        if self.has_heard.replace(true) {
            // Two came together: of many that do, it leaves some for later.
            self.may_hold_back.set(true);
        }
        Heard(Rc::clone(self))
    }

    /// Whether a poll waits for the framework to let go of its connection.
    pub fn has_poll_aside(&self) -> bool {
        self.aside.borrow().is_some()
    }

    /// The framework has let go.
    pub fn leave(&self, left: Left) {
        *self.left.borrow_mut() = Some(left);
    }

    /// The connection that was let go, and the poll that waits on it.
    pub fn take_left(&self) -> Option<(Left, WaitingPoll)> {
        self.left.take().zip(self.aside.take())
    }
}

impl Heard {
    /// Puts a poll aside.
    ///
    /// # Errors
    /// Gives it back if something else of the client's may be on its way, which would be lost.
    pub fn put_aside(&self, poll: WaitingPoll) -> Result<(), WaitingPoll> {
        if self.0.is_alone.get() && self.0.under_way.get() == 1 {
            *self.0.aside.borrow_mut() = Some(poll);
            return Ok(());
        }
        Err(poll)
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        self.0.under_way.set(self.0.under_way.get() - 1);
    }
}

/// Whether a GET begins here and the first empty line is the end, by the framework's lights, which takes a lone
/// LF for one too. What does not begin a request may end one whose beginning was read before.
fn is_one_head(bytes: &[u8]) -> bool {
    let ends =
        |at: usize| bytes[at + 1..].strip_prefix(b"\r").unwrap_or(&bytes[at + 1..]).strip_prefix(b"\n");
    let lines = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    lines.map(|(at, _)| at).find_map(ends).is_some_and(<[u8]>::is_empty) && bytes.starts_with(b"GET ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_head_ends_with_its_first_empty_line() {
        for one in ["GET / HTTP/1.1\r\nhost: x\r\n\r\n", "GET / HTTP/1.1\n\n", "GET / HTTP/1.1\r\n\n"] {
            assert!(is_one_head(one.as_bytes()), "{one:?}");
        }
        let two = "GET / HTTP/1.1\n\nGET / HTTP/1.1\r\n\r\n";
        let ends_another = "\r\nGET / HTTP/1.1\r\n\r\n";
        for other in [
            "",
            "\n",
            "GET / HTTP/1.1\r\n",
            "GET / HTTP/1.1\r\n\r\nG",
            "GET / HTTP/1.1\r\n\r\n\r\n",
            "rest\n\r\n",
            two,
            ends_another,
        ] {
            assert!(!is_one_head(other.as_bytes()), "{other:?}");
        }
    }

    #[test]
    fn a_request_is_alone_if_nothing_else_was_read_since_the_last_answer() {
        let record = Rc::new(Record::default());
        let head = b"GET / HTTP/1.1\r\n\r\n";
        let is_alone = |record: &Record| record.is_alone.get();
        record.asked(head);
        assert!(is_alone(&record));
        // Another behind it.
        record.asked(head);
        assert!(!is_alone(&record));
        record.answered();
        // The second of the two, if nothing has been read since.
        let heard = record.hear();
        assert!(!is_alone(&record));
        // One that comes while another is under way.
        record.asked(head);
        assert!(!is_alone(&record));
        drop(heard);
        record.answered();
        record.asked(b"GET / HTTP/1.1\r\n");
        record.asked(b"\r\n");
        assert!(!is_alone(&record), "in two parts");
        record.answered();
        record.asked(head);
        assert!(is_alone(&record));
        // Two that came together.
        drop((record.hear(), record.hear()));
        record.answered();
        record.asked(head);
        assert!(!is_alone(&record), "something may be held back");
    }
}
