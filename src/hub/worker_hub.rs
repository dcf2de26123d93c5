//! The actor that writes: one per worker thread.
//!
//! It keeps one queue, in the order the RoomServer sent it. Fan-outs that stand together in the
//! queue are staged together, so that each socket gets what waits for it in one system call; those
//! that come while these are being written are staged behind them for whoever has still to be
//! written to. A lone one is written straight to the sockets. A walk is cut into slices, between which the
//! thread serves its other tasks; the queue stands still meanwhile, so nothing overtakes and no
//! member is skipped or served twice.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, MessageResult, WrapFuture};

use bytes::Bytes;

use super::census::{LookAt, Seen};
use super::messages::{Close, Register, Work};
use super::outbox::{Dismissal, Outbox, Status};
use super::outboxes::SocketKey;
use super::receipts::{Receipt, Receipts};
use super::roster::Roster;
use super::walk::Walk;
use super::worker::Worker;
use crate::dialect::prepared::Label;
use crate::dialect::{Dialect, Prepared, Reply};
use crate::telemetry::Critical;

/// Sockets written to before other tasks of the thread get their turn: about a millisecond.
const SLICE: usize = 256;
/// Most fan-outs, and bytes of them, that are staged before everyone has been written to.
const BATCH: usize = 64;
const BATCH_BYTES: usize = 64 * 1024;
/// Bytes compressed that take as long as a socket write.
const WORK: usize = 512;
/// Payloads above it are not staged together: what compressing them takes must be sliced.
const SMALL: usize = 4 * 1024;
/// Entries after which no further fan-out is staged: about a millisecond.
const BATCH_ENTRIES: usize = 16 * 1024;

pub struct WorkerHub {
    worker: Rc<Worker>,
    roster: Roster<Seat>,
    queue: VecDeque<Work>,
    /// How far the fan-out at the head of the queue has come.
    walk: Walk,
    /// Outboxes with staged frames, to be flushed in this order.
    staged: VecDeque<Rc<Outbox>>,
    /// What has been staged since nothing was.
    batch: Batch,
    /// What is to be told of the fan-out at the head of the queue before the slice ends.
    receipts: Vec<Receipt>,
    is_running: bool,
}

/// A socket's place: its connection's outbox, and what is spoken over it.
struct Seat {
    outbox: Rc<Outbox>,
    dialect: Dialect,
}

impl Seat {
    /// The entry that this socket gets.
    fn frame<'a>(&self, prepared: &'a Prepared, label: Label) -> Option<Cow<'a, Bytes>> {
        if !prepared.may_be_compressed() {
            self.outbox.forbid_compression();
        }
        prepared.frame(&self.dialect, label, self.outbox.wire())
    }

    /// What is to be told of the frame just sent, of a publication to be acknowledged by `number`.
    fn receipt(&self, key: SocketKey, number: u32, is_accepted: bool) -> Option<Receipt> {
        is_accepted.then(|| Receipt { number, key, state: self.outbox.mark(number, key) })
    }
}

/// How much is staged.
#[derive(Default)]
struct Batch {
    fan_outs: usize,
    bytes: usize,
    entries: usize,
}

impl Batch {
    fn is_full(&self) -> bool {
        self.fan_outs >= BATCH || self.bytes > BATCH_BYTES || self.entries > BATCH_ENTRIES
    }
}

impl WorkerHub {
    pub fn new(worker: Rc<Worker>) -> WorkerHub {
        WorkerHub {
            worker,
            roster: Roster::default(),
            queue: VecDeque::new(),
            walk: Walk::default(),
            staged: VecDeque::new(),
            batch: Batch::default(),
            receipts: Vec::new(),
            is_running: false,
        }
    }

    /// Works for one slice, then lets the thread's other tasks run before it goes on.
    fn run(&mut self, ctx: &mut Context<Self>) {
        let _critical = Critical::section("WorkerHub");
        self.is_running = self.work(SLICE);
        if self.is_running {
            ctx.spawn(tokio::task::yield_now().into_actor(self).map(|(), hub, ctx| hub.run(ctx)));
        }
    }

