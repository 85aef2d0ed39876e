//! What faults need to remember from one process to the next.

use crate::faults::Fault;
use std::fs::{File, OpenOptions};
use std::path::PathBuf;

/// A lock that faulty plugins take for the time of a command.
pub(crate) struct Lock(Option<PathBuf>);

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Takes the lock if the fault is to have one; ends the process if another holds it.
pub(crate) fn lock(fault: &Fault, command: &str) -> Lock {
    let locked = fault.is("NP-PD-045") && command == "get-plugin-metadata"
        || fault.is("NP-GS-213") && command == "generate-signature";
    if !locked {
        return Lock(None);
    }
    let path = fault.place("lock");
    let taken = OpenOptions::new().write(true).create_new(true).open(&path);
    if taken.is_err() {
        eprint!("{{\"errorCode\":\"ERROR\",\"errorMessage\":\"another process is running\"}}");
        std::process::exit(1);
    }
    Lock(Some(path))
}

/// How often this text was seen, and how often in a row, with this time.
pub(crate) fn times(fault: &Fault, text: &str) -> (usize, usize) {
    let path = fault.place("history");
    let mut history: Vec<String> = std::fs::read_to_string(&path)
        .unwrap_or_default()
        .lines()
        .map(str::to_owned)
        .collect();
    let line = text.replace('\n', " ");
    history.push(line.clone());
    let _ = File::create(&path).and_then(|mut file| {
        use std::io::Write as _;
        file.write_all(history.join("\n").as_bytes())
    });
    let total = history.iter().filter(|seen| **seen == line).count();
    let in_a_row = history
        .iter()
        .rev()
        .take_while(|seen| **seen == line)
        .count();
    (total, in_a_row)
}
