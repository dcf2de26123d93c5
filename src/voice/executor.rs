//! The VoiceCommandExecutor: has every command wait for its turn, run, and be answered.
//!
//! A mailbox around the [`Queue`]. It runs nothing itself; commands run on the [`Bench`]es of their lane.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, ResponseFuture, SpawnHandle,
    SyncArbiter, WrapFuture,
};
use log::info;
use tokio::sync::oneshot;

use super::order::{Body, Order, Refused, Response, Verdict};
use super::queue::{Lane, Queue, Ticket};
use super::workshop::{Bench, Forget, Ran, Run, Workshop};
use crate::domain::id::Id;
use crate::domain::time::{Moment, Timestamp};
use crate::telemetry::Critical;

/// How often the journal is rid of what is due.
const SWEEP: Duration = Duration::from_secs(60 * 60);

/// Takes a `voice_command_response` to the socket that waits for it, behind what has been published before.
pub type Respond = Box<dyn FnOnce(Response) + Send>;

/// Do this, and say what came of it.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Execute {
    pub order: Order,
    pub respond: Respond,
}

/// Ready once nothing is left to be done.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Finish;

pub struct VoiceCommandExecutor {
    workshop: Arc<Workshop>,
    deadline: Duration,
    queue: Queue,
    lanes: [Addr<Bench>; 2],
    entries: HashMap<Ticket, Entry>,
    /// Keys whose command runs, with those who wait for the same result.
    pending: HashMap<(Id, String), Pending>,
    /// In the order of asking, which is theirs too.
    deadlines: VecDeque<(Moment, Ticket)>,
    alarm: Option<SpawnHandle>,
    finished: Vec<oneshot::Sender<()>>,
}

/// A command from its coming until it is over.
struct Entry {
    /// `None` while a bench has it.
    order: Option<Box<Order>>,
    /// `None` once it is answered.
    respond: Option<Respond>,
    /// How it is answered if it takes too long, while a bench has the order.
    late: Option<(&'static str, Response)>,
    /// The key it holds while it runs.
    holds: Option<(Id, String)>,
}

struct Pending {
    body: Body,
    waiting: Vec<Ticket>,
}

/// If a handler panics, the queue may be half changed: then the process ends.
fn critical() -> Critical {
    Critical::section("VoiceCommandExecutor")
}

impl VoiceCommandExecutor {
    /// At most `in_flight` commands of one tenant wait or run, each for `deadline` at most.
    pub fn new(workshop: Arc<Workshop>, in_flight: usize, deadline: Duration) -> VoiceCommandExecutor {
        let lanes = Lane::ALL.map(|lane| {
            let workshop = Arc::clone(&workshop);
            SyncArbiter::start(lane.threads(), move || Bench(Arc::clone(&workshop)))
        });
        VoiceCommandExecutor {
            workshop,
            deadline,
            queue: Queue::of(in_flight),
            lanes,
            entries: HashMap::new(),
            pending: HashMap::new(),
            deadlines: VecDeque::new(),
            alarm: None,
            finished: Vec::new(),
        }
    }

    /// Starts whatever may run now.
    fn advance(&mut self, ctx: &mut Context<Self>) {
        while let Some(ticket) = self.queue.start_next() {
            self.start(ticket, ctx);
        }
        if self.entries.is_empty() {
            self.finished.clear();
        }
    }

    fn start(&mut self, ticket: Ticket, ctx: &mut Context<Self>) {
        let now = self.workshop.ambient.clock.wall();
        let Some(entry) = self.entries.get_mut(&ticket) else { return self.queue.end(ticket) };
        let Some(mut order) = entry.order.take() else { return };
        let lane = lane_of(&order);
        if let Some(key) = order.repeatable().map(|key| (order.tenant.clone(), key.clone())) {
            match self.pending.get_mut(&key) {
                Some(pending) if pending.body == order.body => {
                    // It waits for the same result, and needs no thread for that.
                    pending.waiting.push(ticket);
                    entry.order = Some(order);
                    return self.queue.free(ticket);
                }
                // Whichever of the two came to the journal first would be the one to run.
                Some(_) if order.asked.is_ok() => order.asked = Err(Refused::conflict()),
                None if order.asked.is_ok() => {
                    let pending = Pending { body: order.body, waiting: Vec::new() };
                    self.pending.insert(key.clone(), pending);
                    entry.holds = Some(key);
                }
                _ => {}
            }
        }
        let acts = order.asked.as_ref().is_ok_and(|(command, _)| command.has_effect);
        let (error, late) = too_late(acts, now);
        entry.late = Some((error, order.response(&late)));
        let ran = self.lanes[lane as usize].send(Run { ticket, order });
        let ran = ran.into_actor(self).map(|ran, executor, ctx| {
            let _critical = critical();
            // A bench ends with the process, never alone.
            if let Ok(ran) = ran {
                executor.take(ran, ctx);
            }
        });
        ctx.spawn(ran);
    }

