//! `modules`: the PKCS#11 modules that can be named without a path.

use notary_plugin_sdk::clap::{ArgMatches, Command};
use notary_plugin_sdk::{CommandOutput, Context, PersonCommand, PluginError};

use crate::presets::{PRESETS, Preset};

/// The command.
pub(crate) struct ListModules;

impl PersonCommand for ListModules {
    fn definition(&self) -> Command {
        Command::new("modules")
            .about("List the PKCS#11 modules that are known by name, and where they are installed")
    }

    async fn run(&self, _: &ArgMatches, _: &Context) -> Result<CommandOutput, PluginError> {
        let text: String = PRESETS.iter().map(paragraph).collect();
        let json: Vec<serde_json::Value> = PRESETS
            .iter()
            .map(|preset| {
                serde_json::json!({
                    "name": preset.name,
                    "product": preset.product,
                    "installed": preset.installed(),
                    "tested": preset.tested,
                    "note": preset.note,
                })
            })
            .collect();
        CommandOutput::new(text, &json)
    }
}

fn paragraph(preset: &Preset) -> String {
    let place = preset.installed().map_or_else(
        || "not installed".to_owned(),
        |path| path.display().to_string(),
    );
    let tested = if preset.tested {
        ""
    } else {
        " (prepared from its documentation, not run in our tests)"
    };
    format!(
        "{}: {}{tested}\n    {place}\n    {}\n",
        preset.name, preset.product, preset.note
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of modules in the documentation, made from the presets.
    fn table() -> String {
        let rows: String = PRESETS
            .iter()
            .map(|preset| {
                let tested = if preset.tested {
                    "yes"
                } else {
                    "prepared, not run"
                };
                format!(
                    "| `{}` | {} | {tested} | {} |\n",
                    preset.name, preset.product, preset.note
                )
            })
            .collect();
        format!("| `module` | for | tested | to know |\n|---|---|---|---|\n{rows}")
    }

    #[test]
    fn the_documentation_has_the_table_of_modules() {
        let page = include_str!("../../../docs/plugins/pkcs11-hsm.md");
        assert!(
            page.contains(&table()),
            "docs/plugins/pkcs11-hsm.md should have:\n{}",
            table()
        );
    }
}
