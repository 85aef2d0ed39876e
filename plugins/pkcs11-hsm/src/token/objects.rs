//! Keys and certificates on the token.

use cryptoki::object::{
    Attribute, AttributeType, CertificateType, KeyType, ObjectClass, ObjectHandle,
};
use notary_x509::Certificate;
use serde::{Deserialize, Serialize};

use super::connection::Connection;
use super::error::TokenError;
use super::public_key;
use crate::locator::ObjectName;
use crate::uri::{ObjectType, Pkcs11Uri};

/// Most candidates that a message lists; more would hide what matters.
const MAX_LISTED: usize = 10;

/// Most certificates that are read from a token to complete a chain. A token that serves as a whole CA's
/// archive would otherwise cost a read per certificate for every signature.
const MAX_CERTIFICATES: usize = 256;

/// Most bytes of one certificate on a token; real ones have one or two thousand.
const MAX_CERTIFICATE_LENGTH: usize = 64 * 1024;

/// A private key on the token, found and known to be able to sign.
#[derive(Debug, Clone)]
pub(crate) struct TokenKey {
    pub(crate) handle: ObjectHandle,
    pub(crate) label: String,
    pub(crate) id: Vec<u8>,
    pub(crate) always_authenticate: bool,
    /// The DER `SubjectPublicKeyInfo`.
    pub(crate) public_key: Vec<u8>,
}

/// A line of `keys`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeySummary {
    /// The URI that names the key.
    pub(crate) uri: String,
    /// The DER `SubjectPublicKeyInfo`, if the token tells it.
    pub(crate) public_key: Option<Vec<u8>>,
    /// Subject of the certificate of the key, if it is on the token.
    pub(crate) certificate: Option<String>,
    /// Why the key cannot sign, if it cannot.
    pub(crate) obstacle: Option<String>,
}

/// What is read of every private key first.
#[derive(Debug, Clone)]
struct Candidate {
    handle: ObjectHandle,
    label: String,
    id: Vec<u8>,
    key_type: Option<KeyType>,
    may_sign: bool,
    always_authenticate: bool,
}

impl Candidate {
    fn read(connection: &Connection, handle: ObjectHandle) -> Result<Self, TokenError> {
        let wanted = [
            AttributeType::Label,
            AttributeType::Id,
            AttributeType::Sign,
            AttributeType::AlwaysAuthenticate,
        ];
        let session = connection.session();
        let mut attributes = session
            .get_attributes(handle, &wanted)
            .map_err(TokenError::call("reading a key's attributes"))?;
        // Vendors have key types of their own, which `cryptoki` does not read. Such a key must not hide the
        // others; whether it can sign is told by its public half.
        attributes.extend(
            session
                .get_attributes(handle, &[AttributeType::KeyType])
                .unwrap_or_default(),
        );
        let mut candidate = Self {
            handle,
            label: String::new(),
            id: Vec::new(),
            key_type: None,
            // Absent, the attribute has its default, which is the token's business: signing will tell.
            may_sign: true,
            always_authenticate: false,
        };
        for attribute in attributes {
            match attribute {
                Attribute::Label(label) => {
                    candidate.label = String::from_utf8_lossy(&label).into_owned()
                }
                Attribute::Id(id) => candidate.id = id,
                Attribute::KeyType(key_type) => candidate.key_type = Some(key_type),
                Attribute::Sign(sign) => candidate.may_sign = sign,
                Attribute::AlwaysAuthenticate(always) => candidate.always_authenticate = always,
                _ => {}
            }
        }
        Ok(candidate)
    }

    /// The shortest URI that means this key on its token.
    fn uri(&self, connection: &Connection) -> String {
        Pkcs11Uri {
            token: Some(connection.token().label().to_owned()),
            object: (!self.label.is_empty()).then(|| self.label.clone()),
            id: (!self.id.is_empty()).then(|| self.id.clone()),
            object_type: Some(ObjectType::Private),
            ..Pkcs11Uri::default()
        }
        .to_string()
    }

    fn name(&self) -> String {
        format!(
            "`{}` (id {})",
            self.label,
            if self.id.is_empty() {
                "none".to_owned()
            } else {
                hex::encode(&self.id)
            }
        )
    }
}

