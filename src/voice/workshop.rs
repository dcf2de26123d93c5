//! One command from beginning to end, on a thread that may block: the journal, the effect, what is told of it.
//!
//! The order of steps is what makes the promise of D-21: the journal's row is on disk before the effect, and the
//! answer is on disk with the effect or, where that lies outside of the store, behind it. Whoever is killed
//! in between leaves a row that says so.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use actix::{Actor, Handler, Message, MessageResult, SyncContext};
use log::error;
use serde_json::value::RawValue;

use super::command::{Command, Desk, Done, Failure, Kept, Task, Trace};
use super::confirm::Confirmations;
use super::order::{Order, Refused, Verdict};
use super::queue::Ticket;
use crate::domain::Ambient;
use crate::domain::time::Timestamp;
use crate::events::publisher::Publisher;
use crate::store::{AuditKind, Begin, Begun, Effect, Record, Settle, Store, StoreError};
use crate::telemetry::{Critical, Meters};

/// What all threads that run commands share.
pub struct Workshop {
    pub store: Arc<dyn Store>,
    pub publisher: Arc<dyn Publisher>,
    pub ambient: Ambient,
    pub meters: Arc<Meters>,
    pub confirmations: Mutex<Confirmations>,
    /// Where a debug build looks whether it is to end itself, and at which step. For tests of what a kill leaves.
    pub crashes: Option<PathBuf>,
}

/// Where a command can be cut off.
#[derive(Clone, Copy)]
enum Step {
    Begun,
    Done,
    Settled,
    Told,
}

impl Workshop {
    pub fn run(&self, order: &mut Order) -> Verdict {
        let now = self.ambient.clock.wall();
        match std::mem::replace(&mut order.asked, Err(Refused::with("Unknown command"))) {
            Ok((command, task)) => self.begin(order, command, task, now),
            Err(refused) => self.refuse(order, refused, now),
        }
    }

    fn refuse(&self, order: &Order, refused: Refused, now: Timestamp) -> Verdict {
        // Commands that are none are counted as one.
        let known = order.name.as_deref().and_then(super::command::find);
        let command = known.map_or("unknown", |command| command.name);
        let trace = Trace { key: None, command, actor: order.asker.as_str() };
        if let Some(key) = order.key.as_ref().filter(|_| refused.is_of_words()) {
            match self.store.stands(&order.tenant, key, &order.body, now) {
                Ok(Begun::Replay(answer)) => return self.replay(&answer, now),
                Ok(Begun::Unknown) => {
                    let verdict = Verdict::refused("Outcome unknown", now).because(UNKNOWN);
                    return self.note(order, &trace, verdict);
                }
                Ok(_) => {}
                Err(error) => return self.failed_to_begin(order, command, &error, now),
            }
        }
        let Refused { error, details, clarify, not_understood } = refused;
        let verdict = Verdict {
            details: details.map(Cow::Owned),
            clarify: clarify.map(Arc::from),
            not_understood,
            ..Verdict::refused(error, now)
        };
        self.note(order, &trace, verdict)
    }

    /// Takes the command up with the journal.
    fn begin(
        &self,
        order: &Order,
        command: &'static Command,
        task: Box<dyn Task>,
        now: Timestamp,
    ) -> Verdict {
        let mut trace = Trace { key: None, command: command.name, actor: order.asker.as_str() };
        if let Some(key) = &order.key {
            let Command { name, effect, .. } = *command;
            let begin = Begin { key: key.clone(), body: order.body, command: name, effect };
            let begun = self.store.begin(&order.tenant, &begin, now);
            match begun {
                Ok(Begun::First | Begun::Again) => {}
                // Nobody here is at it, or we would wait for that: it could not be settled. What takes effect
                // inside the store has not, then.
                Ok(Begun::Pending) if command.effect == Effect::Inside => {}
                Ok(Begun::Pending | Begun::Unknown) => {
                    let verdict = Verdict::refused("Outcome unknown", now).because(UNKNOWN);
                    return self.note(order, &trace, verdict);
                }
                Ok(Begun::Conflict) => return self.refuse(order, Refused::conflict(), now),
                Ok(Begun::Replay(answer)) => return self.replay(&answer, now),
                Err(error) => return self.failed_to_begin(order, command.name, &error, now),
            }
            trace.key = Some(key);
        }
        if let Err(confirm) = self.admit(order, command, now) {
            let verdict =
                Verdict { confirm: Some(confirm), ..Verdict::refused("Confirmation required", now) };
            self.withdraw(order, &trace, now);
            return self.note(order, &Trace { key: None, ..trace }, verdict);
        }
        self.crash_if_asked(Step::Begun);
        let desk = self.desk(order, trace, now);
        self.perform(order, command, task, &desk)
    }

