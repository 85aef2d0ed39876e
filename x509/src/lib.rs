//! notary-x509
