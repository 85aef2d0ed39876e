//! Trust policy documents of both kinds.
#![no_main]

use apostille_trust::policy::{BlobTrustPolicy, OciTrustPolicy, PolicyError};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let lines = data.split(|byte| *byte == b'\n').count();
    let check = |error: PolicyError| {
        let _ = error.to_string();
        if let PolicyError::Invalid { violations, .. } = error {
            assert!(!violations.is_empty());
            for position in violations.iter().filter_map(|violation| violation.position) {
                assert!(position.line <= lines && position.column <= data.len());
            }
        }
    };
    match OciTrustPolicy::parse(data, "policy") {
        Ok(policy) => drop(policy.statement_for("registry.example/app")),
        Err(error) => check(error),
    }
    match BlobTrustPolicy::parse(data, "policy") {
        Ok(policy) => drop(policy.statement_for(None)),
        Err(error) => check(error),
    }
});
