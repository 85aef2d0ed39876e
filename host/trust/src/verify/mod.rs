//! The verification of one signature, with every outcome kept.
//!
//! [`verify_envelope`] takes everything it depends on as [`VerificationInput`] and returns a
//! [`Verification`]: each [`Step`] with what it looked at, how it ended and what that means under
//! the policy. It serialises to the explanation that people and programs read.

mod authenticity;
mod failure;
mod input;
mod integrity;
mod metadata;
mod outcome;
mod plugins;
mod run;
mod timeliness;
mod timestamp;

pub use failure::Failure;
pub use input::{BlobContent, ExpectedArtifact, VerificationInput};
pub use outcome::{
    AppliedStatement, Fact, Signer, Step, StepOutcome, StepResult, TimeSource, TimeUsed, Verdict,
    Verification,
};
pub use plugins::{NoVerificationPlugins, PluginFailure, VerificationPlugins};
pub use run::verify_envelope;
