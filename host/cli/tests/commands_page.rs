//! `docs/commands.md` is what the program says about itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::Path;

#[test]
fn the_command_reference_is_not_stale() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/commands.md");
    let page = apostille_cli::reference_page::markdown();
    if std::env::var_os("UPDATE_COMMANDS_PAGE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/commands.md is stale: run `UPDATE_COMMANDS_PAGE=1 cargo test -p apostille --test commands_page`"
    );
}
