//! CRLs, held against the certificate of a real CA. Nothing that a fuzzer makes is signed by it.
#![no_main]

mod authority;

use apostille_trust::revocation::crl::{Crl, judge};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(crl) = Crl::from_der(data.to_vec()) else {
        return;
    };
    let (leaf, ca, now) = authority::chain();
    let _ = (crl.freshest_crl_urls(), crl.is_delta(), crl.next_update());
    let verdict = judge(leaf, ca, &crl, Some(&crl), now);
    assert!(verdict.is_err(), "{verdict:?}");
});