    fn admit(
        &self,
        order: &Order,
        command: &Command,
        now: Timestamp,
    ) -> Result<(), crate::events::payload::leads::Confirm> {
        // What is held is whole after every step, so a poisoned lock is as good as a sound one.
        let mut confirmations = self.confirmations.lock().unwrap_or_else(PoisonError::into_inner);
        let ambient = (&*self.ambient.random, now);
        confirmations.admit(&order.tenant, command.name, &order.body, order.confirm_token.as_deref(), ambient)
    }

    /// Runs it, writes down what it came to, and tells of it.
    fn perform(&self, order: &Order, command: &Command, task: Box<dyn Task>, desk: &Desk<'_>) -> Verdict {
        let started = self.ambient.clock.now();
        self.publisher.publish(desk.stamp().processing_started(command.name));
        let (verdict, publications) = match task.run(desk) {
            Ok(Done { data, is_recorded, publications }) => {
                self.crash_if_asked(Step::Done);
                let verdict = self.settle(order, command, desk, data, is_recorded);
                self.crash_if_asked(Step::Settled);
                (verdict, publications)
            }
            Err(Failure { error, details }) => {
                self.withdraw(order, &desk.trace, desk.now);
                let verdict = Verdict { error: Some(error), ..Verdict::refused("", desk.now) };
                (self.note(order, &desk.trace, verdict.because(details)), Vec::new())
            }
        };
        for publication in publications {
            self.publisher.publish(publication);
        }
        let took = self.ambient.clock.now().since(started).as_millis();
        let outcome = (verdict.success, u64::try_from(took).unwrap_or(u64::MAX));
        self.publisher.publish(desk.stamp().command_executed(command.name, outcome));
        self.publisher.publish(desk.stamp().processing_completed(command.name, outcome));
        self.crash_if_asked(Step::Told);
        verdict
    }

    /// Has the answer kept, where that was not done together with the effect.
    fn settle(
        &self,
        order: &Order,
        command: &Command,
        desk: &Desk<'_>,
        data: Arc<RawValue>,
        is_recorded: bool,
    ) -> Verdict {
        let verdict = Verdict::done(Arc::clone(&data), desk.now);
        if is_recorded {
            return verdict;
        }
        match self.store.record(&order.tenant, self.record(command, desk, &data), desk.now) {
            Ok(()) => verdict,
            // It has taken effect, and that is the answer; a repeat will be told that nobody can say.
            Err(error) if command.has_effect => {
                error!(tenant = order.tenant.as_str(), command = command.name; "done, but not written down: {error}");
                verdict
            }
            Err(error) => {
                let Failure { error, details } = Failure::of_store(&error, command.name, desk);
                Verdict { error: Some(error), ..Verdict::refused("", desk.now) }.because(details)
            }
        }
    }

    fn record(&self, command: &Command, desk: &Desk<'_>, data: &RawValue) -> Record {
        let mut record = desk.record(data);
        // A long answer to a question is not kept: a repeat reads anew.
        if let (false, Some(Settle::Done { key, answer })) = (command.has_effect, &record.settle)
            && answer.len() > KEPT
        {
            record.settle = Some(Settle::Withdrawn { key: key.clone() });
        }
        record
    }

