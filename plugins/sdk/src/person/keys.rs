//! `keys`: the signing keys that this identity can see.

use std::fmt::Write as _;

use super::CommandOutput;
use crate::{Context, KeyListing, PluginError, keyring::Keyring};

pub(super) const NAME: &str = "keys";

pub(super) fn definition() -> clap::Command {
    clap::Command::new(NAME).about("List the signing keys that these credentials can see")
}

pub(super) async fn run(
    keyring: &Keyring<'_>,
    context: &Context,
) -> Result<CommandOutput, PluginError> {
    let keys = keyring.list_keys(context).await?;
    CommandOutput::new(table(&keys), &keys)
}

fn table(keys: &[KeyListing]) -> String {
    if keys.is_empty() {
        return "No signing keys.".to_owned();
    }
    let rows: Vec<[&str; 4]> = keys.iter().map(row).collect();
    let heading = ["KEY ID", "KEY SPEC", "STATE", "CERTIFICATE"];
    let width = |column: usize| {
        rows.iter()
            .chain([&heading])
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let (id, spec, state) = (width(0), width(1), width(2));
    let mut text = String::new();
    for ([key_id, key_spec, key_state, certificate], note) in [(heading, None)].into_iter().chain(
        rows.iter()
            .copied()
            .zip(keys.iter().map(|key| key.note.as_deref())),
    ) {
        let line = format!("{key_id:id$}  {key_spec:spec$}  {key_state:state$}  {certificate}");
        let _ = writeln!(text, "{}", line.trim_end());
        if let Some(note) = note {
            let _ = writeln!(text, "{:id$}  {note}", "");
        }
    }
    text
}

fn row(key: &KeyListing) -> [&str; 4] {
    [
        &key.key_id,
        key.key_spec.map_or("unsupported", |spec| spec.as_str()),
        &key.state,
        key.certificate.as_deref().unwrap_or("none"),
    ]
}
