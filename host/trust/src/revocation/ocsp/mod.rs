//! OCSP (RFC 6960): the question about one certificate, and the answer held against it.

mod request;
mod response;

pub use request::{MAX_GET_PATH_LEN, Nonce, get_url, request};
pub use response::{
    MAX_AGE_WITHOUT_NEXT_UPDATE, MAX_CERTIFICATES, MAX_RESPONSE_LEN, OcspAnswer, read,
};

use der::asn1::ObjectIdentifier;

const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");
const NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.2");
