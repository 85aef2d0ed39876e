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
mod revoked;
mod run;
mod timeliness;
mod timestamp;

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

pub use failure::Failure;
pub use input::{BlobContent, ExpectedArtifact, VerificationInput};
pub use outcome::{
    AppliedStatement, Fact, Signer, Step, StepOutcome, StepResult, TimeSource, TimeUsed, Verdict,
    Verification,
};
pub use plugins::{NoVerificationPlugins, PluginFailure, VerificationPlugins};
pub use run::verify_envelope;

/// A time for people and programs: RFC 3339 in UTC.
fn describe_time(time: OffsetDateTime) -> String {
    let utc = time.to_offset(UtcOffset::UTC);
    utc.format(&Rfc3339).unwrap_or_else(|_| utc.to_string())
}
