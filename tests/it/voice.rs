//! Guide 000: commands by voice and the leads behind them, over real sockets.

mod busy;
mod commands;
mod confirmation;
mod crashes;
mod events;
mod failing;
mod held;
mod hostile;
mod idempotency;
mod isolation;
mod refusals;
mod rest;
mod trail;
mod transcripts;
mod turns;

use serde_json::{Value, json};

use crate::support::socket::Socket;

/// The first demo tenant's key, and the second's.
const ONE: &str = "demo-tenant-key-1";
const TWO: &str = "demo-tenant-key-2";
/// For tests that move time by days: nobody has to answer a ping.
const PATIENT: [(&str, &str); 2] = [("PING_INTERVAL_MS", "31536000000"), ("PING_TIMEOUT_MS", "31536000000")];

impl Socket {
    /// Sends a command; `more` goes beside it.
    async fn order(&mut self, command: &str, parameters: Value, more: Value) {
        let mut payload = json!({"command": command, "parameters": parameters});
        payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.send(json!({"type": "execute_voice_command", "payload": payload})).await;
    }

    /// What is said until the next response, as `event:TYPE`, and the response.
    async fn response(&mut self) -> (Vec<String>, Value) {
        let mut before = Vec::new();
        loop {
            let event = self.next_event().await;
            if event["type"] == "voice_command_response" {
                return (before, event["data"].clone());
            }
            let name = event["type"].as_str().unwrap_or_default();
            before.push(format!("{name}:{}", event["data"]["type"].as_str().unwrap_or_default()));
        }
    }

    /// Sends a command and gives its response.
    async fn run(&mut self, command: &str, parameters: Value) -> Value {
        self.run_with(command, parameters, json!({})).await
    }

    async fn run_with(&mut self, command: &str, parameters: Value, more: Value) -> Value {
        self.order(command, parameters, more).await;
        self.response().await.1
    }

    /// Creates a lead, which must succeed. Gives its id.
    async fn create(&mut self, name: &str) -> String {
        let email = format!("{}@example.com", name.to_lowercase().replace(' ', "."));
        let response = self.run("create_lead", json!({"name": name, "email": email})).await;
        response["data"]["leadId"].as_str().unwrap_or_else(|| panic!("{response}")).to_owned()
    }

    /// How many leads the tenant has.
    async fn leads(&mut self) -> u64 {
        let response = self.run("get_leads", json!({})).await;
        response["data"]["total"].as_u64().unwrap_or_else(|| panic!("{response}"))
    }
}
