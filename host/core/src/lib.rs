//! apostille-core
