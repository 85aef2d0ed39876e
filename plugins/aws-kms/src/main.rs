//! `notation-aws-kms`: a Notary Project plugin that signs with keys of AWS KMS.
//!
//! | module | what it is about |
//! |---|---|
//! | [`settings`] | what can be configured beside what the AWS SDK reads by itself |
//! | [`key_id`] | the forms in which AWS names a key |
//! | [`connection`] | who we are, where requests go, and how often |
//! | [`refusal`] | what it means that a request failed |
//! | [`certificates`] | where the certificates of a key are kept |
//! | [`provider`], [`listing`], [`diagnosis`], `commands` | what the plugin offers |
//!
//! Every request costs a round trip, a place in a quota and a permission, so each is made only where its answer
//! is needed: `describe-key` asks for the public key, `generate-signature` signs, and reads the certificates.

#![forbid(unsafe_code)]

mod certificates;
#[cfg(feature = "acm-pca")]
mod commands;
mod connection;
mod diagnosis;
mod key_id;
mod listing;
mod provider;
mod refusal;
mod settings;

use std::process::ExitCode;

use notary_plugin_sdk::{Plugin, PluginDescription};

static DESCRIPTION: PluginDescription = PluginDescription {
    name: "aws-kms",
    version: env!("CARGO_PKG_VERSION"),
    url: concat!(
        env!("CARGO_PKG_REPOSITORY"),
        "/blob/main/docs/plugins/aws-kms.md"
    ),
    description: "Signs with keys of AWS KMS",
    settings: settings::ALL,
};

fn main() -> ExitCode {
    let plugin = Plugin::new(&DESCRIPTION).keys::<provider::Kms>();
    #[cfg(feature = "acm-pca")]
    let plugin = plugin.command(commands::IssueCertificate);
    plugin.run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_the_table_of_settings() {
        let page = include_str!("../../../docs/plugins/aws-kms.md");
        let table = DESCRIPTION.settings_table();
        assert!(
            page.contains(&table),
            "docs/plugins/aws-kms.md should have:\n{table}"
        );
    }
}
