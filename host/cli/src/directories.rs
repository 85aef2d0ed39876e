//! Where configuration, plugins and caches live: the same directories as `notation`.

use std::path::{Path, PathBuf};

use crate::environment::Environment;

/// The operating system whose rules apply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Platform {
    /// Linux and the other Unix systems: the XDG base directories.
    Unix,
    /// macOS: below `~/Library`.
    MacOs,
    /// Windows: `%AppData%` and `%LocalAppData%`.
    Windows,
}

impl Platform {
    /// The platform that this program was built for.
    #[must_use]
    pub fn current() -> Self {
        if cfg!(target_os = "macos") {
            Self::MacOs
        } else if cfg!(windows) {
            Self::Windows
        } else {
            Self::Unix
        }
    }
}

/// Used below the working directory when no home can be found, as `notation` does.
const FALLBACK: &str = ".notation";

/// The three roots and the files below them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Directories {
    config: PathBuf,
    libexec: PathBuf,
    cache: PathBuf,
    docker_config: Option<PathBuf>,
}

impl Directories {
    /// Applies the rules of `platform` to what the environment says.
    #[must_use]
    pub fn new(environment: &Environment, platform: Platform) -> Self {
        let config = environment
            .notation_config
            .clone()
            .unwrap_or_else(|| below_or_fallback(user_config(environment, platform)));
        let libexec = environment
            .notation_libexec
            .clone()
            .unwrap_or_else(|| config.clone());
        let cache = environment
            .notation_cache
            .clone()
            .unwrap_or_else(|| below_or_fallback(user_cache(environment, platform)));
        Self {
            config,
            libexec,
            cache,
            docker_config: docker_config(environment, platform),
        }
    }

    /// The configuration root.
    #[must_use]
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// `config.json`
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.json")
    }

    /// `signingkeys.json`
    #[must_use]
    pub fn signing_keys(&self) -> PathBuf {
        self.config.join("signingkeys.json")
    }

    /// `trustpolicy.oci.json`
    #[must_use]
    pub fn oci_trust_policy(&self) -> PathBuf {
        self.config.join("trustpolicy.oci.json")
    }

    /// `trustpolicy.json`, the name of the OCI trust policy before blob policies existed.
    #[must_use]
    pub fn legacy_trust_policy(&self) -> PathBuf {
        self.config.join("trustpolicy.json")
    }

    /// `trustpolicy.blob.json`
    #[must_use]
    pub fn blob_trust_policy(&self) -> PathBuf {
        self.config.join("trustpolicy.blob.json")
    }

    /// `truststore`
    #[must_use]
    pub fn trust_store(&self) -> PathBuf {
        self.config.join("truststore")
    }

    /// The private key that `generate-test` makes for `name`.
    #[must_use]
    pub fn local_key(&self, name: &str) -> PathBuf {
        self.config.join("localkeys").join(format!("{name}.key"))
    }

    /// The certificate that `generate-test` makes for `name`.
    #[must_use]
    pub fn local_certificate(&self, name: &str) -> PathBuf {
        self.config.join("localkeys").join(format!("{name}.crt"))
    }

    /// `plugins`, one directory per plugin.
    #[must_use]
    pub fn plugins(&self) -> PathBuf {
        self.libexec.join("plugins")
    }

    /// The cache root; revocation lists are in `crl` below it.
    #[must_use]
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// Docker's `config.json`, which may hold registry credentials.
    #[must_use]
    pub fn docker_config_file(&self) -> Option<PathBuf> {
        Some(self.docker_config.as_ref()?.join("config.json"))
    }
}

fn below_or_fallback(user_directory: Option<PathBuf>) -> PathBuf {
    user_directory.map_or_else(
        || PathBuf::from(FALLBACK),
        |directory| directory.join("notation"),
    )
}

fn user_config(environment: &Environment, platform: Platform) -> Option<PathBuf> {
    match platform {
        Platform::Unix => xdg(
            environment.xdg_config_home.as_deref(),
            environment.home.as_deref(),
            ".config",
        ),
        Platform::MacOs => Some(
            environment
                .home
                .as_ref()?
                .join("Library/Application Support"),
        ),
        Platform::Windows => environment.app_data.clone(),
    }
}

fn user_cache(environment: &Environment, platform: Platform) -> Option<PathBuf> {
    match platform {
        Platform::Unix => xdg(
            environment.xdg_cache_home.as_deref(),
            environment.home.as_deref(),
            ".cache",
        ),
        Platform::MacOs => Some(environment.home.as_ref()?.join("Library/Caches")),
        Platform::Windows => environment.local_app_data.clone(),
    }
}

fn docker_config(environment: &Environment, platform: Platform) -> Option<PathBuf> {
    if let Some(directory) = &environment.docker_config {
        return Some(directory.clone());
    }
    let home = match platform {
        Platform::Unix | Platform::MacOs => environment.home.as_ref()?,
        Platform::Windows => environment.user_profile.as_ref()?,
    };
    Some(home.join(".docker"))
}

/// The XDG specification has a relative path ignored; `notation` then finds no directory at all, and so do we.
fn xdg(xdg: Option<&Path>, home: Option<&Path>, below_home: &str) -> Option<PathBuf> {
    match xdg {
        Some(path) if path.is_absolute() => Some(path.to_owned()),
        Some(_) => None,
        None => Some(home?.join(below_home)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> Environment {
        Environment {
            home: Some("/home/ann".into()),
            ..Environment::default()
        }
    }

    #[test]
    fn unix_uses_the_xdg_directories() {
        let directories = Directories::new(&home(), Platform::Unix);
        assert_eq!(
            directories.config(),
            Path::new("/home/ann/.config/notation")
        );
        assert_eq!(directories.cache(), Path::new("/home/ann/.cache/notation"));
        let moved = Environment {
            xdg_config_home: Some("/etc/ann".into()),
            ..home()
        };
        assert_eq!(
            Directories::new(&moved, Platform::Unix).config(),
            Path::new("/etc/ann/notation")
        );
    }

    #[test]
    fn macos_uses_the_library() {
        let directories = Directories::new(&home(), Platform::MacOs);
        assert_eq!(
            directories.config(),
            Path::new("/home/ann/Library/Application Support/notation")
        );
        assert_eq!(
            directories.cache(),
            Path::new("/home/ann/Library/Caches/notation")
        );
    }

    #[test]
    fn windows_uses_appdata() {
        let environment = Environment {
            app_data: Some("/roaming".into()),
            local_app_data: Some("/local".into()),
            ..Environment::default()
        };
        let directories = Directories::new(&environment, Platform::Windows);
        assert_eq!(directories.config(), Path::new("/roaming/notation"));
        assert_eq!(directories.cache(), Path::new("/local/notation"));
    }

    #[test]
    fn notation_config_moves_the_plugins_too_unless_libexec_is_set() {
        let mut environment = home();
        environment.notation_config = Some("/c".into());
        assert_eq!(
            Directories::new(&environment, Platform::Unix).plugins(),
            Path::new("/c/plugins")
        );
        environment.notation_libexec = Some("/l".into());
        assert_eq!(
            Directories::new(&environment, Platform::Unix).plugins(),
            Path::new("/l/plugins")
        );
    }

    #[test]
    fn without_any_home_the_working_directory_is_used() {
        let directories = Directories::new(&Environment::default(), Platform::Unix);
        assert_eq!(directories.config(), Path::new(".notation"));
    }
}