/// Finds the one private key that `wanted` names and reads its public half.
///
/// # Errors
/// [`TokenError`] with the keys that there are if none or several match, if the key may not sign, is of a
/// type that the Notary Project does not sign with, or has no readable public half.
pub(crate) fn find_key(
    connection: &Connection,
    wanted: &ObjectName,
) -> Result<TokenKey, TokenError> {
    let mut found = matching(connection, ObjectClass::PRIVATE_KEY, wanted)?;
    let key = match (found.len(), found.pop()) {
        (1, Some(key)) => key,
        (0, _) | (_, None) => return Err(no_such_key(connection, wanted)?),
        (count, Some(last)) => {
            found.push(last);
            let candidates: Vec<String> = found
                .iter()
                .take(MAX_LISTED)
                .map(|key| key.uri(connection))
                .collect();
            return Err(TokenError::SeveralKeys {
                token: connection.token().label().to_owned(),
                count,
                candidates: candidates.join(", "),
            });
        }
    };
    if !key.may_sign {
        return Err(TokenError::MayNotSign(key.name()));
    }
    let public_key = public_key_of(connection, &key)?;
    Ok(TokenKey {
        handle: key.handle,
        label: key.label,
        id: key.id,
        always_authenticate: key.always_authenticate,
        public_key,
    })
}

/// All private keys on the token, with what keeps each from signing.
///
/// # Errors
/// [`TokenError`] if the token does not list its objects.
pub(crate) fn list_keys(connection: &Connection) -> Result<Vec<KeySummary>, TokenError> {
    let everything = ObjectName::Exact {
        label: None,
        id: None,
    };
    let keys = matching(connection, ObjectClass::PRIVATE_KEY, &everything)?;
    let certificates: Vec<Certificate> = certificates(connection, &[])?
        .iter()
        .filter_map(|der| Certificate::from_der(der).ok())
        .collect();
    let mut summaries: Vec<KeySummary> = keys
        .iter()
        .map(|key| {
            let public_key = public_key_of(connection, key);
            let obstacle = if key.may_sign {
                public_key.as_ref().err().map(ToString::to_string)
            } else {
                Some("may not sign (CKA_SIGN is false)".to_owned())
            };
            KeySummary {
                uri: key.uri(connection),
                certificate: public_key.as_ref().ok().and_then(|public_key| {
                    let own = |certificate: &&Certificate| {
                        certificate.public_key().spki_der() == public_key
                    };
                    certificates
                        .iter()
                        .find(own)
                        .map(|certificate| certificate.subject().to_string())
                }),
                public_key: public_key.ok(),
                obstacle,
            }
        })
        .collect();
    summaries.sort_by(|one, other| one.uri.cmp(&other.uri));
    Ok(summaries)
}

/// Whether an object of this class has the label or the id.
///
/// # Errors
/// [`TokenError`] if the token cannot be searched.
pub(crate) fn exists(
    connection: &Connection,
    class: ObjectClass,
    label: &str,
    id: &[u8],
) -> Result<bool, TokenError> {
    let with = |label, id| matching(connection, class, &ObjectName::Exact { label, id });
    Ok(!with(Some(label.to_owned()), None)?.is_empty()
        || !with(None, Some(id.to_vec()))?.is_empty())
}

/// The X.509 certificates on the token, DER, those with the key's id first.
///
/// # Errors
/// [`TokenError`] if the token cannot be searched.
pub(crate) fn certificates(connection: &Connection, id: &[u8]) -> Result<Vec<Vec<u8>>, TokenError> {
    let action = "reading the token's certificates";
    let template = [
        Attribute::Class(ObjectClass::CERTIFICATE),
        Attribute::CertificateType(CertificateType::X_509),
    ];
    let handles = connection
        .session()
        .find_objects(&template)
        .map_err(TokenError::call(action))?;
    let mut of_key = Vec::new();
    let mut others = Vec::new();
    for handle in handles.into_iter().take(MAX_CERTIFICATES) {
        let attributes = connection
            .session()
            .get_attributes(handle, &[AttributeType::Value, AttributeType::Id])
            .map_err(TokenError::call(action))?;
        let mut value = Vec::new();
        let mut own = false;
        for attribute in attributes {
            match attribute {
                Attribute::Value(bytes) => value = bytes,
                Attribute::Id(bytes) => own = !id.is_empty() && bytes == id,
                _ => {}
            }
        }
        // An empty value belongs to a certificate that is stored elsewhere, by URL.
        if !value.is_empty() && value.len() <= MAX_CERTIFICATE_LENGTH {
            if own {
                of_key.push(value)
            } else {
                others.push(value)
            }
        }
    }
    of_key.append(&mut others);
    Ok(of_key)
}

