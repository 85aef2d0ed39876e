//! apostille-signature
