//! The one thread that writes, and commits what waits for it together.
//!
//! A sync takes milliseconds, a row microseconds: while one group is being synced the next gathers. Each
//! job has a savepoint of its own, so that one that fails takes nothing along; it is answered after the
//! commit of its group.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use crate::store::StoreError;

/// Jobs that may wait; whoever comes then waits to be let in. Callers block, so there are no more of them
/// than threads.
const WAITING: usize = 1024;
/// Jobs committed together.
const GROUP: usize = 256;

/// Does the work, if there is a transaction to do it in, and gives what answers its caller once the commit
/// has come to something.
type Job = Box<dyn FnOnce(Result<&Connection, StoreError>) -> Done + Send>;

type Answer = Box<dyn FnOnce(Result<(), StoreError>)>;

struct Done {
    answer: Answer,
    /// Why it failed, if it did.
    failure: Option<StoreError>,
}

pub struct Writer {
    /// `None` once it is being dropped.
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub fn start(connection: Connection) -> Result<Writer, StoreError> {
        let (jobs, waiting) = sync_channel(WAITING);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || run(&connection, &waiting))
            .map_err(|error| StoreError::Io(error.to_string()))?;
        Ok(Writer { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Runs `work` inside a transaction and answers after its commit. A panic of it goes on in the caller,
    /// with nothing written.
    pub fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (job, answered) = job(work);
        let ended = || StoreError::Io("the store is closed".to_owned());
        let jobs = self.jobs.as_ref().expect("it is there until dropped");
        jobs.send(job).map_err(|_| ended())?;
        match answered.recv().map_err(|_| ended())? {
            Ok(result) => result,
            Err(panic) => resume_unwind(panic),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The thread ends with the last job.
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What a caller gets: its result, or the panic of its work.
type Outcome<T> = Result<Result<T, StoreError>, Box<dyn Any + Send>>;

fn job<T: Send + 'static>(
    work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
) -> (Job, Receiver<Outcome<T>>) {
    let (answer, answered) = sync_channel(1);
    let job = move |connection: Result<&Connection, StoreError>| {
        let result = catch_unwind(AssertUnwindSafe(|| in_savepoint(connection?, work)));
        let failure = result.as_ref().ok().and_then(|result| result.as_ref().err().cloned());
        let answer = move |committed: Result<(), StoreError>| {
            // If the caller is gone, nobody wants to know.
            let _ = answer.send(result.map(|result| result.and_then(|value| committed.map(|()| value))));
        };
        Done { answer: Box::new(answer), failure }
    };
    (Box::new(job), answered)
}

fn in_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    execute(connection, "SAVEPOINT job")?;
    let undo = Undo(connection);
    let value = work(connection)?;
    execute(connection, "RELEASE job")?;
    std::mem::forget(undo);
    Ok(value)
}

/// Takes back what was done since the savepoint, after an error or a panic.
struct Undo<'a>(&'a Connection);

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        // On a full disk SQLite may have taken back the whole transaction already.
        if !self.0.is_autocommit() {
            let _ = execute(self.0, "ROLLBACK TO job").and_then(|()| execute(self.0, "RELEASE job"));
        }
    }
}

fn execute(connection: &Connection, sql: &'static str) -> Result<(), StoreError> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

fn run(connection: &Connection, waiting: &Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        let mut jobs = std::iter::once(first).chain(waiting.try_iter()).take(GROUP);
        while group(connection, &mut jobs) {
            // What is left of it has not begun: a transaction of its own.
        }
    }
}

/// Commits the jobs together. Gives whether some are left, because SQLite gave up the transaction.
fn group(connection: &Connection, jobs: &mut impl Iterator<Item = Job>) -> bool {
    let began = execute(connection, "BEGIN IMMEDIATE");
    let mut done = Vec::new();
    for job in jobs {
        let Done { answer, failure } = job(began.clone().map(|()| connection));
        done.push(answer);
        if began.is_ok() && connection.is_autocommit() {
            // Those before it in the group went with it, and are told so.
            let given_up = || StoreError::Io("the transaction was given up".to_owned());
            answer_all(done, &Err(failure.unwrap_or_else(given_up)));
            return true;
        }
    }
    let committed = began.and_then(|()| execute(connection, "COMMIT"));
    if committed.is_err() && !connection.is_autocommit() {
        let _ = execute(connection, "ROLLBACK");
    }
    answer_all(done, &committed);
    false
}

