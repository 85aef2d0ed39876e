//! Making a signature with whatever the token offers.
//!
//! The signature that the Notary Project wants is RSASSA-PSS with MGF1 of the same hash and a salt as
//! long as the hash, or ECDSA as r‖s. Tokens differ in how much of that they do themselves, so the token
//! is asked for its mechanisms, and each that would do is tried in order of how little it leaves to us.

use cryptoki::context::Function;
use cryptoki::error::RvError;
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::session::Session;
use cryptoki_sys::CK_ULONG;
use notary_plugin_protocol::{HashAlgorithm, KeySpec};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::connection::Connection;
use super::error::TokenError;
use super::objects::TokenKey;
use super::pss;
use super::raw::{ContextLogin, RawFunctions};

/// A way to make the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The token pads or signs a digest that is made here.
    Digest,
    /// The token hashes as well.
    Message,
    /// The token only does the RSA operation, and the padding is made here.
    RawRsa,
}

/// Every mechanism that is of use here.
pub(crate) const MECHANISMS: &[MechanismType] = &[
    MechanismType::RSA_PKCS_PSS,
    MechanismType::SHA256_RSA_PKCS_PSS,
    MechanismType::SHA384_RSA_PKCS_PSS,
    MechanismType::SHA512_RSA_PKCS_PSS,
    MechanismType::RSA_X_509,
    MechanismType::ECDSA,
    MechanismType::ECDSA_SHA256,
    MechanismType::ECDSA_SHA384,
    MechanismType::ECDSA_SHA512,
];

/// What a signature needs beside a session: the same for every session with the token.
pub(super) struct Signing<'a> {
    pub(super) functions: &'a RawFunctions,
    /// Those of [`MECHANISMS`] that the token offers.
    pub(super) offered: &'a [MechanismType],
    /// The token's label, for errors.
    pub(super) token: &'a str,
    /// For keys that always authenticate.
    pub(super) login: ContextLogin<'a>,
}

/// Signs `payload` with `key` in the connection's own session: RSASSA-PSS bytes, or ECDSA r‖s.
///
/// # Errors
/// As [`Signing::sign`].
pub(crate) fn sign(
    connection: &Connection,
    key: &TokenKey,
    key_spec: KeySpec,
    payload: &[u8],
) -> Result<Vec<u8>, TokenError> {
    connection
        .signing()?
        .sign(connection.session(), key, key_spec, payload)
}

impl Signing<'_> {
    /// Signs `payload` with `key`: RSASSA-PSS bytes, or ECDSA r‖s.
    ///
    /// # Errors
    /// [`TokenError::NoMechanism`] if the token has no mechanism that would do, or what the token said.
    pub(super) fn sign(
        &self,
        session: &Session,
        key: &TokenKey,
        key_spec: KeySpec,
        payload: &[u8],
    ) -> Result<Vec<u8>, TokenError> {
        let ways = ways(key_spec);
        let mut usable = ways
            .iter()
            .filter(|(mechanism, _)| self.offered.contains(mechanism))
            .peekable();
        if usable.peek().is_none() {
            return Err(self.no_mechanism(key_spec, &ways));
        }
        let mut refusals = Vec::new();
        for (mechanism, way) in usable {
            match self.attempt(session, key, key_spec, *mechanism, *way, payload)? {
                Ok(signature) => return Ok(signature),
                Err(rv) => refusals.push(format!("{mechanism}: {rv:?}")),
            }
        }
        Err(TokenError::EveryMechanismRefused(refusals.join(", ")))
    }

    fn no_mechanism(&self, key_spec: KeySpec, ways: &[(MechanismType, Way)]) -> TokenError {
        let names: Vec<String> = ways
            .iter()
            .map(|(mechanism, _)| mechanism.to_string())
            .collect();
        TokenError::NoMechanism {
            token: self.token.to_owned(),
            wanted: if is_rsa(key_spec) {
                "RSASSA-PSS"
            } else {
                "ECDSA"
            },
            mechanisms: names.join(", "),
        }
    }

    /// One attempt. The inner error says that the token refuses this mechanism or its parameters, and
    /// that the next is worth a try.
    fn attempt(
        &self,
        session: &Session,
        key: &TokenKey,
        key_spec: KeySpec,
        mechanism: MechanismType,
        way: Way,
        payload: &[u8],
    ) -> Result<Result<Vec<u8>, RvError>, TokenError> {
        let hash = key_spec.hash_algorithm();
        let data = match way {
            Way::Digest => digest(hash, payload),
            Way::Message => payload.to_vec(),
            Way::RawRsa => pss::encode(&digest(hash, payload), hash, modulus_bits(key_spec))?,
        };
        let Some(mechanism) = mechanism_with_parameters(mechanism, hash) else {
            return Ok(Err(RvError::MechanismInvalid));
        };
        let login = if key.always_authenticate {
            &self.login
        } else {
            &ContextLogin::No
        };
        let signed = self
            .functions
            .sign(session, &mechanism, key.handle, login, &data);
        match signed {
            Ok(signature) => Ok(Ok(left_padded(signature, key_spec))),
            Err((Function::SignInit | Function::Sign, rv)) if is_refusal(rv) => Ok(Err(rv)),
            Err((Function::Login, RvError::PinIncorrect)) => Err(TokenError::PinRefused {
                token: self.token.to_owned(),
                from: "the log-in (the key asks for it before each signature)".to_owned(),
                tries: "check whether the key has a PIN of its own",
            }),
            Err((function, rv)) => Err(TokenError::returned("signing", function, rv)),
        }
    }
}

