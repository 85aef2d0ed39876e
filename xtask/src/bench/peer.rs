//! The other side of a comparison, where it is on this machine.

use apostille_testing::tools::find_tool;
use std::path::PathBuf;

/// `notation`, named by `NOTATION_BIN` or on the `PATH`; says so where there is none.
pub(super) fn notation() -> Option<PathBuf> {
    let found = std::env::var_os("NOTATION_BIN")
        .map(PathBuf::from)
        .or_else(|| find_tool("notation").ok());
    if found.is_none() {
        println!("notation: SKIPPED, it is neither on the PATH nor named by NOTATION_BIN");
    }
    found
}
