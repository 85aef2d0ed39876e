//! apostille-conformance