/// The mechanisms of the token that make such signatures, for people.
pub(crate) fn offered(connection: &Connection) -> Vec<String> {
    let offered = connection.mechanisms().unwrap_or_default();
    let line = |key_spec: &KeySpec| {
        let names: Vec<String> = ways(*key_spec)
            .iter()
            .filter(|(mechanism, _)| offered.contains(mechanism))
            .map(|(mechanism, _)| mechanism.to_string())
            .collect();
        format!(
            "{key_spec}: {}",
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            }
        )
    };
    KeySpec::ALL.iter().map(line).collect()
}

/// The mechanisms for a key spec, best first.
fn ways(key_spec: KeySpec) -> Vec<(MechanismType, Way)> {
    let (pss_with_hash, ecdsa_with_hash) = match key_spec.hash_algorithm() {
        HashAlgorithm::Sha256 => (
            MechanismType::SHA256_RSA_PKCS_PSS,
            MechanismType::ECDSA_SHA256,
        ),
        HashAlgorithm::Sha384 => (
            MechanismType::SHA384_RSA_PKCS_PSS,
            MechanismType::ECDSA_SHA384,
        ),
        HashAlgorithm::Sha512 => (
            MechanismType::SHA512_RSA_PKCS_PSS,
            MechanismType::ECDSA_SHA512,
        ),
    };
    if is_rsa(key_spec) {
        vec![
            (MechanismType::RSA_PKCS_PSS, Way::Digest),
            (pss_with_hash, Way::Message),
            (MechanismType::RSA_X_509, Way::RawRsa),
        ]
    } else {
        vec![
            (MechanismType::ECDSA, Way::Digest),
            (ecdsa_with_hash, Way::Message),
        ]
    }
}

fn mechanism_with_parameters(
    mechanism: MechanismType,
    hash: HashAlgorithm,
) -> Option<Mechanism<'static>> {
    let (hash_alg, mgf) = match hash {
        HashAlgorithm::Sha256 => (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256),
        HashAlgorithm::Sha384 => (MechanismType::SHA384, PkcsMgfType::MGF1_SHA384),
        HashAlgorithm::Sha512 => (MechanismType::SHA512, PkcsMgfType::MGF1_SHA512),
    };
    let parameters = PkcsPssParams {
        hash_alg,
        mgf,
        s_len: CK_ULONG::try_from(hash.output_len()).ok()?.into(),
    };
    Some(match mechanism {
        MechanismType::RSA_PKCS_PSS => Mechanism::RsaPkcsPss(parameters),
        MechanismType::SHA256_RSA_PKCS_PSS => Mechanism::Sha256RsaPkcsPss(parameters),
        MechanismType::SHA384_RSA_PKCS_PSS => Mechanism::Sha384RsaPkcsPss(parameters),
        MechanismType::SHA512_RSA_PKCS_PSS => Mechanism::Sha512RsaPkcsPss(parameters),
        MechanismType::RSA_X_509 => Mechanism::RsaX509,
        MechanismType::ECDSA => Mechanism::Ecdsa,
        MechanismType::ECDSA_SHA256 => Mechanism::EcdsaSha256,
        MechanismType::ECDSA_SHA384 => Mechanism::EcdsaSha384,
        MechanismType::ECDSA_SHA512 => Mechanism::EcdsaSha512,
        _ => return None,
    })
}

/// The answers that mean "not with this mechanism", as opposed to "not with this key" or "not now".
fn is_refusal(rv: RvError) -> bool {
    matches!(
        rv,
        RvError::MechanismInvalid
            | RvError::MechanismParamInvalid
            | RvError::ArgumentsBad
            | RvError::FunctionNotSupported
            | RvError::DataInvalid
            | RvError::DataLenRange
    )
}

fn digest(hash: HashAlgorithm, payload: &[u8]) -> Vec<u8> {
    match hash {
        HashAlgorithm::Sha256 => Sha256::digest(payload).to_vec(),
        HashAlgorithm::Sha384 => Sha384::digest(payload).to_vec(),
        HashAlgorithm::Sha512 => Sha512::digest(payload).to_vec(),
    }
}

fn is_rsa(key_spec: KeySpec) -> bool {
    matches!(
        key_spec,
        KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096
    )
}

fn modulus_bits(key_spec: KeySpec) -> usize {
    match key_spec {
        KeySpec::Rsa3072 => 3072,
        KeySpec::Rsa4096 => 4096,
        _ => 2048,
    }
}

/// A raw RSA result may lack leading zeros: the signature is as long as the modulus (RFC 8017 §8.1.1).
fn left_padded(mut signature: Vec<u8>, key_spec: KeySpec) -> Vec<u8> {
    let length = modulus_bits(key_spec) / 8;
    if is_rsa(key_spec) && signature.len() < length {
        let mut padded = vec![0; length - signature.len()];
        padded.append(&mut signature);
        return padded;
    }
    signature
}
