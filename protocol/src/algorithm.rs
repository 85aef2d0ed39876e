//! Key specs and the algorithms that follow from them ("Signature algorithm selection").

use crate::vocabulary::vocabulary;

vocabulary! {
    /// The type and size of a signing key. The six that the specification allows; the hash and the
    /// signing algorithm follow from it, so that there is nothing to choose and nothing to mismatch.
    pub enum KeySpec("key spec") {
        /// RSA with a modulus of 2048 bits.
        Rsa2048 = "RSA-2048",
        /// RSA with a modulus of 3072 bits.
        Rsa3072 = "RSA-3072",
        /// RSA with a modulus of 4096 bits.
        Rsa4096 = "RSA-4096",
        /// The curve secp256r1 (P-256).
        Ec256 = "EC-256",
        /// The curve secp384r1 (P-384).
        Ec384 = "EC-384",
        /// The curve secp521r1 (P-521).
        Ec521 = "EC-521",
    }
}

vocabulary! {
    /// A hash algorithm. The plugin itself hashes the payload with it: the payload is never a digest.
    pub enum HashAlgorithm("hash algorithm") {
        /// SHA-256, 32 bytes.
        Sha256 = "SHA-256",
        /// SHA-384, 48 bytes.
        Sha384 = "SHA-384",
        /// SHA-512, 64 bytes.
        Sha512 = "SHA-512",
    }
}

vocabulary! {
    /// A signing algorithm.
    ///
    /// RSASSA-PSS (RFC 8017 §8.1) uses MGF1 with the same hash and a salt as long as the hash
    /// output. ECDSA signatures are raw `r‖s` of fixed width: see [`crate::EcdsaSignature`].
    pub enum SigningAlgorithm("signing algorithm") {
        /// RSASSA-PSS with SHA-256, for `RSA-2048`.
        RsassaPssSha256 = "RSASSA-PSS-SHA-256",
        /// RSASSA-PSS with SHA-384, for `RSA-3072`.
        RsassaPssSha384 = "RSASSA-PSS-SHA-384",
        /// RSASSA-PSS with SHA-512, for `RSA-4096`.
        RsassaPssSha512 = "RSASSA-PSS-SHA-512",
        /// ECDSA on secp256r1 with SHA-256.
        EcdsaSha256 = "ECDSA-SHA-256",
        /// ECDSA on secp384r1 with SHA-384.
        EcdsaSha384 = "ECDSA-SHA-384",
        /// ECDSA on secp521r1 with SHA-512.
        EcdsaSha512 = "ECDSA-SHA-512",
    }
}

impl KeySpec {
    /// The hash algorithm that signatures by such a key use.
    #[must_use]
    pub const fn hash_algorithm(self) -> HashAlgorithm {
        match self {
            Self::Rsa2048 | Self::Ec256 => HashAlgorithm::Sha256,
            Self::Rsa3072 | Self::Ec384 => HashAlgorithm::Sha384,
            Self::Rsa4096 | Self::Ec521 => HashAlgorithm::Sha512,
        }
    }

    /// The one signing algorithm that such a key uses.
    #[must_use]
    pub const fn signing_algorithm(self) -> SigningAlgorithm {
        match self {
            Self::Rsa2048 => SigningAlgorithm::RsassaPssSha256,
            Self::Rsa3072 => SigningAlgorithm::RsassaPssSha384,
            Self::Rsa4096 => SigningAlgorithm::RsassaPssSha512,
            Self::Ec256 => SigningAlgorithm::EcdsaSha256,
            Self::Ec384 => SigningAlgorithm::EcdsaSha384,
            Self::Ec521 => SigningAlgorithm::EcdsaSha512,
        }
    }

    /// The length in bytes of every raw signature by such a key: the modulus of an RSA key, twice
    /// the field element of a curve (64, 96 and 132).
    #[must_use]
    pub const fn signature_len(self) -> usize {
        match self {
            Self::Rsa2048 => 256,
            Self::Rsa3072 => 384,
            Self::Rsa4096 => 512,
            Self::Ec256 => 64,
            Self::Ec384 => 96,
            Self::Ec521 => 132,
        }
    }

    /// Whether the key is on an elliptic curve (otherwise it is RSA).
    #[must_use]
    pub const fn is_elliptic_curve(self) -> bool {
        matches!(self, Self::Ec256 | Self::Ec384 | Self::Ec521)
    }
}

impl HashAlgorithm {
    /// The length of the digest in bytes.
    #[must_use]
    pub const fn output_len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

impl SigningAlgorithm {
    /// The key spec that uses this algorithm. The relation is one to one.
    #[must_use]
    pub const fn key_spec(self) -> KeySpec {
        match self {
            Self::RsassaPssSha256 => KeySpec::Rsa2048,
            Self::RsassaPssSha384 => KeySpec::Rsa3072,
            Self::RsassaPssSha512 => KeySpec::Rsa4096,
            Self::EcdsaSha256 => KeySpec::Ec256,
            Self::EcdsaSha384 => KeySpec::Ec384,
            Self::EcdsaSha512 => KeySpec::Ec521,
        }
    }

    /// The hash algorithm inside this one.
    #[must_use]
    pub const fn hash_algorithm(self) -> HashAlgorithm {
        self.key_spec().hash_algorithm()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_spec_and_its_signing_algorithm_determine_each_other() {
        for &spec in KeySpec::ALL {
            assert_eq!(spec.signing_algorithm().key_spec(), spec);
            assert_eq!(
                spec.signing_algorithm().hash_algorithm(),
                spec.hash_algorithm()
            );
        }
        assert_eq!(KeySpec::ALL.len(), SigningAlgorithm::ALL.len());
    }

    #[test]
    fn every_word_is_read_back_and_only_by_its_exact_spelling() {
        for &spec in KeySpec::ALL {
            assert_eq!(spec.as_str().parse(), Ok(spec));
            assert!(spec.as_str().to_lowercase().parse::<KeySpec>().is_err());
        }
        let refusal = "RSA-1024".parse::<KeySpec>().unwrap_err().to_string();
        assert_eq!(
            refusal,
            "\"RSA-1024\" is no key spec: expected one of RSA-2048, RSA-3072, RSA-4096, EC-256, EC-384, EC-521"
        );
    }
}
