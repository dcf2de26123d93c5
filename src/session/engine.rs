//! A session that speaks Engine.IO: its polls, its pushes, its WebSocket, whichever there are.
//!
//! What follows from what is decided by [`Machine`]; here its inputs are made of what happens, and
//! its actions are carried out. Packets are heard in [`super::hearing`].

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use log::info;
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::directory::Registration;
use super::endings::farewell_of;
use super::handle::{HandedOver, Polled, Probed, Push};
use super::mount::PlaceNumber;
use super::pushes::Pushes;
use super::{Phase, Session};
use crate::dialect::{self, Wire, socketio};
use crate::domain::farewell::Farewell;
use crate::domain::time::Moment;
use crate::hub::outboxes::WorkerId;
use crate::proto::engineio::{
    self, Action, CloseReason, HandshakeError, Input, Machine, PollAnswer, PollBody, PushAnswer, State,
    Transport,
};
use crate::proto::socketio::Assembler;

/// Bytes of one answer to a poll, but for a single packet that is larger.
pub const POLL_BYTES: usize = 1_000_000;

/// The Engine.IO side of a session.
pub struct Engine {
    pub(super) machine: Machine,
    pub(super) assembler: Assembler,
    registration: Registration,
    /// The GET that waits.
    parked: Option<oneshot::Sender<Polled>>,
    /// The GET that has just come, until it is known what becomes of it.
    newcomer: Option<oneshot::Sender<Polled>>,
    /// What the session is being sent, counted wherever it arrives.
    pub(super) pushes_in: Arc<Pushes>,
    /// POSTs without an answer; the first is the one being heard.
    pushes: VecDeque<Push>,
    pub(super) hearing: Hearing,
    /// A WebSocket that is not yet the transport.
    probe: Option<Probe>,
    /// The number of the last one that was accepted.
    probes: u32,
    /// What it can be sent once it is the transport.
    probe_wire: Wire,
    /// When a session without a namespace has to go; `None` once it had one, or where there are none.
    pub(super) connect_due: Option<Moment>,
    /// Namespaces that we have ended, and when: packets for them may still be on their way.
    pub(super) ended: Vec<(PlaceNumber, Moment)>,
}

/// A WebSocket that is not yet the transport.
struct Probe {
    stream: TcpStream,
    /// Where it was accepted.
    worker: WorkerId,
}

/// How far the push being heard has been heard.
pub(super) enum Hearing {
    /// There is none.
    Nothing,
    /// These packets are left.
    Rest(Bytes),
    /// To its end.
    Done,
}

impl Engine {
    pub fn new(
        machine: Machine,
        assembler: Assembler,
        registration: Registration,
        pushes_in: Arc<Pushes>,
        connect_due: Option<Moment>,
    ) -> Engine {
        Engine {
            machine,
            assembler,
            registration,
            parked: None,
            newcomer: None,
            pushes_in,
            pushes: VecDeque::new(),
            hearing: Hearing::Nothing,
            probe: None,
            probes: 0,
            probe_wire: Wire::default(),
            connect_due,
            ended: Vec::new(),
        }
    }

    pub fn sid(&self) -> &str {
        self.registration.sid()
    }

    /// The WebSocket that is not yet the transport.
    pub fn probe(&self) -> Option<&TcpStream> {
        self.probe.as_ref().map(|probe| &probe.stream)
    }

    pub fn probe_wire(&self) -> Wire {
        self.probe_wire
    }

    pub fn is_polling(&self) -> bool {
        self.machine.transport() == Some(Transport::Polling)
    }

    /// Why the session is over.
    pub fn end(&self) -> Option<CloseReason> {
        match self.machine.state() {
            State::Closed(reason) => Some(reason),
            _ => None,
        }
    }

    /// The next deadline of the transport or of the first CONNECT.
    pub fn next_deadline(&self) -> Moment {
        let machine = self.machine.next_deadline().map(Moment::from_start);
        let deadlines = [machine, self.connect_due].into_iter().flatten();
        deadlines.min().unwrap_or(Moment::from_start(std::time::Duration::MAX))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.pushes_in.end();
    }
}

impl Session {
    /// Takes what happened to the transport, and does what follows.
    pub(super) fn engine_input(&mut self, input: Input) {
        let now = self.services.ambient.clock.now().since_start();
        let Some(engine) = self.link.engine_mut() else { return };
        let actions = engine.machine.handle(input, now);
        self.carry_out(actions);
    }