    /// The answer that the journal has kept.
    fn replay(&self, answer: &str, now: Timestamp) -> Verdict {
        match serde_json::from_str::<Kept<'_>>(answer) {
            Ok(Kept { at, data }) => {
                let verdict = Verdict::done(data.to_owned().into(), Timestamp::from_millis(at));
                Verdict { replayed: true, ..verdict }
            }
            Err(error) => {
                error!("the journal holds an answer that cannot be read: {error}");
                Verdict::refused("Outcome unknown", now).because("It was done, but its answer is lost")
            }
        }
    }

    fn failed_to_begin(
        &self,
        order: &Order,
        command: &'static str,
        error: &StoreError,
        now: Timestamp,
    ) -> Verdict {
        let trace = Trace { key: None, command, actor: order.asker.as_str() };
        let Failure { error, details } = Failure::of_store(error, command, &self.desk(order, trace, now));
        Verdict { error: Some(error), ..Verdict::refused("", now) }.because(details)
    }

    /// It has had no effect, so that its key may be used again.
    fn withdraw(&self, order: &Order, trace: &Trace<'_>, now: Timestamp) {
        let Some(key) = trace.key.map(str::to_owned) else { return };
        let record = Record { settle: Some(Settle::Withdrawn { key }), audit: None };
        if let Err(error) = self.store.record(&order.tenant, record, now) {
            error!(tenant = order.tenant.as_str(); "a command could not be withdrawn: {error}");
        }
    }

    /// Writes a refusal or a failure into the audit trail.
    fn note(&self, order: &Order, trace: &Trace<'_>, verdict: Verdict) -> Verdict {
        let mut entry = trace.entry(Err(verdict.error.as_deref().unwrap_or_default()));
        if verdict.is_question() {
            entry.kind = AuditKind::Question;
        }
        let record = Record { settle: None, audit: Some(entry) };
        if let Err(error) = self.store.record(&order.tenant, record, verdict.at) {
            // Nothing was done, which is what the client is told.
            error!(tenant = order.tenant.as_str(); "a refusal could not be written down: {error}");
        }
        verdict
    }

    fn desk<'a>(&'a self, order: &'a Order, trace: Trace<'a>, now: Timestamp) -> Desk<'a> {
        Desk {
            tenant: &order.tenant,
            store: &*self.store,
            publisher: &*self.publisher,
            ambient: &self.ambient,
            meters: &self.meters,
            now,
            trace,
        }
    }

    /// Ends the process as a kill would, if a file `crash-at` names the step. Debug builds only.
    #[cfg(debug_assertions)]
    fn crash_if_asked(&self, step: Step) {
        let name = match step {
            Step::Begun => "begun",
            Step::Done => "done",
            Step::Settled => "settled",
            Step::Told => "told",
        };
        let Some(file) = &self.crashes else { return };
        if std::fs::read_to_string(file).is_ok_and(|asked| asked.trim() == name) {
            std::process::abort();
        }
    }

    #[cfg(not(debug_assertions))]
    fn crash_if_asked(&self, _: Step) {}
}

/// Longest answer to a question that is kept for repeats, in bytes.
const KEPT: usize = 64 * 1024;
const UNKNOWN: &str = "It was begun and may have taken effect; look before you ask again, under another key";

/// A thread that runs commands, one after the other.
pub struct Bench(pub Arc<Workshop>);

impl Actor for Bench {
    type Context = SyncContext<Self>;
}

/// Run this command.
#[derive(Message)]
#[rtype(result = "Ran")]
pub struct Run {
    pub ticket: Ticket,
    pub order: Box<Order>,
}

/// The command has been run.
pub struct Ran {
    pub ticket: Ticket,
    pub order: Box<Order>,
    pub verdict: Verdict,
}

impl Handler<Run> for Bench {
    type Result = MessageResult<Run>;

    fn handle(&mut self, Run { ticket, mut order }: Run, _: &mut Self::Context) -> Self::Result {
        // What it has half done, nobody knows; the journal says so after the restart.
        let _critical = Critical::section("VoiceCommandExecutor");
        let verdict = self.0.run(&mut order);
        MessageResult(Ran { ticket, order, verdict })
    }
}

/// Forget what is due.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Forget;

impl Handler<Forget> for Bench {
    type Result = ();

    fn handle(&mut self, _: Forget, _: &mut Self::Context) {
        if let Err(error) = self.0.store.forget(self.0.ambient.clock.wall()) {
            error!("the journal could not be tidied: {error}");
        }
    }
}
