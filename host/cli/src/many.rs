//! Many references in one run: where they come from, how many are worked on at a time, and the exit code.

use std::collections::VecDeque;
use std::fs::File;
use std::future::Future;
use std::io::{BufRead, BufReader, Read};

use clap::Args;
use futures::stream::{FuturesUnordered, StreamExt};

use crate::application::Application;
use crate::failure::{Failure, FailureKind};
use crate::usage;

/// Longer than any reference: a host name, a repository and a digest have less than a kilobyte.
const LONGEST_LINE: u64 = 16 * 1024;

/// More requests than this at a time help no registry.
const MOST_CONCURRENT: i64 = 256;

/// Which references beside the arguments, and how many at a time.
#[derive(Args, Clone, Debug, Default)]
pub struct ManyFlags {
    /// File with one reference per line, "-" for standard input; empty lines and lines that start with # are passed over
    #[arg(long, value_name = "path", allow_hyphen_values = true)]
    from_file: Option<String>,
    /// How many references are worked on at a time, if there are several
    #[arg(long, value_name = "int", default_value = "8", allow_hyphen_values = true, value_parser = usage::integer)]
    concurrency: i64,
}

impl ManyFlags {
    /// Whether this run is about several references. Under the name of `notation`, arguments after the first count for
    /// nothing, as there.
    #[must_use]
    pub fn several(&self, application: &Application<'_>, arguments: &[String]) -> bool {
        self.from_file.is_some() || arguments.len() > 1 && application.program != "notation"
    }

    /// How many at a time.
    ///
    /// # Errors
    /// Not a number from 1 to 256.
    pub fn concurrency(&self) -> Result<usize, Failure> {
        usize::try_from(self.concurrency)
            .ok()
            .filter(|_| (1..=MOST_CONCURRENT).contains(&self.concurrency))
            .ok_or_else(|| {
                Failure::usage(format!(
                    "concurrency value {} must be a number from 1 to {MOST_CONCURRENT}",
                    self.concurrency
                ))
            })
    }

    /// The references: the arguments, then those of the file, which is read as they are needed.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn references(&self, arguments: Vec<String>) -> Result<References, Failure> {
        let lines = match self.from_file.as_deref() {
            None => Lines::None,
            Some("-") => Lines::StandardInput,
            Some(path) => Lines::File(BufReader::new(File::open(path).map_err(|error| {
                Failure::because(FailureKind::General, format!("cannot read {path}"), &error)
            })?)),
        };
        Ok(References {
            arguments: arguments.into(),
            lines,
        })
    }
}

/// References, one after the other. Only those that are worked on are in memory.
#[derive(Debug)]
pub struct References {
    arguments: VecDeque<String>,
    lines: Lines,
}

#[derive(Debug)]
enum Lines {
    None,
    StandardInput,
    File(BufReader<File>),
}

impl References {
    /// The next reference.
    ///
    /// # Errors
    /// The file cannot be read, or has a line that is longer than any reference.
    pub fn next(&mut self, application: &mut Application<'_>) -> Result<Option<String>, Failure> {
        if let Some(argument) = self.arguments.pop_front() {
            return Ok(Some(argument));
        }
        loop {
            let line = match &mut self.lines {
                Lines::None => None,
                Lines::StandardInput => application.console.read_line()?,
                Lines::File(file) => read_line(file)?,
            };
            let Some(line) = line else { return Ok(None) };
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                return Ok(Some(line.to_owned()));
            }
        }
    }
}

fn read_line(file: &mut impl BufRead) -> Result<Option<String>, Failure> {
    let mut line = String::new();
    let read = file
        .take(LONGEST_LINE)
        .read_line(&mut line)
        .map_err(|error| {
            Failure::because(
                FailureKind::General,
                "cannot read the list of references",
                &error,
            )
        })?;
    if read as u64 == LONGEST_LINE {
        return Err(Failure::general(format!(
            "the list of references has a line of more than {LONGEST_LINE} bytes"
        )));
    }
    Ok((read > 0).then_some(line))
}

/// Works on the references, `concurrency` at a time: `begin` makes the work for one, `report` prints what came out of
/// it. Gives how many there were and how many of them failed.
///
/// # Errors
/// The list cannot be read, or `report` cannot write; the failure of one reference is for `report`.
pub async fn run<'a, T, W>(
    application: &mut Application<'_>,
    mut references: References,
    concurrency: usize,
    mut begin: impl FnMut(&Application<'_>, &str) -> W,
    mut report: impl FnMut(&mut Application<'_>, &str, Result<T, Failure>) -> Result<bool, Failure>,
) -> Result<Tally, Failure>
where
    W: Future<Output = Result<T, Failure>> + 'a,
{
    let mut tally = Tally::default();
    let mut at_work = FuturesUnordered::new();
    let mut more = true;
    loop {
        while more && at_work.len() < concurrency {
            match references.next(application)? {
                Some(reference) => {
                    let work = begin(application, &reference);
                    at_work.push(async move { (reference, work.await) });
                }
                None => more = false,
            }
        }
        let Some((reference, outcome)) = at_work.next().await else {
            return Ok(tally);
        };
        tally.all += 1;
        if !report(application, &reference, outcome)? {
            tally.failed += 1;
        }
    }
}

/// What came out of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many references there were.
    pub all: u64,
    /// How many of them failed.
    pub failed: u64,
}

impl Tally {
    /// Says how it went, and fails if any reference did.
    ///
    /// # Errors
    /// [`Failure::of_many`]
    pub fn conclude(self, application: &mut Application<'_>, done: &str) -> Result<(), Failure> {
        let Self { all, failed } = self;
        application
            .console
            .explain(format!("{} of {all} {done}\n", all - failed));
        if failed == 0 {
            return Ok(());
        }
        Err(Failure::of_many(failed))
    }
}

/// Shows why one reference of many failed.
pub fn explain(application: &mut Application<'_>, requested: &str, failure: &Failure) {
    let text = failure.render();
    let text = text.strip_prefix("Error: ").unwrap_or(&text);
    application
        .console
        .explain(format!("Error: {requested}: {text}"));
}
