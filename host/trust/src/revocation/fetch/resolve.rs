//! Names to addresses, and only to those that may be connected to.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::{FetchError, is_public_address};

/// The system's resolver, whose answers are checked. What is connected to is what was checked, so a name that
/// resolves to something else the next time gains nothing.
pub(super) struct Resolver {
    allow_private: bool,
    /// The proxy is the user's choice and not the certificate's.
    proxy_host: Option<String>,
}

impl Resolver {
    pub(super) fn new(allow_private: bool, proxy_host: Option<String>) -> Self {
        Self {
            allow_private,
            proxy_host,
        }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let allow_private = self.allow_private || self.proxy_host.as_ref() == Some(&host);
        Box::pin(async move {
            // The port is the connector's to set.
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let addresses = allowed(&host, found.collect(), allow_private)?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

fn allowed(
    host: &str,
    mut addresses: Vec<SocketAddr>,
    allow_private: bool,
) -> Result<Vec<SocketAddr>, FetchError> {
    if allow_private {
        return Ok(addresses);
    }
    let found_any = !addresses.is_empty();
    addresses.retain(|address| is_public_address(address.ip()));
    if found_any && addresses.is_empty() {
        return Err(FetchError::PrivateAddress {
            host: host.to_owned(),
        });
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_resolves_to_private_addresses_only_is_refused_and_of_others_the_public_ones_count()
     {
        let addresses = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let private = addresses(&["127.0.0.1:0", "[fd00::1]:0", "169.254.169.254:0"]);
        assert_eq!(
            allowed("crl.example.com", private.clone(), false),
            Err(FetchError::PrivateAddress {
                host: "crl.example.com".to_owned()
            })
        );
        assert_eq!(
            allowed("crl.example.com", private.clone(), true),
            Ok(private)
        );
        let mixed = addresses(&["10.0.0.1:0", "93.184.216.34:0"]);
        assert_eq!(
            allowed("crl.example.com", mixed, false),
            Ok(addresses(&["93.184.216.34:0"]))
        );
    }
}
