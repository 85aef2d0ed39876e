//! apostille-registry
