//! RFC 3161 tokens. What one claims is only believed after its own signature was checked.
#![no_main]

use apostille_signature::timestamp::TimestampToken;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(token) = TimestampToken::parse(data) else {
        return;
    };
    assert_eq!(token.as_der(), data);
    let _ = token.claims(b"signature");
});
