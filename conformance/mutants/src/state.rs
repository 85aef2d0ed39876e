//! What faults need to remember from one process to the next.

use crate::faults::Fault;
use std::fs::{File, OpenOptions};
use std::io::Write as _;

/// Takes a lock for the time of a command if the fault is to have one; ends the process if another
/// holds it.
pub(crate) fn lock(fault: &Fault, command: &str) -> Option<File> {
    let locked = fault.is("NP-PD-045") && command == "get-plugin-metadata"
        || fault.is("NP-GS-213") && command == "generate-signature"
        || fault.is("NP-GE-213") && command == "generate-envelope";
    if !locked {
        return None;
    }
    let file = File::create(fault.place("lock")).ok()?;
    if file.try_lock().is_err() {
        eprint!("{{\"errorCode\":\"ERROR\",\"errorMessage\":\"another process is running\"}}");
        std::process::exit(1);
    }
    Some(file)
}

/// How often this text was seen, and how often in a row, with this time.
pub(crate) fn times(fault: &Fault, text: &str) -> (usize, usize) {
    let path = fault.place("history");
    let line = text.replace('\n', " ");
    // One write of a line is whole, whoever else writes.
    let _ = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
    let history = std::fs::read_to_string(&path).unwrap_or_default();
    let total = history.lines().filter(|seen| *seen == line).count();
    let in_a_row = history
        .lines()
        .rev()
        .take_while(|seen| *seen == line)
        .count();
    (total, in_a_row)
}
