//! What ends the process when an actor that everyone depends on panics.
//!
//! A panic in a session ends that session. RoomServer, a hub or the executor may leave state half
//! changed, and serving on would spread it: a supervisor restarts the process, clients come back.
//!
//! ```
//! # use switchboard::telemetry::Critical;
//! let _guard = Critical::section("RoomServer"); // first line of the actor's handler
//! ```

/// The exit code for an internal error (`EX_SOFTWARE` of sysexits).
const BROKEN: i32 = 70;

/// A guard held while a critical actor handles a message. Dropped by a panic, it ends the process.
#[must_use = "it guards only while it is held: `let _guard = …`"]
pub struct Critical(&'static str);

impl Critical {
    /// Begins a section in which a panic is fatal; `actor` is named in the log.
    pub fn section(actor: &'static str) -> Critical {
        Critical(actor)
    }
}

impl Drop for Critical {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let actor = self.0;
            log::error!(actor; "{actor}'s state may be half changed; ending the process");
            log::logger().flush();
            std::process::exit(BROKEN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// Set in the process that is to end.
    const CHILD: &str = "SWITCHBOARD_TEST_CHILD";

    #[test]
    fn a_panic_in_a_critical_section_ends_the_process_with_code_70() {
        if std::env::var_os(CHILD).is_some() {
            let _guard = Critical::section("RoomServer");
            panic!("as the test wants");
        }
        let name = "telemetry::critical::tests::a_panic_in_a_critical_section_ends_the_process_with_code_70";
        let mut child = Command::new(std::env::current_exe().expect("the test binary"));
        let output = child.args(["--exact", name]).env(CHILD, "1").output().expect("the test runs");
        assert_eq!(output.status.code(), Some(BROKEN));
    }

    #[test]
    fn leaving_a_section_in_peace_ends_nothing() {
        drop(Critical::section("RoomServer"));
    }
}
