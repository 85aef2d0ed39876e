//! Digests: the hash of some bytes, written `algorithm:hex`.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Digest as _;

/// The hash algorithms that a [`Digest`] may name: the ones that the OCI image specification registers
/// and that every Notary Project verifier knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DigestAlgorithm {
    /// SHA-256, the one that registries use.
    Sha256,
    /// SHA-384, used for blobs that are signed with a 384-bit key.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl DigestAlgorithm {
    /// Every algorithm, shortest output first.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// The name as it stands before the colon of a digest: `sha256`, `sha384` or `sha512`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// The length of the hash in bytes.
    pub fn output_len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Starts hashing content that comes in pieces.
    pub fn digester(self) -> Digester {
        Digester(match self {
            Self::Sha256 => Hasher::Sha256(sha2::Sha256::new()),
            Self::Sha384 => Hasher::Sha384(sha2::Sha384::new()),
            Self::Sha512 => Hasher::Sha512(sha2::Sha512::new()),
        })
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == name)
    }
}

impl fmt::Display for DigestAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Hashes content that comes in pieces; see [`DigestAlgorithm::digester`].
///
/// ```
/// use apostille_artifact::{Digest, DigestAlgorithm};
///
/// let mut digester = DigestAlgorithm::Sha256.digester();
/// digester.update(b"in two ");
/// digester.update(b"pieces");
/// assert_eq!(digester.finish(), Digest::of(DigestAlgorithm::Sha256, b"in two pieces"));
/// ```
#[derive(Clone)]
pub struct Digester(Hasher);

#[derive(Clone)]
enum Hasher {
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
}

impl Digester {
    /// Adds the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Hasher::Sha256(hasher) => hasher.update(bytes),
            Hasher::Sha384(hasher) => hasher.update(bytes),
            Hasher::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// The digest of everything that was added.
    pub fn finish(self) -> Digest {
        let (algorithm, hex) = match self.0 {
            Hasher::Sha256(hasher) => (DigestAlgorithm::Sha256, hex::encode(hasher.finalize())),
            Hasher::Sha384(hasher) => (DigestAlgorithm::Sha384, hex::encode(hasher.finalize())),
            Hasher::Sha512(hasher) => (DigestAlgorithm::Sha512, hex::encode(hasher.finalize())),
        };
        Digest { algorithm, hex }
    }
}

impl fmt::Debug for Digester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithm = match &self.0 {
            Hasher::Sha256(_) => DigestAlgorithm::Sha256,
            Hasher::Sha384(_) => DigestAlgorithm::Sha384,
            Hasher::Sha512(_) => DigestAlgorithm::Sha512,
        };
        f.debug_tuple("Digester").field(&algorithm).finish()
    }
}

/// The hash of some bytes, written `sha256:` and 64 lower-case hexadecimal digits (likewise `sha384`
/// and `sha512`). A value of this type is always well-formed.
///
/// Only lower case is accepted, as the OCI image specification asks: two spellings of one digest would
/// be two names for one artifact.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    algorithm: DigestAlgorithm,
    hex: String,
}

impl Digest {
    /// Hashes `bytes`.
    pub fn of(algorithm: DigestAlgorithm, bytes: &[u8]) -> Self {
        let mut digester = algorithm.digester();
        digester.update(bytes);
        digester.finish()
    }

    /// The algorithm that made it.
    pub fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// The hash in lower-case hexadecimal, without the algorithm. It holds only `0-9a-f`, and so is safe
    /// as a file name.
    pub fn hex(&self) -> &str {
        &self.hex
    }

