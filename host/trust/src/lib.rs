//! apostille-trust
