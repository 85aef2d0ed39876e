//! What the plugin offers people beside the commands of every plugin.

mod issue_cert;
mod subject;

pub(crate) use issue_cert::IssueCertificate;