fn matching(
    connection: &Connection,
    class: ObjectClass,
    wanted: &ObjectName,
) -> Result<Vec<Candidate>, TokenError> {
    let mut templates: Vec<Vec<Attribute>> = Vec::new();
    match wanted {
        ObjectName::Exact { label, id } => {
            let label = label
                .iter()
                .map(|label| Attribute::Label(label.clone().into_bytes()));
            let id = id.iter().map(|id| Attribute::Id(id.clone()));
            templates.push(label.chain(id).collect());
        }
        ObjectName::Bare(word) => {
            templates.push(vec![Attribute::Label(word.clone().into_bytes())]);
            templates.extend(ObjectName::bare_id(word).map(|id| vec![Attribute::Id(id)]));
        }
    }
    let mut handles: Vec<ObjectHandle> = Vec::new();
    for mut template in templates {
        template.push(Attribute::Class(class));
        let found = connection
            .session()
            .find_objects(&template)
            .map_err(TokenError::call("searching the token"))?;
        for handle in found {
            if !handles
                .iter()
                .any(|known| known.handle() == handle.handle())
            {
                handles.push(handle);
            }
        }
    }
    handles
        .into_iter()
        .map(|handle| Candidate::read(connection, handle))
        .collect()
}

fn public_key_of(connection: &Connection, key: &Candidate) -> Result<Vec<u8>, TokenError> {
    match key.key_type {
        Some(KeyType::RSA | KeyType::EC) | None => {}
        Some(other) => {
            return Err(TokenError::UnsupportedKey {
                key: key.name(),
                kind: other.to_string(),
            });
        }
    }
    if let Some(public_key) = public_key::read(connection, key.handle)? {
        return Ok(public_key);
    }
    // Few tokens tell the public half of an EC key from the private object: look beside it.
    let beside = if key.id.is_empty() {
        ObjectName::Exact {
            label: Some(key.label.clone()),
            id: None,
        }
    } else {
        ObjectName::Exact {
            label: None,
            id: Some(key.id.clone()),
        }
    };
    for object in matching(connection, ObjectClass::PUBLIC_KEY, &beside)? {
        if let Some(public_key) = public_key::read(connection, object.handle)? {
            return Ok(public_key);
        }
    }
    for object in matching(connection, ObjectClass::CERTIFICATE, &beside)? {
        if let Some(public_key) = public_key::read_from_certificate(connection, object.handle)? {
            return Ok(public_key);
        }
    }
    Err(TokenError::PublicKeyUnknown(key.name()))
}

fn no_such_key(connection: &Connection, wanted: &ObjectName) -> Result<TokenError, TokenError> {
    let hint = if !matching(connection, ObjectClass::PUBLIC_KEY, wanted)?.is_empty() {
        " (only the public half of such a key)"
    } else if !matching(connection, ObjectClass::CERTIFICATE, wanted)?.is_empty() {
        " (only a certificate of that name)"
    } else {
        ""
    };
    let everything = ObjectName::Exact {
        label: None,
        id: None,
    };
    let keys = matching(connection, ObjectClass::PRIVATE_KEY, &everything)?;
    let names: Vec<String> = keys.iter().take(MAX_LISTED).map(Candidate::name).collect();
    let present = match keys.len() {
        0 => "it holds no private key".to_owned(),
        count if count > MAX_LISTED => format!(
            "it holds {} and {} more",
            names.join(", "),
            count - MAX_LISTED
        ),
        _ => format!("it holds {}", names.join(", ")),
    };
    Ok(TokenError::NoSuchKey {
        token: connection.token().label().to_owned(),
        wanted: wanted.to_string(),
        hint,
        present,
    })
}
