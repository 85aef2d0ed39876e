//! Which certificates a CRL speaks about: issuingDistributionPoint (RFC 5280 §5.2.5).

use der::Tag;
use notary_x509::Certificate;
use notary_x509::asn1::{Fields, constructed, primitive};

use crate::revocation::evidence::EvidenceError;

/// The scope of a CRL; by default all certificates of its issuer.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// The names of the distribution point, if the list is a partition; each a DER `GeneralName`.
    partition: Option<Vec<Vec<u8>>>,
    user_certificates_only: bool,
    ca_certificates_only: bool,
    attribute_certificates_only: bool,
    some_reasons_only: bool,
    indirect: bool,
}

impl Scope {
    pub(super) fn read(der: &[u8]) -> Result<Self, der::Error> {
        let mut fields = Fields::single(der, Tag::Sequence)?.fields()?;
        let partition = match fields.optional(constructed(0))? {
            Some(name) => {
                let mut choice = name.fields()?;
                let mut names = Vec::new();
                if let Some(full_name) = choice.optional(constructed(0))? {
                    let mut list = full_name.fields()?;
                    while !list.is_empty() {
                        names.push(list.next_field()?.raw.to_vec());
                    }
                }
                Some(names)
            }
            None => None,
        };
        // Implicit BOOLEANs; DER leaves out FALSE, the default, but not everybody knows.
        let mut flag = |number| -> Result<bool, der::Error> {
            Ok(fields
                .optional(primitive(number))?
                .is_some_and(|tlv| tlv.value != [0]))
        };
        let user_certificates_only = flag(1)?;
        let ca_certificates_only = flag(2)?;
        let some_reasons_only = flag(3)?;
        let indirect = flag(4)?;
        let attribute_certificates_only = flag(5)?;
        fields.finish()?;
        Ok(Self {
            partition,
            user_certificates_only,
            ca_certificates_only,
            attribute_certificates_only,
            some_reasons_only,
            indirect,
        })
    }

    pub(super) fn check_covers(&self, certificate: &Certificate) -> Result<(), EvidenceError> {
        let refuse = |reason| Err(EvidenceError::OutOfScope { reason });
        if self.indirect {
            return refuse("it is an indirect CRL, which is not supported");
        }
        if self.attribute_certificates_only {
            return refuse("it is for attribute certificates only");
        }
        if self.user_certificates_only && certificate.is_ca() {
            return refuse("it is for end entities only, and this is a CA");
        }
        if self.ca_certificates_only && !certificate.is_ca() {
            return refuse("it is for CAs only, and this is an end entity");
        }
        if let Some(names) = &self.partition
            && !names_a_point_of(names, certificate)
        {
            return refuse("it is the partition of another distribution point");
        }
        Ok(())
    }

    /// A list of some reasons cannot say that a certificate is good.
    pub(super) fn check_all_reasons(&self) -> Result<(), EvidenceError> {
        if self.some_reasons_only {
            return Err(EvidenceError::OutOfScope {
                reason: "it is for some revocation reasons only",
            });
        }
        Ok(())
    }
}

fn names_a_point_of(names: &[Vec<u8>], certificate: &Certificate) -> bool {
    certificate
        .crl_distribution_points()
        .iter()
        .flat_map(|point| &point.full_names)
        .any(|name| names.contains(name))
}