    /// Takes what a command has come to.
    fn take(&mut self, Ran { ticket, order, verdict }: Ran, ctx: &mut Context<Self>) {
        self.answer(ticket, verdict.error.as_deref(), || order.response(&verdict));
        let holds = self.entries.remove(&ticket).and_then(|entry| entry.holds);
        self.queue.end(ticket);
        let waiting = holds.and_then(|key| self.pending.remove(&key)).map(|pending| pending.waiting);
        let replayed = Verdict { replayed: true, ..verdict };
        for waiter in waiting.unwrap_or_default() {
            if replayed.confirm.is_some() && self.is_confirmed(waiter) {
                self.queue.resume(waiter);
            } else {
                self.answer_and_end(waiter, &replayed);
            }
        }
        self.advance(ctx);
    }

    /// Whether it has a token of its own, so that another's refusal is no answer to it.
    fn is_confirmed(&self, ticket: Ticket) -> bool {
        let order = self.entries.get(&ticket).and_then(|entry| entry.order.as_ref());
        order.is_some_and(|order| order.confirm_token.is_some())
    }

    /// Answers one that no bench has, and is done with it.
    fn answer_and_end(&mut self, ticket: Ticket, verdict: &Verdict) {
        let Some(order) = self.entries.get_mut(&ticket).and_then(|entry| entry.order.take()) else { return };
        self.answer(ticket, verdict.error.as_deref(), || order.response(verdict));
        self.entries.remove(&ticket);
        self.queue.end(ticket);
    }

    /// Answers, unless that was done; and tells the refusals that stood behind it.
    fn answer(&mut self, ticket: Ticket, error: Option<&str>, response: impl FnOnce() -> Response) {
        let respond = self.entries.get_mut(&ticket).and_then(|entry| entry.respond.take());
        let Some(respond) = respond else { return };
        if let (Some(error), Some((tenant, asker))) = (error, self.queue.whose(ticket)) {
            self.count_refusal(tenant, asker, error);
        }
        respond(response());
        for refused in self.queue.answered(ticket) {
            self.tell_refused(refused);
        }
    }

    fn tell_refused(&mut self, ticket: Ticket) {
        let entry = self.entries.remove(&ticket);
        if let Some(Entry { respond: Some(respond), late: Some((_, response)), .. }) = entry {
            respond(response);
        }
    }

    /// Each request that is refused is counted once and leaves a line (contract D-08, checklist F-072).
    fn count_refusal(&self, tenant: &Id, asker: &Id, error: &str) {
        self.workshop.meters.refused();
        info!(id = asker.as_str(), tenant = tenant.as_str(), error; "command_refused");
    }

    /// Refuses one for which there is no room, in its turn.
    fn refuse(&mut self, order: &Order, respond: Respond) {
        let now = self.workshop.ambient.clock.wall();
        let busy = Verdict::refused("Busy", now).because("Too many commands of the tenant wait or run");
        let response = order.response(&busy);
        self.count_refusal(&order.tenant, &order.asker, "Busy");
        match self.queue.push_refused(&order.asker) {
            None => respond(response),
            Some(ticket) => {
                let (respond, late) = (Some(respond), Some(("Busy", response)));
                self.entries.insert(ticket, Entry { order: None, respond, late, holds: None });
            }
        }
    }

