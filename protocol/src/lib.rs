//! notary-plugin-protocol
