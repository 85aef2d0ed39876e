//! Commands for people, beside those that every plugin has.

mod import;
mod issue_cert;
mod permissions;
mod set_certificate;
mod subject;
mod target;
mod wrap;

pub(crate) use import::Import;
pub(crate) use issue_cert::IssueCertificate;
pub(crate) use set_certificate::SetCertificate;
