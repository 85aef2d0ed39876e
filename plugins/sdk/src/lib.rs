//! notary-plugin-sdk
