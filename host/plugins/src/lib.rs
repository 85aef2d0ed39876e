//! apostille-plugins
