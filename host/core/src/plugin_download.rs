//! Fetching a plugin's package from the network.

use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::time::Duration;

use apostille_plugins::MAX_PACKAGE_LEN;
use apostille_registry::Proxies;
use reqwest::redirect::Policy;
use reqwest::{Client, NoProxy, Proxy, Url};
use tokio::io::AsyncWriteExt as _;

/// How long a download may take, as for `notation`.
const TIMEOUT: Duration = Duration::from_secs(600);

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// The most redirects that are followed; release pages need one or two.
const MAX_REDIRECTS: usize = 5;

/// The name of a package whose URL has none.
const UNNAMED: &str = "plugin-package";

/// Why there is no package.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// The URL is none.
    #[error("{0:?} is not the URL of a file")]
    Url(String),
    /// Anything but HTTPS.
    #[error("only the HTTPS scheme is supported, but got {0}")]
    Scheme(String),
    /// The client cannot be set up.
    #[error("no HTTP client: {0}")]
    SetUp(String),
    /// The server, or the way to it, failed.
    #[error("{host}: {reason}")]
    Unreachable {
        /// The host.
        host: String,
        /// What the system or the other side says.
        reason: String,
    },
    /// The server answers something else than the file.
    #[error("{host} answers with status {status}")]
    Status {
        /// The host.
        host: String,
        /// The status.
        status: u16,
    },
    /// The file is too large.
    #[error("it has more than {} MiB", MAX_PACKAGE_LEN / 1024 / 1024)]
    TooLarge,
    /// It cannot be written.
    #[error("it cannot be stored: {0}")]
    File(#[from] std::io::Error),
}

/// Downloads the file at an HTTPS URL into `directory`, under the name that it has in the URL. What it is worth is for
/// the checksum to say.
///
/// Redirects are followed to HTTPS only.
///
/// # Errors
/// [`DownloadError`].
pub async fn download_plugin(
    url: &str,
    directory: &Path,
    user_agent: &str,
    proxies: &Proxies,
) -> Result<PathBuf, DownloadError> {
    let url = Url::parse(url).map_err(|_| DownloadError::Url(url.to_owned()))?;
    if url.scheme() != "https" {
        return Err(DownloadError::Scheme(url.scheme().to_owned()));
    }
    let host = url.host_str().unwrap_or_default().to_owned();
    let unreachable = |error: reqwest::Error| DownloadError::Unreachable {
        host: host.clone(),
        reason: innermost(&error),
    };
    let path = directory.join(file_name(&url));
    let request = client(user_agent, proxies)?.get(url);
    let mut response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    if status.as_u16() != 200 {
        return Err(DownloadError::Status {
            host,
            status: status.as_u16(),
        });
    }
    let mut file = tokio::fs::File::create_new(&path).await?;
    let mut left = MAX_PACKAGE_LEN;
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        left = left
            .checked_sub(chunk.len() as u64)
            .ok_or(DownloadError::TooLarge)?;
        file.write_all(&chunk).await?;
    }
    file.flush().await?;
    make_executable(&path).await?;
    Ok(path)
}

/// A download has no mode. Whether it may be executed is for the user to say, who gave its checksum.
#[cfg(unix)]
async fn make_executable(path: &Path) -> std::io::Result<()> {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    tokio::fs::set_permissions(path, mode).await
}

#[cfg(not(unix))]
async fn make_executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// The last part of the path, if it is a plain name.
fn file_name(url: &Url) -> String {
    let last = url.path_segments().and_then(|mut parts| parts.next_back());
    let plain = |name: &&str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        !name.is_empty() && !name.starts_with('.') && name.len() < 128 && name.bytes().all(is_plain)
    };
    last.filter(plain).unwrap_or(UNNAMED).to_owned()
}

fn client(user_agent: &str, proxies: &Proxies) -> Result<Client, DownloadError> {
    let mut builder = Client::builder()
        .user_agent(user_agent)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT)
        .https_only(true)
        .redirect(Policy::limited(MAX_REDIRECTS))
        .referer(false)
        .no_proxy();
    if let Some(url) = &proxies.https {
        let exceptions = proxies.no_proxy.as_deref().unwrap_or_default();
        let exceptions = NoProxy::from_string(&format!("localhost,127.0.0.0/8,::1,{exceptions}"));
        // A proxy's URL may hold its password.
        let proxy = Proxy::https(url).map_err(|_| {
            DownloadError::SetUp("the URL of the HTTPS proxy cannot be read".to_owned())
        })?;
        builder = builder.proxy(proxy.no_proxy(exceptions));
    }
    builder
        .build()
        .map_err(|error| DownloadError::SetUp(innermost(&error)))
}

/// The last cause, which is what the system or the other side said.
fn innermost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it did not answer in time".to_owned();
    }
    let mut cause: &dyn StdError = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_its_file_only_with_a_plain_name() {
        let name = |url: &str| file_name(&Url::parse(url).unwrap());
        assert_eq!(
            name("https://h/a/notation-x_1.0.tar.gz?y=1"),
            "notation-x_1.0.tar.gz"
        );
        for url in [
            "https://h",
            "https://h/a/",
            "https://h/a/%2e%2e%2fx",
            "https://h/.bashrc",
        ] {
            assert_eq!(name(url), UNNAMED);
        }
    }

    #[tokio::test]
    async fn only_https_is_spoken() {
        let directory = tempfile::tempdir().unwrap();
        for url in ["http://localhost:1/x", "file:///etc/passwd", "ftp://h/x"] {
            let error = download_plugin(url, directory.path(), "test", &Proxies::default())
                .await
                .unwrap_err();
            assert!(matches!(error, DownloadError::Scheme(_)), "{error}");
        }
        let error = download_plugin("h/x", directory.path(), "test", &Proxies::default())
            .await
            .unwrap_err();
        assert!(matches!(error, DownloadError::Url(_)), "{error}");
    }
}
