//! apostille-artifact
