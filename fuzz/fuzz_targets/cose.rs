//! COSE envelopes: parsing, integrity, and what `inspect` reads from them.
#![no_main]

use apostille_signature::{Envelope, EnvelopeFormat};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(envelope) = Envelope::parse(EnvelopeFormat::Cose, data) else {
        return;
    };
    let _ = (envelope.payload(), envelope.extended_attributes().len());
    if let Ok(verified) = envelope.verify_integrity() {
        // Whatever verifies has a payload and a chain.
        let _ = verified.payload().target_artifact();
        let _ = verified
            .certificate_chain()
            .check_code_signing(Some(verified.signing_time()));
    }
});
