//! `blob inspect`

use std::path::Path;

use apostille_signature::Envelope;
use clap::Args;

use super::signature_file::SignatureFile;
use crate::application::Application;
use crate::envelope_view::EnvelopeView;
use crate::failure::{Failure, FailureKind};
use crate::flags::{LoggingFlags, TreeOutputFlag};
use crate::tree::Tree;

/// Show what the signature of a file says, without verifying it
#[derive(Args, Debug)]
pub struct InspectBlob {
    #[command(flatten)]
    logging: LoggingFlags,
    #[command(flatten)]
    output: TreeOutputFlag,
    /// The signature: a file named <blob>.jws.sig or <blob>.cose.sig
    #[arg(value_name = "signature_path")]
    arguments: Vec<String>,
}

impl InspectBlob {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        let path = self
            .arguments
            .first()
            .ok_or_else(|| super::missing_path(application, "signature path", "inspect"))?;
        let json = self.output.is_json()?;
        application.console.show_debug(self.logging.debug);
        let file = SignatureFile::read(Path::new(path))?;
        let failed = |error: &dyn std::error::Error| {
            let doing = format!("failed to parse signature {path}");
            Failure::because(FailureKind::General, doing, error)
        };
        let envelope = Envelope::parse(file.format, &file.envelope).map_err(|e| failed(&e))?;
        let view = EnvelopeView::new(&envelope, None).map_err(|error| failed(&error))?;
        if json {
            return application.console.json(&view);
        }
        let mut tree = Tree::new(path.clone());
        view.draw(&mut tree);
        application.console.raw(tree.render().as_bytes())
    }
}