fn answer_all(done: Vec<Answer>, committed: &Result<(), StoreError>) {
    done.into_iter().for_each(|answer| answer(committed.clone()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute("CREATE TABLE t (x INTEGER PRIMARY KEY)", []).unwrap();
        connection
    }

    fn add(x: i64, result: Result<(), StoreError>) -> (Job, Receiver<Outcome<()>>) {
        job(move |to| {
            to.execute("INSERT INTO t VALUES (?1)", [x])?;
            result
        })
    }

    fn all(connection: &Connection) -> Vec<i64> {
        let mut all = connection.prepare("SELECT x FROM t ORDER BY x").unwrap();
        all.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// Runs the jobs as one group, and what is left of it. Gives their answers.
    fn together(
        connection: &Connection,
        jobs: impl IntoIterator<Item = (Job, Receiver<Outcome<()>>)>,
    ) -> Vec<Result<(), StoreError>> {
        let (jobs, answers): (Vec<_>, Vec<_>) = jobs.into_iter().unzip();
        let mut jobs = jobs.into_iter();
        while group(connection, &mut jobs) {}
        answers.into_iter().map(|answer| answer.try_recv().unwrap().unwrap()).collect()
    }

    #[test]
    fn one_that_fails_takes_nothing_along() {
        let connection = table();
        let jobs = [add(1, Ok(())), add(7, Err(StoreError::NotFound)), add(2, Ok(()))];
        assert_eq!(together(&connection, jobs), [Ok(()), Err(StoreError::NotFound), Ok(())]);
        assert_eq!(all(&connection), [1, 2]);
    }

    #[test]
    fn whoever_loses_the_transaction_is_told_and_the_rest_has_its_own() {
        let connection = table();
        // What SQLite does by itself when the disk is full.
        let full = job(|to| {
            to.execute_batch("ROLLBACK")?;
            Err(StoreError::Full)
        });
        let answers = together(&connection, [add(1, Ok(())), full, add(2, Ok(()))]);
        assert_eq!(answers, [Err(StoreError::Full), Err(StoreError::Full), Ok(())]);
        assert_eq!(all(&connection), [2]);
    }

    #[test]
    fn a_commit_that_fails_is_everyones_answer() {
        let connection = table();
        connection
            .execute_batch(
                "PRAGMA foreign_keys = ON;
                 CREATE TABLE child (x REFERENCES t DEFERRABLE INITIALLY DEFERRED);",
            )
            .unwrap();
        let orphan = job(|to| {
            to.execute("INSERT INTO child VALUES (99)", [])?;
            Ok(())
        });
        let answers = together(&connection, [add(1, Ok(())), orphan]);
        assert!(answers.iter().all(Result::is_err), "{answers:?}");
        assert_eq!(together(&connection, [add(2, Ok(()))]), [Ok(())]);
        assert_eq!(all(&connection), [2]);
    }

    #[test]
    fn without_a_transaction_no_work_is_done() {
        let connection = table();
        connection.execute_batch("BEGIN").unwrap();
        let answers = together(&connection, [add(1, Ok(()))]);
        assert!(matches!(*answers, [Err(StoreError::Io(_))]), "{answers:?}");
        assert!(all(&connection).is_empty());
    }

    #[test]
    fn a_panic_goes_on_in_the_caller_and_the_writer_lives() {
        let writer = Writer::start(table()).unwrap();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            writer.write::<()>(|to| {
                to.execute("INSERT INTO t VALUES (7)", [])?;
                panic!("as the test wants")
            })
        }));
        assert!(panicked.is_err());
        assert_eq!(writer.write(|from| Ok(all(from))), Ok(vec![]));
    }
}
