//! OCSP answers, held against the certificate of a real CA. Nothing that a fuzzer makes is signed by it.
#![no_main]

mod authority;

use apostille_trust::revocation::ocsp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (leaf, ca, now) = authority::chain();
    let answer = ocsp::read(data, leaf, ca, None, now);
    assert!(answer.is_err(), "{answer:?}");
});