    /// Gives whether work is left after about `budget` socket writes.
    fn work(&mut self, mut budget: usize) -> bool {
        loop {
            if !self.staged.is_empty() {
                self.stage_together();
            }
            self.flush(&mut budget);
            if budget == 0 {
                return !self.staged.is_empty() || !self.queue.is_empty();
            }
            match self.queue.front() {
                None => return false,
                Some(Work::FanOut { .. }) => self.fan_out(&mut budget),
                Some(_) => {
                    self.apply();
                    budget = budget.saturating_sub(1);
                }
            }
        }
    }

    fn flush(&mut self, budget: &mut usize) {
        while *budget > 0
            && let Some(outbox) = self.staged.pop_front()
        {
            outbox.flush();
            *budget -= 1;
        }
        if self.staged.is_empty() {
            self.batch = Batch::default();
        }
    }

    /// Brings the fan-out at the head of the queue forward: alone and written at once, or staged
    /// together with those that stand directly behind it, and what is left of it too if it had begun
    /// alone.
    fn fan_out(&mut self, budget: &mut usize) {
        let Some(Work::FanOut { fan_out, .. }) = self.queue.front() else { return };
        let is_small = fan_out.prepared.size() <= SMALL;
        if is_small && matches!(self.queue.get(1), Some(Work::FanOut { .. })) {
            return self.stage_together();
        }
        let fan_out = Arc::clone(fan_out);
        let (ack, receipts) = (fan_out.prepared.ack(), &mut self.receipts);
        let before = *budget;
        let finished = self.walk.go(&mut self.roster, &fan_out, budget, |member, label, budget| {
            let seat = member.holds;
            let accepted = seat.frame(&fan_out.prepared, label).is_some_and(|frame| seat.outbox.send(&frame));
            if let Some(number) = ack {
                receipts.extend(seat.receipt(member.key, number, accepted));
            }
            *budget = budget.saturating_sub(fan_out.prepared.take_work() / WORK);
            accepted
        });
        // A walk past sockets it does not admit costs time too.
        *budget = (*budget).min(before.saturating_sub(1));
        if finished {
            self.report();
        } else {
            self.tell_receipts(None);
        }
    }

    /// Stages what stands at the head of the queue for its whole audience, as far as the batch has room.
    /// Staging is memory only, so it is not sliced; the writes that follow are.
    fn stage_together(&mut self) {
        while !self.batch.is_full() {
            let Some(Work::FanOut { fan_out, .. }) = self.queue.front() else { return };
            if fan_out.prepared.size() > SMALL {
                return;
            }
            let fan_out = Arc::clone(fan_out);
            let (staged, receipts, ack) = (&mut self.staged, &mut self.receipts, fan_out.prepared.ack());
            // Whoever is the first to need it pays for its encoding.
            let (mut longest, mut entries, mut no_limit) = (fan_out.prepared.size(), 0, usize::MAX);
            self.walk.go(&mut self.roster, &fan_out, &mut no_limit, |member, label, _| {
                let seat = member.holds;
                let Some(frame) = seat.frame(&fan_out.prepared, label) else { return false };
                longest = longest.max(frame.len());
                entries += 1;
                if seat.outbox.is_empty() {
                    staged.push_back(Rc::clone(&seat.outbox));
                }
                let accepted = seat.outbox.stage(&frame);
                if let Some(number) = ack {
                    receipts.extend(seat.receipt(member.key, number, accepted));
                }
                accepted
            });
            self.batch.fan_outs += 1;
            self.batch.bytes += longest;
            self.batch.entries += entries;
            self.report();
        }
    }

    /// Ends the walk at the head of the queue and tells how many took its publication.
    fn report(&mut self) {
        let accepted = self.walk.finish();
        if let Some(Work::FanOut { fan_out, report }) = self.queue.pop_front() {
            // Before the report: whoever has it may ask what became of the publication.
            self.tell_receipts(fan_out.prepared.ack());
            // Whoever asked may have gone; then nobody needs the number.
            let _ = report.send(accepted);
        }
    }

