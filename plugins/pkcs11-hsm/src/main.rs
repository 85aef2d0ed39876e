//! `notation-pkcs11-hsm`: a Notary Project plugin that signs with keys in a PKCS#11 token.
//!
//! The program is two in one. As the plugin, it speaks the plugin protocol with a host or prints for a
//! person, and touches no native code. For everything that needs the token it starts itself again as a
//! [`worker`], which loads the module of the token's vendor; see there for why.
//!
//! | module | what it is about |
//! |---|---|
//! | [`uri`], [`locator`] | what a key id means: RFC 7512 URIs, labels, ids |
//! | [`address`], [`module_search`], [`presets`] | which module and token, and how to log in |
//! | [`pin`] | where the PIN comes from |
//! | [`provider`], [`generate_key`], [`import_cert`], [`modules`], [`diagnosis`] | what the plugin offers |
//! | [`connections`], [`located_key`] | what is kept from one request to the next |
//! | [`worker`] | the process that talks to the token |
//! | [`token`] | PKCS#11: sessions, log-in, objects, mechanisms |

#![deny(unsafe_op_in_unsafe_fn)]

mod address;
mod connections;
mod diagnosis;
mod generate_key;
mod import_cert;
mod located_key;
mod locator;
mod module_search;
mod modules;
mod pin;
mod presets;
mod provider;
mod token;
mod uri;
mod worker;

use std::process::ExitCode;

use notary_plugin_sdk::{Plugin, PluginDescription};

static DESCRIPTION: PluginDescription = PluginDescription {
    name: "pkcs11-hsm",
    version: env!("CARGO_PKG_VERSION"),
    url: concat!(
        env!("CARGO_PKG_REPOSITORY"),
        "/blob/main/docs/plugins/pkcs11-hsm.md"
    ),
    description: "Signs with keys in a PKCS#11 token: HSMs, smart cards, SoftHSM2",
    settings: address::SETTINGS,
};

fn main() -> ExitCode {
    if std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == worker::ARGUMENT)
    {
        return worker::serve();
    }
    Plugin::new(&DESCRIPTION)
        .keys::<provider::Tokens>()
        .command(generate_key::GenerateKey)
        .command(import_cert::ImportCertificate)
        .command(modules::ListModules)
        .run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_the_table_of_settings() {
        let page = include_str!("../../../docs/plugins/pkcs11-hsm.md");
        let table = DESCRIPTION.settings_table();
        assert!(
            page.contains(&table),
            "docs/plugins/pkcs11-hsm.md should have:\n{table}"
        );
    }
}