    /// Does what has become due.
    pub(super) fn engine_check(&mut self) {
        let now = self.services.ambient.clock.now();
        let Some(engine) = self.link.engine_mut() else { return };
        let is_late = engine.connect_due.take_if(|due| now >= *due).is_some();
        let actions = engine.machine.check(now.since_start());
        self.carry_out(actions);
        // One that is being entered is one; refused, it begins the time anew.
        if is_late && self.sockets.is_empty() && self.phase == Phase::Open {
            self.end_engine(Farewell::NoNamespace, CloseReason::Forced);
        }
    }

    /// Answers the parked poll if there is something for it.
    pub(super) fn serve_poll(&mut self) {
        let is_waiting = self.link.engine().is_some_and(|engine| engine.parked.is_some());
        if is_waiting && !self.outbox.is_empty() {
            self.engine_input(Input::Queued);
        }
    }

    /// Whether a poll waits that has been given all there was.
    pub(super) fn is_poll_idle(&self) -> bool {
        self.outbox.is_empty() && self.link.engine().is_some_and(|engine| engine.parked.is_some())
    }

    pub(super) fn is_polling(&self) -> bool {
        self.link.engine().is_some_and(Engine::is_polling)
    }

    /// Ends the session now. A parked poll first gets what is there for it.
    pub(super) fn end_engine(&mut self, farewell: Farewell, reason: CloseReason) {
        if self.is_polling() {
            self.serve_poll();
            self.engine_input(Input::Close(reason));
        } else {
            self.leave(farewell);
        }
    }

    /// A GET has come.
    pub(super) fn poll_came(&mut self, reply: oneshot::Sender<Polled>) {
        self.outbox.last_activity.set(self.services.ambient.clock.wall());
        let queued = !self.outbox.is_empty();
        let Some(engine) = self.link.engine_mut() else { return };
        engine.newcomer = Some(reply);
        self.engine_input(Input::Poll { queued });
        if let Some(engine) = self.link.engine_mut()
            && let Some(newcomer) = engine.newcomer.take()
        {
            engine.parked = Some(newcomer);
        }
    }

    /// A GET was given up. If it had been answered, its packets may be lost (contract D-44).
    pub(super) fn poll_aborted(&mut self) {
        let Some(engine) = self.link.engine_mut() else { return };
        if engine.parked.as_ref().is_some_and(oneshot::Sender::is_closed) {
            engine.parked = None;
            self.engine_input(Input::PollAborted);
        } else if engine.is_polling() {
            self.engine_input(Input::Close(CloseReason::PollAborted));
        }
    }

    /// A POST has come.
    pub(super) fn push_came(&mut self, push: Push) {
        self.outbox.last_activity.set(self.services.ambient.clock.wall());
        let Some(engine) = self.link.engine_mut() else { return };
        engine.pushes.push_back(push);
        self.engine_input(Input::Push);
    }

    /// A WebSocket asks to be opened beside the polls.
    pub(super) fn probe_asked(&mut self, wire: Wire, reply: oneshot::Sender<Probed>) {
        let now = self.services.ambient.clock.now().since_start();
        let Some(engine) = self.link.engine_mut() else { return };
        let mut actions = engine.machine.handle(Input::ProbeOpened, now);
        let verdict = match actions.pop() {
            Some(Action::AcceptProbe) => {
                engine.probes = engine.probes.wrapping_add(1);
                engine.probe_wire = wire;
                Probed::Accepted(engine.probes)
            }
            Some(Action::TurnAwayProbe) => Probed::TurnedAway,
            Some(Action::RefuseProbe(error)) => Probed::Refused(error),
            _ => Probed::Refused(HandshakeError::BAD_REQUEST),
        };
        // Whoever asked may have gone; the upgrade's deadline sees to that.
        let _ = reply.send(verdict);
        self.carry_out(actions);
    }

    /// The WebSocket that was accepted is here, or will not come.
    pub(super) fn probe_came(&mut self, number: u32, socket: Option<HandedOver>) {
        let Some(engine) = self.link.engine_mut() else { return };
        let is_expected = number == engine.probes
            && engine.probe.is_none()
            && matches!(engine.machine.state(), State::Probing | State::Upgrading);
        if !is_expected {
            // It came too late; dropped, it is closed.
            return;
        }
        let Some(HandedOver { stream, head, unread, worker }) = socket else {
            return self.engine_input(Input::SocketLost);
        };
        match TcpStream::from_std(stream) {
            Ok(stream) if is_written(&stream, &head) => {
                engine.probe = Some(Probe { stream, worker });
                self.decoder = self.new_decoder();
                self.unread = unread;
            }
            _ => self.engine_input(Input::SocketLost),
        }
    }

