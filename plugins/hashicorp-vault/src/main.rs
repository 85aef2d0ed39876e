//! `notation-hashicorp-vault`: a Notary Project plugin that signs with the Transit engine of HashiCorp Vault
//! and OpenBao.
//!
//! | module | what it is about |
//! |---|---|
//! | [`settings`] | everything that can be configured |
//! | [`key_id`], [`path`] | what a key id means, and what may be a path |
//! | [`client`] | one request, its answer, and what a refusal means |
//! | [`login`], [`session`] | coming by a token, keeping it alive, giving it back |
//! | [`transit`] | keys, versions and signatures |
//! | [`certificates`] | where the certificates of a key are kept |
//! | [`provider`], [`diagnosis`], [`commands`] | what the plugin offers |
//!
//! Every request costs a round trip, and every one needs a policy, so each is made only where its answer is
//! needed: `describe-key` reads the key, `generate-signature` signs, and reads the certificates where they
//! are not in a file.

#![forbid(unsafe_code)]

mod certificates;
mod client;
mod commands;
mod diagnosis;
mod key_id;
mod login;
mod path;
mod provider;
mod session;
mod settings;
mod transit;

use std::process::ExitCode;

use notary_plugin_sdk::{Plugin, PluginDescription};

static DESCRIPTION: PluginDescription = PluginDescription {
    name: "hashicorp-vault",
    version: env!("CARGO_PKG_VERSION"),
    url: concat!(
        env!("CARGO_PKG_REPOSITORY"),
        "/blob/main/docs/plugins/hashicorp-vault.md"
    ),
    description: "Signs with the Transit engine of HashiCorp Vault and OpenBao",
    settings: settings::ALL,
};

fn main() -> ExitCode {
    Plugin::new(&DESCRIPTION)
        .keys::<provider::Vault>()
        .command(commands::IssueCertificate)
        .command(commands::SetCertificate)
        .command(commands::Import)
        .run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_the_table_of_settings() {
        let page = include_str!("../../../docs/plugins/hashicorp-vault.md");
        let table = DESCRIPTION.settings_table();
        assert!(
            page.contains(&table),
            "docs/plugins/hashicorp-vault.md should have:\n{table}"
        );
    }
}
