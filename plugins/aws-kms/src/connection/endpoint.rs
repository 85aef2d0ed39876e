//! Where requests may go: over TLS, except on this machine and to the metadata services.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;

/// The services of EC2, ECS and EKS that hand out credentials. They speak plain HTTP on addresses that only
/// the machine itself reaches.
const METADATA_V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
];
const METADATA_V6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
];

/// Where an address leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// This machine, or its metadata service: never through a proxy.
    Local,
    /// The network: as the environment's proxies say.
    Network,
}

/// An address that is not spoken to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotAllowed {
    address: String,
}

impl fmt::Display for NotAllowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the endpoint {} is not spoken to, since only https is allowed, and http on this machine",
            self.address
        )
    }
}

impl std::error::Error for NotAllowed {}

/// Decides about an address.
pub(super) fn route(address: &str) -> Result<Route, NotAllowed> {
    let refused = || NotAllowed {
        address: origin(address),
    };
    let uri: Uri = address.parse().map_err(|_| refused())?;
    let host = uri.host().ok_or_else(refused)?;
    let local = is_local(host);
    match uri.scheme_str() {
        Some("https") if !local => Ok(Route::Network),
        Some("https" | "http") if local => Ok(Route::Local),
        _ => Err(refused()),
    }
}

/// The address without path and query, which may hold what is nobody's business.
fn origin(address: &str) -> String {
    let end = address
        .find("://")
        .and_then(|scheme| Some(scheme + 3 + address.get(scheme + 3..)?.find(['/', '?', '#'])?));
    let origin = end.and_then(|end| address.get(..end)).unwrap_or(address);
    match origin.rsplit_once('@') {
        Some((_, host)) => host.to_owned(),
        None => origin.to_owned(),
    }
}

fn is_local(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || METADATA_V4.contains(&address),
        Ok(IpAddr::V6(address)) => address.is_loopback() || METADATA_V6.contains(&address),
        Err(_) => bare.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_is_spoken_with_anybody_and_http_only_on_this_machine() {
        for (address, expected) in [
            ("https://kms.eu-west-1.amazonaws.com/", Route::Network),
            ("https://127.0.0.1:4566", Route::Local),
            ("http://127.0.0.1:4566/", Route::Local),
            ("http://localhost:4566", Route::Local),
            ("http://[::1]:4566", Route::Local),
            ("http://169.254.169.254/latest/api/token", Route::Local),
            ("http://[fd00:ec2::254]/latest", Route::Local),
            ("http://169.254.170.23/v1/credentials", Route::Local),
        ] {
            assert_eq!(route(address), Ok(expected), "{address}");
        }
    }

    #[test]
    fn plain_http_over_the_network_is_refused() {
        for address in [
            "http://kms.eu-west-1.amazonaws.com/",
            "http://169.254.1.1/",
            "http://10.0.0.1",
            "http://localhost.example.com/",
            "http://127.0.0.1.example.com/",
            "http://localhost@example.com/",
            "ftp://localhost/",
            "localhost:4566",
            "",
        ] {
            assert!(route(address).is_err(), "{address}");
        }
    }

    #[test]
    fn the_message_shows_no_path_and_no_password() {
        let message = route("http://user:secret@example.com/path?x=1")
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("example.com")
                && !message.contains("secret")
                && !message.contains("path"),
            "{message}"
        );
    }
}
