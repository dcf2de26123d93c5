//! What becomes of frames that are to be acknowledged, told to the RoomServer's
//! [`Ledger`](super::ledger::Ledger).
//!
//! A hub tells of the frames that outboxes accept. Of those that wait, [`Marks`] beside the queue
//! remember where they end, and tell when that byte has been taken. Both tell within the step in which
//! it happens, on the socket's own thread: before the session there can hear, and pass on, an
//! acknowledgement.

use std::collections::VecDeque;

use actix::Message;

use super::ledger::Delivery;
use super::outboxes::SocketKey;

/// Of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The ack number of its publication.
    pub number: u32,
    /// The socket it is for.
    pub key: SocketKey,
    pub state: Delivery,
}

/// Of some frames.
#[derive(Message, Debug, Default)]
#[rtype(result = "()")]
pub struct Receipts {
    pub receipts: Vec<Receipt>,
    /// With these a hub has told of all that it had to serve with this publication.
    pub served: Option<u32>,
}

/// Who is told. Never lost: the RoomServer outlives every outbox.
pub type Listener = actix::Recipient<Receipts>;

/// Where the frames end that wait in one queue and are to be told of; 24 bytes each, for frames of more.
/// Those that are left when the marks are dropped are gone.
pub struct Marks {
    listener: Listener,
    /// Bytes taken off the queue since the first mark was set.
    taken: u64,
    marks: VecDeque<Mark>,
}

struct Mark {
    /// Bytes that will have been taken when its frame has been.
    end: u64,
    number: u32,
    key: SocketKey,
}

impl Marks {
    pub fn new(listener: Listener) -> Marks {
        Marks { listener, taken: 0, marks: VecDeque::new() }
    }

    /// Marks the last of so many waiting bytes as the end of a frame.
    pub fn set(&mut self, number: u32, key: SocketKey, waiting: usize) {
        self.marks.push_back(Mark { end: self.taken + waiting as u64, number, key });
    }

    /// So many bytes have been taken off the front. Gives whether marks are left.
    pub fn advance(&mut self, bytes: usize) -> bool {
        self.taken += bytes as u64;
        let passed = self.marks.iter().take_while(|mark| mark.end <= self.taken).count();
        self.tell(0, passed, Delivery::Written);
        !self.marks.is_empty()
    }

    /// All but so many bytes at the front have been dropped.
    pub fn cut(&mut self, waiting: usize) {
        let end = self.taken + waiting as u64;
        let kept = self.marks.iter().take_while(|mark| mark.end <= end).count();
        self.tell(kept, self.marks.len(), Delivery::Gone);
    }

    fn tell(&mut self, from: usize, to: usize, state: Delivery) {
        if from < to {
            let told = self.marks.drain(from..to);
            let receipts = told.map(|Mark { number, key, .. }| Receipt { number, key, state }).collect();
            self.listener.do_send(Receipts { receipts, served: None });
        }
    }
}

impl Drop for Marks {
    fn drop(&mut self) {
        self.tell(0, self.marks.len(), Delivery::Gone);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use actix::{Actor, Context, Handler};

    use super::*;

    /// Keeps what it is told, by ack number.
    #[derive(Default)]
    struct Told(Arc<Mutex<Vec<(u32, Delivery)>>>);

    impl Actor for Told {
        type Context = Context<Self>;
    }

    impl Handler<Receipts> for Told {
        type Result = ();

        fn handle(&mut self, told: Receipts, _: &mut Self::Context) {
            self.0.lock().unwrap().extend(told.receipts.iter().map(|own| (own.number, own.state)));
        }
    }

    #[derive(Message)]
    #[rtype(result = "()")]
    struct Look;

    impl Handler<Look> for Told {
        type Result = ();

        fn handle(&mut self, _: Look, _: &mut Self::Context) {}
    }

    #[actix_web::test]
    async fn a_frame_is_written_with_its_last_byte_and_gone_with_what_is_cut() {
        let told = Told::default();
        let list = Arc::clone(&told.0);
        let listener = told.start();
        let key = SocketKey { worker: 0, slot: 0, generation: 0 };
        let mut marks = Marks::new(listener.clone().recipient());
        // Frames of 10 bytes, the third unmarked, of which all wait.
        for (number, waiting) in [(0, 10), (1, 20), (3, 40), (4, 50)] {
            marks.set(number, key, waiting);
        }
        assert!(marks.advance(9));
        assert!(marks.advance(1));
        assert!(marks.advance(15));
        // 25 of 50 are taken; one more comes, and is the 35th that waits.
        marks.set(5, key, 35);
        // Only the rest of the third frame, and the fourth, stay.
        marks.cut(15);
        assert!(!marks.advance(15));
        marks.set(6, key, 7);
        drop(marks);
        listener.send(Look).await.unwrap();
        use Delivery::{Gone, Written};
        let expected = [(0, Written), (1, Written), (4, Gone), (5, Gone), (3, Written), (6, Gone)];
        assert_eq!(*list.lock().unwrap(), expected);
    }
}
