//! Distinguished names: X.501 names as certificates hold them, and their RFC 4514 text.

mod rfc4514;

use std::fmt;

use der::Tag;
use der::asn1::ObjectIdentifier;

use crate::Error;
use crate::asn1::{Fields, Tlv, write};

const WHAT: &str = "distinguished name";

/// A distinguished name. Equality and hash are those of the DER encoding, as in path building; to
/// compare what the attributes say, go through [`Name::attributes`].
///
/// [`fmt::Display`] writes RFC 4514: most specific attribute first, values escaped, unknown
/// attribute types as dotted object identifiers with a hexadecimal value. `serialNumber`,
/// `postalCode` and `emailAddress`, common in certificates, are written by these names.
///
/// ```
/// use notary_x509::Name;
///
/// let name = Name::from_rfc4514("CN=release,OU=build\\, sign,O=Example,C=GB")?;
/// assert_eq!(name.to_string(), "CN=release,OU=build\\, sign,O=Example,C=GB");
/// let first = name.attributes().next().unwrap();
/// assert_eq!((first.short_name(), first.text()), (Some("C"), Some("GB")));
/// # Ok::<(), notary_x509::Error>(())
/// ```
#[derive(Clone)]
pub struct Name {
    der: Vec<u8>,
    rdns: Vec<Vec<Attribute>>,
}

/// One attribute of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    oid: ObjectIdentifier,
    /// The DER encoding of the value.
    value: Vec<u8>,
    text: Option<String>,
}

impl Name {
    /// The name in the DER `Name` `der`.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        read_rdns(der)
            .map(|rdns| Self {
                der: der.to_vec(),
                rdns,
            })
            .map_err(Error::malformed(WHAT))
    }

    /// The name that `text` says in the form of RFC 4514; white space around attributes is ignored,
    /// as in `C=GB, O=Example`. Values become UTF8String, but PrintableString for `C` and
    /// `serialNumber` and IA5String for `DC` and `emailAddress` where their characters allow it.
    ///
    /// # Errors
    /// [`Error::DistinguishedName`].
    pub fn from_rfc4514(text: &str) -> Result<Self, Error> {
        rfc4514::parse(text)
            .map(Self::from_rdns)
            .map_err(|reason| Error::DistinguishedName {
                name: text.chars().take(rfc4514::MAX_SHOWN).collect(),
                reason,
            })
    }

    fn from_rdns(mut rdns: Vec<Vec<Attribute>>) -> Self {
        // The order of the SET OF in DER, so that what is built is what would be read.
        for rdn in &mut rdns {
            rdn.sort_by_cached_key(Attribute::to_der);
        }
        let encoded: Vec<Vec<u8>> = rdns
            .iter()
            .map(|rdn| {
                let attributes: Vec<Vec<u8>> = rdn.iter().map(Attribute::to_der).collect();
                write::set(&attributes.iter().map(Vec::as_slice).collect::<Vec<_>>())
            })
            .collect();
        let der = write::sequence(&encoded.iter().map(Vec::as_slice).collect::<Vec<_>>());
        Self { der, rdns }
    }

    /// The DER encoding, as received.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// Whether the name has no attributes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rdns.is_empty()
    }

    /// The relative distinguished names in the order of the encoding (country first, usually), each
    /// with its one or more attributes.
    pub fn rdns(&self) -> impl Iterator<Item = &[Attribute]> {
        self.rdns.iter().map(Vec::as_slice)
    }

    /// All attributes in the order of the encoding.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.rdns.iter().flatten()
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Name {}

impl std::hash::Hash for Name {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.der.hash(state);
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, rdn) in self.rdns.iter().rev().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            for (index, attribute) in rdn.iter().enumerate() {
                if index > 0 {
                    f.write_str("+")?;
                }
                rfc4514::write(attribute, f)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

impl Attribute {
    /// The attribute type.
    #[must_use]
    pub fn oid(&self) -> ObjectIdentifier {
        self.oid
    }

    /// The attribute type's name in RFC 4514 text, such as `CN`, if it has one.
    #[must_use]
    pub fn short_name(&self) -> Option<&'static str> {
        rfc4514::short_name(self.oid)
    }

    /// The value as text, if it is one of the string types and decodes.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// The DER encoding of the value.
    #[must_use]
    pub fn value_der(&self) -> &[u8] {
        &self.value
    }

    fn to_der(&self) -> Vec<u8> {
        write::sequence(&[&write::object_identifier(self.oid), &self.value])
    }
}

fn read_rdns(der: &[u8]) -> Result<Vec<Vec<Attribute>>, der::Error> {
    let mut sets = Fields::single(der, Tag::Sequence)?.fields()?;
    let mut rdns = Vec::new();
    while !sets.is_empty() {
        let mut attributes = sets.expect(Tag::Set)?.fields()?;
        let mut rdn = Vec::new();
        while !attributes.is_empty() {
            rdn.push(read_attribute(attributes.expect(Tag::Sequence)?)?);
        }
        if rdn.is_empty() {
            return Err(Tag::Set.length_error().into());
        }
        rdns.push(rdn);
    }
    Ok(rdns)
}

fn read_attribute(tlv: Tlv<'_>) -> Result<Attribute, der::Error> {
    let mut fields = tlv.fields()?;
    let oid = fields.expect(Tag::ObjectIdentifier)?.oid()?;
    let value = fields.next_field()?;
    fields.finish()?;
    Ok(Attribute {
        oid,
        value: value.raw.to_vec(),
        text: text_of(value),
    })
}

/// The text of the string types of X.520 `DirectoryString` and their kin.
fn text_of(value: Tlv<'_>) -> Option<String> {
    match value.tag {
        Tag::Utf8String => String::from_utf8(value.value.to_vec()).ok(),
        Tag::PrintableString | Tag::Ia5String | Tag::NumericString | Tag::VisibleString => {
            (value.value.is_ascii())
                .then(|| value.value.iter().map(|byte| char::from(*byte)).collect())
        }
        // T.61 in name, Latin-1 in practice.
        Tag::TeletexString => Some(value.value.iter().map(|byte| char::from(*byte)).collect()),
        Tag::BmpString => {
            let (units, rest) = value.value.as_chunks::<2>();
            let units: Vec<u16> = units.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
            String::from_utf16(&units).ok().filter(|_| rest.is_empty())
        }
        _ => None,
    }
}