    /// Answers whatever has taken too long.
    fn keep_time(&mut self, ctx: &mut Context<Self>) {
        let now = self.workshop.ambient.clock.now();
        let wall = self.workshop.ambient.clock.wall();
        while let Some((at, ticket)) = self.deadlines.front().copied() {
            let is_over = self.entries.get(&ticket).is_none_or(|entry| entry.respond.is_none());
            if at > now && !is_over {
                break;
            }
            self.deadlines.pop_front();
            if is_over {
                continue;
            }
            match self.entries.get_mut(&ticket).map(|entry| entry.late.take()) {
                // It runs on: what it comes to is kept for a repeat.
                Some(Some((error, late))) => self.answer(ticket, Some(error), || late),
                Some(None) => self.give_up(ticket, wall),
                None => {}
            }
        }
        self.arm(ctx);
        self.advance(ctx);
    }

    /// Answers one that was never begun, or waits for another's result.
    fn give_up(&mut self, ticket: Ticket, now: Timestamp) {
        let is_waiting = self.pending.values().any(|pending| pending.waiting.contains(&ticket));
        let verdict = if is_waiting {
            let order = self.entries.get(&ticket).and_then(|entry| entry.order.as_ref());
            // Words that were not understood wait for what they may have begun.
            let asked = order.and_then(|order| order.asked.as_ref().ok());
            too_late(asked.is_none_or(|(command, _)| command.has_effect), now).1
        } else {
            Verdict::refused("Deadline exceeded", now).because("It was not begun and has had no effect")
        };
        for pending in self.pending.values_mut() {
            pending.waiting.retain(|own| *own != ticket);
        }
        self.answer_and_end(ticket, &verdict);
    }

    /// Sees to it that the first deadline is kept.
    fn arm(&mut self, ctx: &mut Context<Self>) {
        if let Some(alarm) = self.alarm.take() {
            ctx.cancel_future(alarm);
        }
        let Some((at, _)) = self.deadlines.front() else { return };
        let sleep = self.workshop.ambient.clock.sleep_until(*at).into_actor(self);
        self.alarm = Some(ctx.spawn(sleep.map(|(), executor, ctx| {
            let _critical = critical();
            executor.alarm = None;
            executor.keep_time(ctx);
        })));
    }

    /// Has the journal tidied again and again.
    fn sweep(&mut self, ctx: &mut Context<Self>) {
        self.lanes[Lane::Long as usize].do_send(Forget);
        let clock = &self.workshop.ambient.clock;
        let next = clock.sleep_until(clock.now() + SWEEP).into_actor(self);
        ctx.spawn(next.map(|(), executor, ctx| executor.sweep(ctx)));
    }
}

const STILL_RUNS: &str = "It takes longer than allowed and runs on; a repeat under the same idempotencyKey hears what became of it";

/// What is told of a command that is not over at its deadline, whether or not it `acts`.
fn too_late(acts: bool, now: Timestamp) -> (&'static str, Verdict) {
    let (error, details) =
        if acts { ("Outcome unknown", STILL_RUNS) } else { ("Deadline exceeded", "It has had no effect") };
    (error, Verdict::refused(error, now).because(details))
}

/// A refusal only has to be written down.
fn lane_of(order: &Order) -> Lane {
    order.asked.as_ref().map_or(Lane::Quick, |(command, _)| command.lane)
}

impl Actor for VoiceCommandExecutor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.sweep(ctx);
    }
}

impl Handler<Execute> for VoiceCommandExecutor {
    type Result = ();

    fn handle(&mut self, Execute { order, respond }: Execute, ctx: &mut Self::Context) {
        let _critical = critical();
        let Some(ticket) = self.queue.push(&order.tenant, &order.asker, lane_of(&order)) else {
            return self.refuse(&order, respond);
        };
        let entry = Entry { order: Some(Box::new(order)), respond: Some(respond), late: None, holds: None };
        self.entries.insert(ticket, entry);
        self.deadlines.push_back((self.workshop.ambient.clock.now() + self.deadline, ticket));
        if self.deadlines.len() == 1 {
            self.arm(ctx);
        }
        self.advance(ctx);
    }
}

impl Handler<Finish> for VoiceCommandExecutor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Finish, _: &mut Self::Context) -> Self::Result {
        let (done, finished) = oneshot::channel();
        if !self.entries.is_empty() {
            self.finished.push(done);
        }
        Box::pin(async move {
            let _ = finished.await;
        })
    }
}
