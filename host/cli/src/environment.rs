//! Every environment variable that Apostille reads, in one place.
//!
//! Nothing else in the workspace reads the environment; the crates below take what they need as arguments.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use apostille_registry::Proxies;

use crate::secret::Secret;

/// A variable, for the command reference.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it changes.
    pub effect: &'static str,
}

/// The variables that Apostille itself reads. The command reference is generated from this list.
pub const VARIABLES: &[Variable] = &[
    Variable {
        name: "NOTATION_CONFIG",
        effect: "the configuration directory",
    },
    Variable {
        name: "NOTATION_LIBEXEC",
        effect: "plugins are in `$NOTATION_LIBEXEC/plugins` (default: below the configuration directory)",
    },
    Variable {
        name: "NOTATION_CACHE",
        effect: "revocation lists are kept in `$NOTATION_CACHE/crl`",
    },
    Variable {
        name: "NOTATION_USERNAME",
        effect: "default of `--username`",
    },
    Variable {
        name: "NOTATION_PASSWORD",
        effect: "default of `--password`",
    },
    Variable {
        name: "DOCKER_CONFIG",
        effect: "the directory of Docker's `config.json`, for registry credentials",
    },
    Variable {
        name: "PATH",
        effect: "where credential helpers (`docker-credential-…`) are looked for",
    },
    Variable {
        name: "HTTP_PROXY",
        effect: "the proxy for plain HTTP (also in lower case)",
    },
    Variable {
        name: "HTTPS_PROXY",
        effect: "the proxy for HTTPS (also in lower case)",
    },
    Variable {
        name: "NO_PROXY",
        effect: "hosts that are reached without proxy, separated by commas (also in lower case)",
    },
    Variable {
        name: "SSL_CERT_FILE",
        effect: "a file with the certificate authorities (PEM) that are trusted for HTTPS in place of the system's",
    },
    Variable {
        name: "SSL_CERT_DIR",
        effect: "the same as a directory of files",
    },
    Variable {
        name: "XDG_CONFIG_HOME",
        effect: "the user's configuration directory on Linux (default `~/.config`)",
    },
    Variable {
        name: "XDG_CACHE_HOME",
        effect: "the user's cache directory on Linux (default `~/.cache`)",
    },
    Variable {
        name: "HOME",
        effect: "the home directory on Linux and macOS",
    },
    Variable {
        name: "USERPROFILE",
        effect: "the home directory on Windows, for Docker's configuration",
    },
    Variable {
        name: "AppData",
        effect: "the user's configuration directory on Windows",
    },
    Variable {
        name: "LocalAppData",
        effect: "the user's cache directory on Windows",
    },
];

/// What the environment says, read once at the start.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `NOTATION_CONFIG`
    pub notation_config: Option<PathBuf>,
    /// `NOTATION_LIBEXEC`
    pub notation_libexec: Option<PathBuf>,
    /// `NOTATION_CACHE`
    pub notation_cache: Option<PathBuf>,
    /// `NOTATION_USERNAME`
    pub username: Option<String>,
    /// `NOTATION_PASSWORD`
    pub password: Option<Secret>,
    /// `DOCKER_CONFIG`
    pub docker_config: Option<PathBuf>,
    /// `PATH`
    pub search_path: Option<OsString>,
    /// `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`
    pub proxies: Proxies,
    /// `XDG_CONFIG_HOME`
    pub xdg_config_home: Option<PathBuf>,
    /// `XDG_CACHE_HOME`
    pub xdg_cache_home: Option<PathBuf>,
    /// `HOME`
    pub home: Option<PathBuf>,
    /// `USERPROFILE`
    pub user_profile: Option<PathBuf>,
    /// `AppData`
    pub app_data: Option<PathBuf>,
    /// `LocalAppData`
    pub local_app_data: Option<PathBuf>,
}

impl Environment {
    /// Reads the process environment. An empty variable counts as absent, as it does for `notation`.
    #[must_use]
    pub fn of_process() -> Self {
        Self {
            notation_config: path("NOTATION_CONFIG"),
            notation_libexec: path("NOTATION_LIBEXEC"),
            notation_cache: path("NOTATION_CACHE"),
            username: text("NOTATION_USERNAME"),
            password: text("NOTATION_PASSWORD").map(Secret::new),
            docker_config: path("DOCKER_CONFIG"),
            search_path: value("PATH"),
            proxies: Proxies {
                http: text("HTTP_PROXY").or_else(|| text("http_proxy")),
                https: text("HTTPS_PROXY").or_else(|| text("https_proxy")),
                no_proxy: text("NO_PROXY").or_else(|| text("no_proxy")),
            },
            xdg_config_home: path("XDG_CONFIG_HOME"),
            xdg_cache_home: path("XDG_CACHE_HOME"),
            home: path("HOME"),
            user_profile: path("USERPROFILE"),
            app_data: path("AppData"),
            local_app_data: path("LocalAppData"),
        }
    }
}

/// Everything that plugins could inherit.
pub fn all_variables() -> impl Iterator<Item = (OsString, OsString)> {
    env::vars_os()
}

fn value(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

fn path(name: &str) -> Option<PathBuf> {
    value(name).map(PathBuf::from)
}

fn text(name: &str) -> Option<String> {
    value(name).and_then(|value| value.into_string().ok())
}