    /// The WebSocket that is not the transport yet has ended.
    pub(super) fn probe_lost(&mut self) {
        self.forget_probe();
        self.engine_input(Input::SocketLost);
    }

    fn forget_probe(&mut self) {
        if let Some(engine) = self.link.engine_mut() {
            engine.probe = None;
        }
        self.decoder = self.new_decoder();
        self.unread = Bytes::new();
    }

    pub(super) fn carry_out(&mut self, actions: Vec<Action>) {
        for action in actions {
            self.carry_out_one(action);
        }
    }

    fn carry_out_one(&mut self, action: Action) {
        let Some(engine) = self.link.engine_mut() else { return };
        match action {
            Action::AnswerPoll(answer) => self.answer_poll(answer),
            Action::RefusePoll(error) => answer_poll(engine.newcomer.take(), Polled::Refused(error)),
            Action::StartPush => {
                let body = engine.pushes.front().map(|push| push.body.clone());
                engine.hearing = body.map_or(Hearing::Nothing, Hearing::Rest);
            }
            Action::AnswerPush(answer) => {
                engine.hearing = Hearing::Nothing;
                answer_push(engine.pushes.pop_front(), answer);
                // An idle session holds no memory for them.
                engine.pushes.shrink_to_fit();
            }
            Action::RefusePush(error) => {
                answer_push(engine.pushes.pop_back(), PushAnswer::Refused(error));
            }
            Action::SendProbePong => {
                let pong = socketio::engine(engineio::PROBE_PONG);
                if !engine.probe().is_some_and(|probe| is_written(probe, &pong)) {
                    self.probe_lost();
                }
            }
            Action::DropProbe => {
                if let Some(probe) = engine.probe() {
                    // A goodbye if it fits; the connection ends either way.
                    let _ = is_written(probe, &dialect::farewell(Farewell::ClientClosed));
                }
                self.forget_probe();
            }
            Action::Swap => {
                let Some(Probe { stream, worker: from_worker }) = engine.probe.take() else { return };
                engine.pushes_in.upgraded();
                self.outbox.set_wire(engine.probe_wire);
                self.outbox.adopt(stream);
                if self.mount.settings.log_connections {
                    let worker = self.services.worker.id();
                    info!(id = self.id.as_str(), from_worker, worker; "engine_upgraded");
                }
            }
            Action::SendPing => {
                self.outbox.send(&socketio::engine(engineio::PING));
            }
            Action::Close(reason) => {
                if self.outbox.stream().is_some() {
                    self.leave(farewell_of(reason));
                }
            }
            // Handled where they arise.
            Action::AcceptProbe | Action::TurnAwayProbe | Action::RefuseProbe(_) | Action::Deliver => {}
        }
    }

    fn answer_poll(&mut self, answer: PollAnswer) {
        let polled = match answer {
            PollAnswer::Queued => {
                let mut body = PollBody::new(POLL_BYTES);
                let may_be_compressed = self.outbox.take_entries(|entry| body.try_push_entry(entry));
                match body.packets() {
                    0 => Polled::packet(engineio::NOOP),
                    _ => Polled::Packets { packets: body.finish(), may_be_compressed },
                }
            }
            PollAnswer::Noop => Polled::packet(engineio::NOOP),
            PollAnswer::Close => Polled::packet(engineio::CLOSE),
            PollAnswer::Refused(error) => Polled::Refused(error),
            PollAnswer::Unavailable => Polled::Unavailable,
        };
        let Some(engine) = self.link.engine_mut() else { return };
        answer_poll(engine.parked.take().or_else(|| engine.newcomer.take()), polled);
    }
}

/// Writes `bytes` to a probing socket and gives whether that took all. A socket that has been sent
/// next to nothing takes them whole, or is lost. Past the runtime, which does not yet know that a
/// socket it has just been given can be written to.
fn is_written(probe: &TcpStream, bytes: &[u8]) -> bool {
    matches!(SockRef::from(probe).send(bytes), Ok(written) if written == bytes.len())
}

fn answer_poll(poll: Option<oneshot::Sender<Polled>>, polled: Polled) {
    // A poll given up in this moment tells us so itself.
    let _ = poll.map(|reply| reply.send(polled));
}

fn answer_push(push: Option<Push>, answer: PushAnswer) {
    let Some(Push { body, _counted: counted, reply }) = push else { return };
    // Before the answer: the next push may be on its way at once.
    drop((body, counted));
    // Whoever pushed may have gone, and needs no answer then.
    let _ = reply.send(answer);
}