    /// Tells what the outboxes have accepted, before any session of this thread can hear an
    /// acknowledgement. `served` is the publication of which that was the last.
    fn tell_receipts(&mut self, served: Option<u32>) {
        if !self.receipts.is_empty() || served.is_some() {
            let receipts = std::mem::take(&mut self.receipts);
            self.worker.rooms().do_send(Receipts { receipts, served });
        }
    }

    /// Does the first thing in the queue, which is no fan-out.
    fn apply(&mut self) {
        match self.queue.pop_front() {
            Some(Work::Attach { key, dialect, groups, welcome, done: _done }) => {
                if let Some(outbox) = self.worker.outbox(key) {
                    self.roster.seat(key, Seat { outbox, dialect });
                    for group in groups {
                        self.roster.join(key, group);
                    }
                    self.write(key, &welcome);
                }
            }
            Some(Work::Change { key, leave, join, confirm, done: _done }) => {
                for group in leave {
                    self.roster.leave(key, group);
                }
                for group in join {
                    self.roster.join(key, group);
                }
                self.write(key, &confirm);
            }
            Some(Work::Detach { key, last }) => {
                if let Some(last) = last {
                    self.write(key, &Reply::one(last));
                }
                self.roster.vacate(key);
            }
            Some(Work::Say(key, reply)) => self.write(key, &reply),
            Some(Work::Evict(key)) => {
                if let Some(outbox) = self.worker.outbox(key) {
                    outbox.evict();
                }
            }
            Some(Work::Dismiss(key, farewell)) => {
                self.roster.vacate(key);
                if let Some(outbox) = self.worker.outbox(key) {
                    outbox.dismiss(Dismissal { socket: key, farewell });
                }
            }
            Some(Work::CloseConnection(key, farewell)) => {
                if let Some(outbox) = self.worker.outbox(key) {
                    outbox.close(farewell);
                }
            }
            Some(Work::Close(Close { farewell, part, parts })) => {
                self.worker.close_part(farewell, part, parts);
            }
            Some(Work::FanOut { .. }) | None => {}
        }
    }

    fn write(&self, key: SocketKey, reply: &Reply) {
        if let Some(seat) = self.roster.get(key) {
            for frame in reply.frames() {
                if reply.may_be_compressed() {
                    seat.outbox.answer(frame);
                } else {
                    seat.outbox.forbid_compression();
                    seat.outbox.send(frame);
                }
            }
        }
    }
}

impl Actor for WorkerHub {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.worker.rooms().do_send(Register { worker: self.worker.id(), hub: ctx.address() });
    }
}

/// Sent to itself: the mailbox has been emptied into the queue, so begin.
#[derive(Message)]
#[rtype(result = "()")]
struct Run;

impl Handler<Work> for WorkerHub {
    type Result = ();

    fn handle(&mut self, work: Work, ctx: &mut Self::Context) {
        self.queue.push_back(work);
        if !self.is_running {
            self.is_running = true;
            // A notification is handled once the mailbox is empty: all that came at once is seen at
            // once.
            ctx.notify(Run);
        }
    }
}

impl Handler<LookAt> for WorkerHub {
    type Result = MessageResult<LookAt>;

    fn handle(&mut self, LookAt(keys): LookAt, _: &mut Self::Context) -> Self::Result {
        let look = |key| {
            let outbox = self.worker.outbox(key)?;
            let is_closing = outbox.status() != Status::Open;
            Some(Seen { last_activity: outbox.last_activity.get(), is_closing })
        };
        MessageResult(keys.into_iter().map(look).collect())
    }
}

impl Handler<Run> for WorkerHub {
    type Result = ();

    fn handle(&mut self, _: Run, ctx: &mut Self::Context) {
        self.run(ctx);
    }
}
