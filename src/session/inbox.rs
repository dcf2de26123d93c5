//! The session's mailbox: what comes on other connections than its own, handed to
//! [`super::engine`].

use actix::{Context, Handler};

use super::Session;
use super::endings::farewell_of;
use super::handle::{BeginProbe, End, HandOver, Poll, PollAborted, Push};

impl Handler<Poll> for Session {
    type Result = ();

    fn handle(&mut self, Poll(reply): Poll, _: &mut Context<Self>) {
        self.poll_came(reply);
    }
}

impl Handler<PollAborted> for Session {
    type Result = ();

    fn handle(&mut self, _: PollAborted, _: &mut Context<Self>) {
        self.poll_aborted();
    }
}

impl Handler<Push> for Session {
    type Result = ();

    fn handle(&mut self, push: Push, _: &mut Context<Self>) {
        self.push_came(push);
    }
}

impl Handler<End> for Session {
    type Result = ();

    fn handle(&mut self, End(reason): End, _: &mut Context<Self>) {
        // What goes wrong on a stray request is nothing to a session that left polling behind.
        if self.is_polling() {
            self.end_engine(farewell_of(reason), reason);
        }
    }
}

impl Handler<BeginProbe> for Session {
    type Result = ();

    fn handle(&mut self, BeginProbe { wire, reply }: BeginProbe, _: &mut Context<Self>) {
        self.probe_asked(wire, reply);
    }
}

impl Handler<HandOver> for Session {
    type Result = ();

    fn handle(&mut self, HandOver { number, socket }: HandOver, _: &mut Context<Self>) {
        self.probe_came(number, socket);
    }
}
