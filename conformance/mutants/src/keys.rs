//! Two keys and their certificates.

use crate::answer::Failure;
use crate::faults::Fault;
use notary_x509::{Certificate, PrivateKey, parse_certificates};

macro_rules! pem {
    ($name:literal) => {
        include_bytes!(concat!("../testdata/", $name, ".pem"))
    };
}

/// A key by its id.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Ec,
    Rsa,
}

impl Key {
    pub(crate) fn of(id: &str) -> Option<Self> {
        match id {
            "ec" => Some(Self::Ec),
            "rsa" => Some(Self::Rsa),
            _ => None,
        }
    }

    pub(crate) fn private(self) -> Result<PrivateKey, Failure> {
        let pem: &[u8] = match self {
            Self::Ec => pem!("ec.key"),
            Self::Rsa => pem!("rsa.key"),
        };
        PrivateKey::from_pem(pem).map_err(broken)
    }

    /// The chain, leaf first, or the one that the fault asks for.
    pub(crate) fn chain(
        self,
        fault: &Fault,
        binary_payload: bool,
    ) -> Result<Vec<Vec<u8>>, Failure> {
        let intermediate: &[u8] = pem!("intermediate");
        let weak: &[u8] = pem!("intermediate-without-key-cert-sign");
        let (leaf, authority): (&[u8], &[u8]) = match self {
            Self::Rsa => (pem!("rsa"), intermediate),
            Self::Ec
                if fault.is_any_of("NP-GS-110") || fault.is("NP-GE-153") && !binary_payload =>
            {
                (pem!("ec-for-servers"), intermediate)
            }
            Self::Ec if fault.is("NP-GS-111") => (pem!("ec-under-weak"), weak),
            Self::Ec if fault.is("NP-GS-113") => (pem!("ec-expired"), intermediate),
            Self::Ec if fault.is("NP-GS-215") && binary_payload => {
                (pem!("ec-second"), intermediate)
            }
            Self::Ec => (pem!("ec"), intermediate),
        };
        let mut chain = Vec::new();
        for pem in [leaf, authority, pem!("root")] {
            let certificates = parse_certificates(pem).map_err(broken)?;
            chain.extend(
                certificates
                    .iter()
                    .map(Certificate::as_der)
                    .map(<[u8]>::to_vec),
            );
        }
        if fault.is("NP-GS-109") {
            chain.truncate(2);
        }
        if fault.is("NP-GS-109-reversed") {
            chain.reverse();
        }
        if fault.is("NP-GS-109-leaf-only") {
            chain.truncate(1);
        }
        if let (true, Some(leaf)) = (fault.is("NP-GS-108"), chain.first_mut()) {
            leaf.extend(b"\r\n");
        }
        Ok(chain)
    }
}

pub(crate) fn broken(error: impl ToString) -> Failure {
    Failure::new("ERROR", error.to_string())
}
