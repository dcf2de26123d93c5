//! What an embedding program mounts: engines, namespaces and plain endpoints with handlers of its own,
//! beside the product or without it.

mod ending;
mod engines;
mod limits;
mod namespaces;
mod panics;
mod table;

use std::sync::{Arc, Mutex};

use serde_json::value::RawValue;
use switchboard::{
    App, Arguments, Emit, Event, Message, MessageHandler, Mount, NamespaceHandler, Out, SessionSettings,
    Settings,
};

use crate::support::{TestServer, until};

/// Who came and went, as the handlers were told.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn note(&self, what: &str, who: &str) {
        // A handler that panics does so without the lock.
        self.0.lock().unwrap().push(format!("{what} {who}"));
    }

    fn read(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Waits for so many lines, and gives them without who it was.
    async fn until(&self, lines: usize) -> Vec<String> {
        until(|| self.read().len() >= lines).await;
        let whats = self.read();
        whats.iter().map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
    }
}

/// Sends back what comes.
struct Echo(Diary);

impl MessageHandler for Echo {
    fn opened(&self, out: &mut Out<'_>) {
        self.0.note("opened", out.id());
    }

    fn message(&self, message: Message<'_>, out: &mut Out<'_>) {
        match message {
            Message::Text("panic") => panic!("a fault in a handler, made by a test"),
            Message::Text("twice") => {
                out.text("one");
                out.binary(&[2]);
            }
            other => out.send(other),
        }
    }

    fn closed(&self, id: &str) {
        self.0.note("closed", id);
    }
}

/// A namespace that answers in every way there is.
struct Chat(Diary);

impl NamespaceHandler for Chat {
    fn connected(&self, auth: &RawValue, emit: &mut Emit<'_>) {
        self.0.note("connected", emit.socket());
        emit.event("auth", Arguments::one(auth), &[]).unwrap();
    }

    fn event(&self, event: &Event<'_>, emit: &mut Emit<'_>) {
        match event.name {
            "say" => emit.event("said", event.args, event.attachments).unwrap(),
            "ask" => emit.ack(event.args, event.attachments).unwrap(),
            "both" => {
                emit.event("said", event.args, event.attachments).unwrap();
                emit.ack(Arguments::NONE, &[]).unwrap();
                emit.ack(event.args, &[]).expect("a second one goes nowhere");
            }
            "reserved" => assert!(emit.event("connect", event.args, &[]).is_err()),
            "panic" => panic!("a fault in a handler, made by a test"),
            _ => {}
        }
    }

    fn disconnected(&self, socket: &str) {
        self.0.note("disconnected", socket);
    }
}

/// The product, and beside it an engine at `/raw`, namespaces at `/chat` and an echo at `/echo`.
fn everything(app: App, settings: &Settings, diary: &Diary) -> App {
    let own = SessionSettings::of_handlers(settings);
    let chat = Mount::socketio("/chat", own.clone());
    app.mount(Mount::engine("/raw", own.clone(), Echo(diary.clone())))
        .mount(chat.namespace("/", Chat(diary.clone())).namespace("/custom", Chat(diary.clone())))
        .mount(Mount::websocket("/echo", own, Echo(diary.clone())))
}

fn start(settings: &[(&str, &str)]) -> (TestServer, Diary) {
    let diary = Diary::default();
    (TestServer::mounted(settings, |app, settings| everything(app, settings, &diary)), diary)
}
