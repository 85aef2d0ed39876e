//! Where a token comes from that the user has already: a variable, a file, a token helper, `~/.vault-token`.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use notary_plugin_sdk::{Context, PluginError, Secret, Settings};

use super::credential;
use crate::settings::{CONFIG_PATH, TOKEN, TOKEN_FILE};

/// Longest configuration of the command line that is read; it has one or two lines.
const CONFIG_LIMIT: usize = 64 * 1024;
const WHAT: &str = "the token";

/// The place that a token is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TokenSource {
    Variable(Secret),
    File(PathBuf),
    Helper(PathBuf),
}

impl TokenSource {
    /// The first of the places that has something.
    pub(super) fn find(settings: &Settings) -> Result<Option<Self>, PluginError> {
        if let Some(token) = settings.secret(&TOKEN) {
            return Ok(Some(Self::Variable(token.clone())));
        }
        if let Some(path) = settings.path(&TOKEN_FILE) {
            return Ok(Some(Self::File(path.to_owned())));
        }
        let home = std::env::var_os("HOME")
            .or_else(|| std::env::var_os("USERPROFILE"))
            .filter(|home| !home.is_empty())
            .map(PathBuf::from);
        Self::of_command_line(settings.path(&CONFIG_PATH), home.as_deref())
    }

    fn of_command_line(
        config: Option<&Path>,
        home: Option<&Path>,
    ) -> Result<Option<Self>, PluginError> {
        let config = config
            .map(Path::to_owned)
            .or_else(|| home.map(|home| home.join(".vault")));
        if let Some(config) = config.filter(|path| path.is_file())
            && let Some(helper) = helper_of(&config)?
        {
            return Ok(Some(Self::Helper(helper)));
        }
        let file = home.map(|home| home.join(".vault-token"));
        Ok(file.filter(|path| path.is_file()).map(Self::File))
    }

    /// Reads the token.
    pub(super) async fn read(&self, context: &Context) -> Result<Secret, PluginError> {
        match self {
            Self::Variable(token) => Ok(token.clone()),
            Self::File(path) => credential::from_file(path, WHAT),
            Self::Helper(program) => context.deadline().run(ask_helper(program)).await,
        }
    }
}

impl std::fmt::Display for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Variable(_) => f.write_str("the environment variable BAO_TOKEN or VAULT_TOKEN"),
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Helper(path) => write!(f, "the token helper {}", path.display()),
        }
    }
}

/// Runs the helper as the command line does: with `get`, and the token on standard output.
async fn ask_helper(program: &Path) -> Result<Secret, PluginError> {
    let origin = format!("the token helper {}", program.display());
    let output = tokio::process::Command::new(program)
        .arg("get")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| PluginError::access_denied(format!("{origin} cannot be run: {error}")))?;
    let bytes = zeroize::Zeroizing::new(output.stdout);
    if !output.status.success() {
        return Err(PluginError::access_denied(format!(
            "{origin} failed ({})",
            output.status
        )));
    }
    credential::from_bytes(&bytes, WHAT, &origin)
}

/// The `token_helper` of a configuration file in HCL: one assignment of a string.
fn helper_of(config: &Path) -> Result<Option<PathBuf>, PluginError> {
    let wrong = |why: &str| PluginError::validation(format!("{}: {why}", config.display()));
    let length = config.metadata().map_or(0, |found| found.len());
    if length > CONFIG_LIMIT as u64 {
        return Err(wrong("it is too long for a configuration"));
    }
    let text = std::fs::read_to_string(config).map_err(|error| wrong(&error.to_string()))?;
    match helper_in(&text) {
        None => Ok(None),
        Some(Ok(path)) if Path::new(path).is_absolute() => Ok(Some(PathBuf::from(path))),
        Some(_) => Err(wrong("`token_helper` is no absolute path in quotes")),
    }
}

fn helper_in(text: &str) -> Option<Result<&str, ()>> {
    text.lines().map(str::trim).find_map(|line| {
        let value = line.strip_prefix("token_helper")?.trim_start();
        let value = value.strip_prefix('=')?.trim();
        let inner = value
            .strip_prefix('"')
            .and_then(|rest| rest.split_once('"'));
        match inner {
            Some(("", _)) => None,
            Some((path, _)) => Some(Ok(path)),
            None => Some(Err(())),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_helper_is_read_from_the_configuration() {
        assert_eq!(
            helper_in("# x\n token_helper = \"/bin/helper\" # y"),
            Some(Ok("/bin/helper"))
        );
        assert_eq!(helper_in("token_helper = \"\""), None);
        assert_eq!(helper_in("other = \"/bin/x\""), None);
        assert_eq!(helper_in("token_helper = /bin/x"), Some(Err(())));
    }

    #[test]
    fn a_helper_comes_before_the_token_of_the_command_line() {
        let home = tempfile::tempdir().unwrap();
        let find = || TokenSource::of_command_line(None, Some(home.path()));
        assert_eq!(find().unwrap(), None);
        let token = home.path().join(".vault-token");
        std::fs::write(&token, "s.abc").unwrap();
        assert_eq!(find().unwrap(), Some(TokenSource::File(token)));
        std::fs::write(home.path().join(".vault"), "token_helper = \"/bin/helper\"").unwrap();
        assert_eq!(
            find().unwrap(),
            Some(TokenSource::Helper("/bin/helper".into()))
        );
        std::fs::write(home.path().join(".vault"), "token_helper = \"helper\"").unwrap();
        assert!(find().is_err());
    }
}
