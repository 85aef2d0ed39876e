//! Addresses that a certificate may make us connect to.
//!
//! The URLs come from certificates of signatures that may be anybody's. Followed blindly they would
//! let a stranger's signature reach what only the verifier can reach: metadata services, consoles on
//! loopback, machines behind the firewall.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use super::FetchError;

/// Checks that `url` may be asked: plain HTTP, no credentials, and, unless `allow_private`, no host
/// that is a private address or names this machine. What other names resolve to is for the fetcher
/// to check, with [`is_public_address`].
///
/// # Errors
/// [`FetchError::Url`], [`FetchError::PrivateAddress`].
pub fn check_url(url: &str, allow_private: bool) -> Result<(), FetchError> {
    let refuse = || FetchError::Url {
        url: url.to_owned(),
    };
    let parsed = Url::parse(url).map_err(|_| refuse())?;
    if parsed.scheme() != "http" || !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(refuse());
    }
    let host = parsed.host().ok_or_else(refuse)?;
    let public = match &host {
        Host::Ipv4(address) => is_public_v4(*address),
        Host::Ipv6(address) => is_public_v6(*address),
        Host::Domain(name) => !is_local_name(name),
    };
    if public || allow_private {
        return Ok(());
    }
    Err(FetchError::PrivateAddress {
        host: host.to_string(),
    })
}

/// Whether `address` is one that anybody on the Internet could be asked at: not loopback, private,
/// link-local, shared, multicast, reserved or unspecified, nor an IPv6 form of such an IPv4 address.
#[must_use]
pub fn is_public_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// RFC 6761 §6.3, and what home routers and Kubernetes use.
fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let is_or_is_below = |zone: &str| {
        name == zone
            || name
                .strip_suffix(zone)
                .is_some_and(|rest| rest.ends_with('.'))
    };
    name.is_empty()
        || !name.contains('.')
        || ["localhost", "local", "internal", "home.arpa", "localdomain"]
            .into_iter()
            .any(is_or_is_below)
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation()
        // This network, shared address space (RFC 6598), protocol assignments (RFC 6890),
        // benchmarks (RFC 2544), reserved (RFC 1112).
        || a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b))
        || a >= 240;
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(mapped) = embedded_v4(address) {
        return is_public_v4(mapped);
    }
    // 2000::/3 is all that is assigned for global use (RFC 4291 §2.4); 2001:db8::/32 is for
    // documentation, 2001::/23 for protocols such as Teredo.
    let [first, second, ..] = address.segments();
    (0x2000..0x4000).contains(&first) && !(first == 0x2001 && (second == 0xdb8 || second < 0x200))
}

/// The IPv4 address in an IPv4-mapped address, NAT64 (RFC 6052) or 6to4 (RFC 3056).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [s0, s1, s2, s3, s4, s5, s6, s7] = address.segments();
    let from = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match [s0, s1, s2, s3, s4, s5] {
        [0, 0, 0, 0, 0, 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => from(s6, s7),
        [0x2002, high, low, ..] => from(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_urls_with_a_host_and_no_credentials_may_be_asked() {
        check_url("http://crl.example.com/a.crl", false).unwrap();
        check_url("http://93.184.216.34:8080/a", false).unwrap();
        for url in [
            "https://crl.example.com/",
            "ldap://example.com/cn=x",
            "file:///etc/passwd",
            "http://",
            "http://user:secret@example.com/",
            "crl.example.com/a.crl",
            "",
        ] {
            assert!(
                matches!(check_url(url, true), Err(FetchError::Url { .. })),
                "{url}"
            );
        }
    }

    #[test]
    fn hosts_that_are_not_public_are_refused_unless_allowed() {
        for host in [
            "127.0.0.1",
            "127.1",
            "0x7f000001",
            "2130706433",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.0.8",
            "[::1]",
            "[::]",
            "[fe80::1]",
            "[fd00::1]",
            "[ff02::1]",
            "[::ffff:127.0.0.1]",
            "[64:ff9b::a00:1]",
            "[2002:7f00:1::]",
            "[2001:db8::1]",
            "localhost",
            "LOCALHOST",
            "localhost.",
            "a.localhost",
            "printer.local",
            "metadata",
            "metadata.google.internal",
        ] {
            let url = format!("http://{host}/");
            assert!(
                matches!(
                    check_url(&url, false),
                    Err(FetchError::PrivateAddress { .. })
                ),
                "{host}"
            );
            check_url(&url, true).unwrap();
        }
    }

    #[test]
    fn public_addresses_are_public() {
        for address in [
            "93.184.216.34",
            "1.1.1.1",
            "172.32.0.1",
            "2606:2800:220:1::1",
            "2002:5db8:d822::",
            "::ffff:1.1.1.1",
        ] {
            assert!(is_public_address(address.parse().unwrap()), "{address}");
        }
    }
}
