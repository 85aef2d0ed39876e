//! The command reference, `docs/commands.md`, made from the tree of commands that the program parses with.

use std::fmt::Write as _;

use crate::command_tree;
use crate::environment::VARIABLES;
use crate::failure::{EXIT_CODE_OF_MANY, FailureKind, MAX_EXIT_CODE_OF_MANY};

/// The whole page, in Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut tree = command_tree("apostille");
    tree.build();
    let mut page = String::from(
        "# Commands\n\n\
         This page is generated from the program (`cargo test -p apostille --test commands_page` checks it; with \
         `UPDATE_COMMANDS_PAGE=1` it writes it). Every command takes `-h` and `--help`.\n\n\
         Called under the name `notation`, the program behaves the same, and every failure exits with 1.\n\n",
    );
    // Groups nest two deep at most (`blob policy init`); the list grows while it is walked.
    let mut waiting: Vec<&clap::Command> = vec![&tree];
    while let Some(command) = waiting.pop() {
        command_section(command, &mut page);
        let mut children: Vec<&clap::Command> = command
            .get_subcommands()
            .filter(|c| c.get_name() != "help")
            .collect();
        children.sort_by_key(|child| std::cmp::Reverse(child.get_name()));
        waiting.extend(children);
    }
    exit_codes(&mut page);
    variables(&mut page);
    page
}

fn command_section(command: &clap::Command, page: &mut String) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let help = command.clone().render_long_help().to_string();
    let help: String = help
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect();
    let _ = write!(page, "## `{name}`\n\n```text\n{}\n```\n\n", help.trim_end());
}

fn exit_codes(page: &mut String) {
    page.push_str("## Exit codes\n\n| code | meaning |\n|---|---|\n| 0 | success |\n");
    for kind in FailureKind::ALL {
        let _ = writeln!(page, "| {} | {} |", kind.exit_code(), kind.meaning());
    }
    let _ = writeln!(
        page,
        "| {EXIT_CODE_OF_MANY} + n | with several references: n of them failed; {MAX_EXIT_CODE_OF_MANY} for {} or more |",
        MAX_EXIT_CODE_OF_MANY - EXIT_CODE_OF_MANY
    );
}

fn variables(page: &mut String) {
    page.push_str("\n## Environment variables\n\n| variable | effect |\n|---|---|\n");
    for variable in VARIABLES {
        let _ = writeln!(page, "| `{}` | {} |", variable.name, variable.effect);
    }
}
