//! What the program is asked to do instead of serving.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};

/// What the command line asks for. Its words are as they were given; who does the task judges them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// `audit verify [--head ROW:HASH]`
    VerifyAudit { head: Option<String> },
    /// `restore --tenant ID FILE`
    Restore { tenant: String, file: PathBuf },
}

pub(super) fn subcommands() -> [Command; 2] {
    let head = Arg::new("head").long("head").value_name("ROW:HASH");
    let verify = Command::new("verify")
        .about("Checks every row. Exits 0, or 1 and names the first broken row.")
        .arg(head.help("A head printed by an earlier check; the trail must still hold it."));
    let tenant = Arg::new("tenant").long("tenant").value_name("ID").required(true);
    let file = Arg::new("file").value_name("FILE").required(true).value_parser(value_parser!(PathBuf));
    [
        Command::new("audit").about("The audit trail.").subcommand_required(true).subcommand(verify),
        Command::new("restore")
            .about("Puts a backup of a tenant back, while the gateway is stopped.")
            .long_about(
                "Puts a backup of a tenant back, while the gateway is stopped: its leads, journal and settings are \
                 replaced by the file's, in one transaction. Other tenants and the audit trail stay as they \
                 are. Exits 0, or 1 with nothing changed.",
            )
            .arg(tenant.help("Whose backup it is."))
            .arg(file.help("A file below BACKUP_DIR.")),
    ]
}

/// `None` is to serve.
pub(super) fn asked(matches: &ArgMatches) -> Option<Task> {
    Some(match matches.subcommand() {
        Some(("audit", audit)) => {
            let (_, verify) = audit.subcommand().expect("clap wants one");
            Task::VerifyAudit { head: verify.get_one("head").cloned() }
        }
        Some(("restore", restore)) => Task::Restore {
            tenant: restore.get_one("tenant").cloned().expect("clap wants it"),
            file: restore.get_one("file").cloned().expect("clap wants it"),
        },
        _ => return None,
    })
}
