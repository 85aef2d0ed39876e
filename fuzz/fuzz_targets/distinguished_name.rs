//! Trusted identities of policies, held against a subject made of the same text.
#![no_main]

use apostille_trust::identity::{TrustedIdentity, find_identity};
use libfuzzer_sys::fuzz_target;
use notary_x509::Name;

fuzz_target!(|text: &str| {
    let subject = Name::from_rfc4514(text);
    if let Ok(subject) = &subject {
        let written = subject.to_string();
        // What is written reads back as the same name.
        assert_eq!(
            Name::from_rfc4514(&written).map(|name| name.to_string()),
            Ok(written)
        );
    }
    let Ok(identity) = TrustedIdentity::parse(&format!("x509.subject: {text}")) else {
        return;
    };
    if let Ok(subject) = subject {
        let _ = find_identity(&[identity], &subject);
    }
});
