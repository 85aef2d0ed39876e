//! How much is read from a store, whoever wrote it.

/// The most bytes of a manifest, of an index and of one page of referrers: 4 MiB, the bound that the
/// OCI distribution specification lets registries put on manifests and that the field's clients share.
pub const MAX_MANIFEST_LEN: u64 = 4 * 1024 * 1024;

/// The most bytes of a signature envelope: 32 MiB, as in the field's reference implementation. A real
/// one has a few kilobytes; one with a long chain and a timestamp some ten.
pub const MAX_ENVELOPE_LEN: u64 = 32 * 1024 * 1024;

/// The most manifests that are looked at in one OCI layout. An index of 4 MiB has room for about twenty
/// thousand entries; nested indexes could otherwise make a scan as long as their writer likes.
pub const MAX_SCANNED_MANIFESTS: usize = 50_000;

/// The most pages of one list of referrers. Registries send some fifty to a thousand entries a page; one
/// that never comes to an end must not keep a verifier for ever.
pub const MAX_REFERRERS_PAGES: usize = 100;
