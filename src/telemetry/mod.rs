//! Logging: one line per event, to stderr and to a file, without secrets. And the counters of what
//! happened, in [`meters`].
//!
//! Takes plain values and knows no settings: both stand on the ground floor. What is worth logging
//! is decided where it happens.
//!
//! ```no_run
//! # use switchboard::telemetry::*;
//! let file = Some(std::path::Path::new("logs/app.log"));
//! init_logging(&LogOptions { filter: "info", format: LogFormat::Text, file, enabled: true })?;
//! log::info!(port = 8000; "listening");
//! # Ok::<(), LogError>(())
//! ```

mod critical;
mod line;
pub mod meters;
mod redact;
mod tenants;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use env_logger::{Builder, Target, WriteStyle};
use jiff::Timestamp;

pub use critical::Critical;
pub use line::LogFormat;
pub use meters::Meters;
pub use redact::{is_secret_name, redact};
pub use tenants::Opened;

/// How to log.
#[derive(Clone, Copy, Debug)]
pub struct LogOptions<'a> {
    /// What `RUST_LOG` takes: `info`, `info,switchboard::hub=debug`.
    pub filter: &'a str,
    pub format: LogFormat,
    /// Gets every line that stderr gets. Its directory is made if need be.
    pub file: Option<&'a Path>,
    /// When false nothing is logged and no file is made.
    pub enabled: bool,
}

/// Why logging did not start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("LOG_FILE `{}` cannot be opened: {reason}", path.display())]
    File { path: PathBuf, reason: io::Error },
    #[error("logging has been started before in this process")]
    Started,
}

/// Starts logging for the whole process.
///
/// # Errors
/// [LogError::File] if the file cannot be opened, [LogError::Started] if there is a logger.
pub fn init_logging(options: &LogOptions<'_>) -> Result<(), LogError> {
    if !options.enabled {
        return Ok(());
    }
    let (tee, format) = (Tee { file: options.file.map(open).transpose()? }, options.format);
    Builder::new()
        // It logs an error for every malformed request, which anyone can send without end.
        .filter_module("actix_http::h1", log::LevelFilter::Off)
        .parse_filters(options.filter)
        .target(Target::Pipe(Box::new(tee)))
        .write_style(WriteStyle::Never)
        .format(move |out, record| writeln!(out, "{}", line::render(format, record, Timestamp::now())))
        .try_init()
        .map_err(|_| LogError::Started)
}

fn open(path: &Path) -> Result<File, LogError> {
    let directory = path.parent().unwrap_or(Path::new(""));
    // An empty directory is the current one, which exists.
    let made = if directory.as_os_str().is_empty() { Ok(()) } else { std::fs::create_dir_all(directory) };
    made.and_then(|()| OpenOptions::new().create(true).append(true).open(path))
        .map_err(|reason| LogError::File { path: path.to_owned(), reason })
}

/// Writes to stderr and to the file. A closed stderr or a full disk must not stop the other one.
struct Tee {
    file: Option<File>,
}

impl Write for Tee {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let _ = io::stderr().write_all(line);
        let _ = self.file.as_mut().map(|file| file.write_all(line));
        Ok(line.len())
    }

    /// Nothing waits: neither target has a buffer.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
