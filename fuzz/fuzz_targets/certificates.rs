//! Files of certificates, and everything that is asked of what is in them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use notary_x509::{CertificateChain, parse_certificates};

fuzz_target!(|data: &[u8]| {
    let Ok(certificates) = parse_certificates(data) else {
        return;
    };
    for certificate in &certificates {
        let again = notary_x509::Certificate::from_der(certificate.as_der());
        assert_eq!(again.as_ref(), Ok(certificate));
        let _ = (
            certificate.subject().to_string(),
            certificate.is_self_signed(),
        );
        let _ = (
            certificate.ocsp_urls(),
            certificate.crl_distribution_points(),
        );
        let _ = CertificateChain::order(&certificates, certificate.public_key());
    }
    if let Ok(chain) = CertificateChain::new(certificates) {
        let at = Some(chain.leaf().not_before());
        let _ = chain.check_code_signing(at);
        let _ = chain.check_timestamping(at);
    }
});
