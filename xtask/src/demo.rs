//! `cargo xtask demo`: a signature made by a key that cannot leave its token, by a separate plugin
//! process, stored beside the image and verified under a trust policy; and a tampered image refused.
//!
//! Every step is a real `apostille` (or plugin) command, printed before it is run, so that the demo
//! can be followed by hand.

mod image;
mod stage;

use crate::home::strict_policy;
use crate::install::{self, Consent};
use crate::process::{TaskError, cargo, run as show_and_run};
use clap::Args;
use image::DemoImage;
use stage::Stage;

/// The subject of the certificate that the demo signs with, and the identity that its policy trusts.
const SUBJECT: &str = "CN=Apostille demo,O=Example,ST=WA,C=US";

/// Options of `cargo xtask demo`.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    consent: Consent,
    /// Push the image to this repository of a registry, such as `localhost:5000/demo`, and keep its
    /// signature there, instead of in an OCI image layout. The login of `docker` or `notation` is used.
    #[arg(long, value_name = "HOST/REPOSITORY")]
    registry: Option<String>,
    /// Keep the temporary directory and say where it is.
    #[arg(long)]
    keep: bool,
}

/// Runs the demo.
///
/// # Errors
/// What is missing, or the step that failed.
pub(crate) fn run(options: &Options) -> Result<(), TaskError> {
    install::soft_hsm(options.consent)?;
    show_and_run(&mut cargo([
        "build",
        "--quiet",
        "--package",
        "apostille",
        "--package",
        "notation-pkcs11-hsm",
    ]))?;
    let stage = Stage::new()?;
    make_key_and_certificate(&stage)?;
    stage.chapter("An image");
    let image = match &options.registry {
        Some(repository) => DemoImage::in_registry(&stage, repository)?,
        None => DemoImage::in_layout(&stage)?,
    };
    trust_the_certificate(&stage, &image.scope())?;
    sign_and_look(&stage, &image)?;
    verify_then_tamper(&stage, &image)?;
    what_next(&stage);
    if options.keep {
        stage.keep();
    }
    Ok(())
}

fn make_key_and_certificate(stage: &Stage) -> Result<(), TaskError> {
    stage.chapter("A key that cannot leave its token");
    stage.say("SoftHSM2 stands in for an HSM. The token and its PIN file were made in a temporary directory.");
    let key = stage.key_id();
    stage.step(
        "notation-pkcs11-hsm",
        &["generate-key", "--label", "release", "--key-spec", "EC-256"],
    )?;
    stage.say("The key signs a certificate for itself, inside the token; for real use, `csr` makes a request for your CA.");
    stage.step(
        "notation-pkcs11-hsm",
        &[
            "self-sign",
            "--key-id",
            &key,
            "--subject",
            SUBJECT,
            "--out",
            "demo.crt",
        ],
    )?;
    stage.step(
        "notation-pkcs11-hsm",
        &["import-cert", "--key-id", &key, "demo.crt"],
    )
}

fn trust_the_certificate(stage: &Stage, scope: &str) -> Result<(), TaskError> {
    stage.chapter("Tell the host about the key, and whom to trust");
    stage.install_plugin("pkcs11-hsm")?;
    stage.step("apostille", &["plugin", "list"])?;
    let key = stage.key_id();
    stage.step(
        "apostille",
        &[
            "key",
            "add",
            "--default",
            "--plugin",
            "pkcs11-hsm",
            "--id",
            &key,
            "demo",
        ],
    )?;
    stage.step(
        "apostille",
        &[
            "certificate",
            "add",
            "--type",
            "ca",
            "--store",
            "demo",
            "demo.crt",
        ],
    )?;
    let identity = format!("x509.subject: {SUBJECT}");
    stage.write("trustpolicy.json", &strict_policy(scope, "demo", &identity))?;
    stage.step("apostille", &["policy", "import", "trustpolicy.json"])
}

fn sign_and_look(stage: &Stage, image: &DemoImage) -> Result<(), TaskError> {
    stage.chapter("Sign");
    stage.say("The host never sees the key: it sends the bytes to sign to the plugin, and checks what comes back.");
    stage.step("apostille", &image.command(&["sign"]))?;
    stage.chapter("Look at the signature, stored beside the image");
    stage.step("apostille", &image.command(&["list"]))?;
    stage.step("apostille", &image.command(&["inspect"]))
}

fn verify_then_tamper(stage: &Stage, image: &DemoImage) -> Result<(), TaskError> {
    stage.chapter("Verify");
    stage.step("apostille", &image.verify_command())?;
    stage.chapter("Change one byte, and verify again");
    image.change_one_byte(stage)?;
    stage.step_that_must_fail("apostille", &image.verify_command())
}

fn what_next(stage: &Stage) {
    stage.chapter("Done");
    println!(
        "An image was signed by a key that cannot leave its token, verified, and refused once it had changed.\n\
         Next:\n\
         \x20 - a token of your own:      docs/plugins/pkcs11-hsm.md\n\
         \x20 - all commands:             docs/commands.md\n\
         \x20 - check your own plugin:    cargo run -p apostille-conformance -- plugin --exec ./notation-yours"
    );
}
