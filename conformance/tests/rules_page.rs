//! `docs/conformance-rules.md` is what the rules say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::Path;

#[test]
fn the_page_of_the_rules_is_not_stale() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/conformance-rules.md");
    let page = apostille_conformance::reference_page::markdown().unwrap();
    if std::env::var_os("UPDATE_RULES_PAGE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/conformance-rules.md is stale: run `UPDATE_RULES_PAGE=1 cargo test -p apostille-conformance --test rules_page`"
    );
}