    /// Whether `bytes` hash to this digest.
    pub fn verify(&self, bytes: &[u8]) -> bool {
        Self::of(self.algorithm, bytes) == *self
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm, self.hex)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// Why a text is no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// There is no colon between algorithm and hash.
    #[error("a digest has the form algorithm:hex, for example sha256:44136fa3…")]
    Form,
    /// The algorithm is not one of [`DigestAlgorithm::ALL`].
    #[error("the digest algorithm is not supported; use sha256, sha384 or sha512")]
    UnsupportedAlgorithm,
    /// The hash is not lower-case hexadecimal of the algorithm's length.
    #[error("a {algorithm} digest has {digits} lower-case hexadecimal digits after the colon", digits = .algorithm.output_len() * 2)]
    Hash {
        /// The algorithm that the text names.
        algorithm: DigestAlgorithm,
    },
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (name, hex) = text.split_once(':').ok_or(DigestError::Form)?;
        let algorithm =
            DigestAlgorithm::from_name(name).ok_or(DigestError::UnsupportedAlgorithm)?;
        let well_formed = hex.len() == algorithm.output_len() * 2
            && hex
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !well_formed {
            return Err(DigestError::Hash { algorithm });
        }
        Ok(Self {
            algorithm,
            hex: hex.to_owned(),
        })
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EMPTY_SHA256: &str =
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn the_digest_of_nothing_is_the_published_one() {
        assert_eq!(
            Digest::of(DigestAlgorithm::Sha256, b"").to_string(),
            EMPTY_SHA256
        );
        assert!(
            Digest::of(DigestAlgorithm::Sha384, b"")
                .to_string()
                .starts_with("sha384:38b060a751ac9638")
        );
        assert!(
            Digest::of(DigestAlgorithm::Sha512, b"")
                .to_string()
                .starts_with("sha512:cf83e1357eefb8bd")
        );
    }

    #[test]
    fn a_changed_byte_does_not_verify() {
        let digest = Digest::of(DigestAlgorithm::Sha512, b"content");
        assert!(digest.verify(b"content"));
        assert!(!digest.verify(b"Content"));
    }

    #[test]
    fn what_is_not_a_digest_is_refused() {
        let upper = EMPTY_SHA256.to_uppercase().replace("SHA256", "sha256");
        let wrong: [(&str, DigestError); 7] = [
            ("", DigestError::Form),
            ("e3b0c442", DigestError::Form),
            (
                "md5:d41d8cd98f00b204e9800998ecf8427e",
                DigestError::UnsupportedAlgorithm,
            ),
            ("SHA256:e3b0", DigestError::UnsupportedAlgorithm),
            (
                "sha256:",
                DigestError::Hash {
                    algorithm: DigestAlgorithm::Sha256,
                },
            ),
            (
                &upper,
                DigestError::Hash {
                    algorithm: DigestAlgorithm::Sha256,
                },
            ),
            (
                &EMPTY_SHA256[..70],
                DigestError::Hash {
                    algorithm: DigestAlgorithm::Sha256,
                },
            ),
        ];
        for (text, error) in wrong {
            assert_eq!(text.parse::<Digest>(), Err(error), "{text:?}");
        }
        assert!(format!("{EMPTY_SHA256}0").parse::<Digest>().is_err());
    }

    proptest! {
        #[test]
        fn every_digest_reads_back_as_itself(content: Vec<u8>, algorithm in 0usize..3) {
            let digest = Digest::of(DigestAlgorithm::ALL[algorithm], &content);
            prop_assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        }

        #[test]
        fn any_text_is_a_digest_or_an_error_and_never_two_spellings(text in "(sha256:|sha512:|[a-z:]{0,4})[0-9a-fA-F]{0,130}") {
            if let Ok(digest) = text.parse::<Digest>() {
                prop_assert_eq!(digest.to_string(), text);
            }
        }

        #[test]
        fn pieces_hash_like_the_whole(content: Vec<u8>, cut: usize) {
            let (head, tail) = content.split_at(cut % (content.len() + 1));
            let mut digester = DigestAlgorithm::Sha384.digester();
            digester.update(head);
            digester.update(tail);
            prop_assert_eq!(digester.finish(), Digest::of(DigestAlgorithm::Sha384, &content));
        }
    }
}
