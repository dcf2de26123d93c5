//! What the program does instead of serving, said on stdout and stderr.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use switchboard::config::Task;
use switchboard::domain::id::Id;
use switchboard::store::{self, AuditHead, AuditVerdict, Broken};
use switchboard::{Settings, ambient};

pub fn run(settings: &Settings, task: &Task) -> ExitCode {
    let done = match task {
        Task::VerifyAudit { head } => verify_audit(settings, head.as_deref()),
        Task::Restore { tenant, file } => restore(settings, tenant, file),
    };
    match done {
        Ok(said) => {
            // Whoever reads this may have read enough.
            let _ = writeln!(io::stdout(), "{said}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn verify_audit(settings: &Settings, head: Option<&str>) -> Result<String, String> {
    let read = |text| AuditHead::parse(text).ok_or("--head is not ROW:HASH, as an earlier check printed it");
    let known = head.map(read).transpose()?;
    let place = settings.data_dir.display();
    match store::sqlite::verify_audit(&settings.data_dir, known.as_ref()) {
        Ok(AuditVerdict::Sound(head)) => {
            Ok(format!("the audit trail in {place} is sound: {} rows\nhead {head}", head.row))
        }
        Ok(AuditVerdict::Broken(Broken { row, problem })) => {
            Err(format!("the audit trail in {place} is broken: row {row} {problem}"))
        }
        Err(error) => Err(format!("the audit trail in {place} cannot be checked: {error}")),
    }
}

fn restore(settings: &Settings, tenant: &str, file: &Path) -> Result<String, String> {
    let failed = |error: store::StoreError| format!("nothing was restored: {error}");
    let tenant = Id::parse(tenant).ok_or("--tenant is not an id")?;
    let ambient = ambient::system();
    let store = store::sqlite::open(settings, &*ambient.random, ambient.clock.wall()).map_err(failed)?;
    let rows = store.restore(&tenant, file).map_err(failed)?;
    Ok(format!(
        "restored tenant {tenant} from {}: {} leads, {} journal rows, {} settings",
        file.display(),
        rows.leads,
        rows.journal,
        rows.settings
    ))
}
