//! Credential helpers: programs named `docker-credential-X` that keep passwords in a keychain.
//!
//! The protocol is Docker's: the action is the only argument (`get`, `store` or `erase`), the server or
//! a JSON document comes on standard input, and the answer is JSON on standard output.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use zeroize::Zeroizing;

use super::{Credential, CredentialsError, Secret};

/// The most bytes of a helper's answer: a registry's token may have some ten kilobytes.
const MAX_ANSWER_LEN: u64 = 256 * 1024;

/// How long a helper may take. It may have to ask the user to unlock the keychain.
const DEADLINE: Duration = Duration::from_secs(120);

/// The user name by which a helper says that the secret is an identity token.
const TOKEN_USER: &str = "<token>";

/// The part of a helper's name after `docker-credential-`: letters, digits, `.`, `_` and `-`, so that it
/// can never lead to another directory or be taken for an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HelperName(String);

impl FromStr for HelperName {
    type Err = CredentialsError;

    fn from_str(text: &str) -> Result<Self, CredentialsError> {
        let first = text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric());
        let rest = text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
        if first && rest && text.len() <= 128 {
            Ok(Self(text.to_owned()))
        } else {
            Err(CredentialsError::HelperName {
                given: text.chars().take(60).collect(),
            })
        }
    }
}

impl fmt::Display for HelperName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "docker-credential-{}", self.0)
    }
}

/// A helper that is installed.
#[derive(Debug)]
pub(super) struct Helper {
    name: HelperName,
    program: PathBuf,
    deadline: Duration,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetAnswer {
    username: String,
    secret: Zeroizing<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StoreRequest<'a> {
    #[serde(rename = "ServerURL")]
    server_url: &'a str,
    username: &'a str,
    secret: &'a str,
}

impl Helper {
    /// Looks the helper up in a `PATH`. Relative entries are passed over: what a keychain is asked with
    /// must not depend on the directory one happens to be in.
    pub(super) fn find(name: &HelperName, search_path: &OsStr) -> Result<Self, CredentialsError> {
        let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        let program = find_program(OsStr::new(&file), search_path).ok_or_else(|| {
            CredentialsError::HelperMissing {
                helper: name.to_string(),
            }
        })?;
        Ok(Self {
            name: name.clone(),
            program,
            deadline: DEADLINE,
        })
    }

    pub(super) async fn get(&self, server: &str) -> Result<Credential, CredentialsError> {
        let answer = self.run("get", server.as_bytes()).await?;
        if !answer.succeeded {
            return if says_not_found(&answer.output) {
                Ok(Credential::Anonymous)
            } else {
                Err(self.failed("get", &answer.output))
            };
        }
        let GetAnswer { username, secret } =
            serde_json::from_slice(&answer.output).map_err(|_| {
                self.error("its answer to `get` is not the JSON document that it should be")
            })?;
        Ok(match username.as_str() {
            TOKEN_USER => Credential::IdentityToken(Secret::new(secret.as_str())),
            _ => Credential::from_login(&username, &secret),
        })
    }

    pub(super) async fn store(
        &self,
        server: &str,
        credential: &Credential,
    ) -> Result<(), CredentialsError> {
        let (username, secret) = match credential {
            Credential::Basic { username, password } => (username.as_str(), password.expose()),
            Credential::IdentityToken(token) => (TOKEN_USER, token.expose()),
            _ => return Err(self.error("only a password or an identity token can be stored")),
        };
        let request = serde_json::to_vec(&StoreRequest {
            server_url: server,
            username,
            secret,
        })
        .map(Zeroizing::new)
        .map_err(|_| self.error("the credential cannot be written as JSON"))?;
        let answer = self.run("store", &request).await?;
        if answer.succeeded {
            Ok(())
        } else {
            Err(self.failed("store", &answer.output))
        }
    }

    pub(super) async fn erase(&self, server: &str) -> Result<(), CredentialsError> {
        let answer = self.run("erase", server.as_bytes()).await?;
        if answer.succeeded || says_not_found(&answer.output) {
            Ok(())
        } else {
            Err(self.failed("erase", &answer.output))
        }
    }

    async fn run(&self, action: &str, input: &[u8]) -> Result<Output, CredentialsError> {
        tokio::time::timeout(self.deadline, self.run_to_end(action, input))
            .await
            .map_err(|_| {
                self.error(&format!(
                    "it did not answer `{action}` within {} s",
                    self.deadline.as_secs()
                ))
            })?
    }

    async fn run_to_end(&self, action: &str, input: &[u8]) -> Result<Output, CredentialsError> {
        let io = |error: std::io::Error| self.error(&format!("it cannot be run: {error}"));
        let mut child = Command::new(&self.program)
            .arg(action)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(io)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A helper that has enough before it read everything has closed its end.
            let _ = stdin.write_all(input).await;
        }
        let mut output = Zeroizing::new(Vec::new());
        if let Some(stdout) = child.stdout.take() {
            stdout
                .take(MAX_ANSWER_LEN + 1)
                .read_to_end(&mut output)
                .await
                .map_err(io)?;
        }
        if output.len() as u64 > MAX_ANSWER_LEN {
            return Err(self.error(&format!(
                "it answered `{action}` with more than {MAX_ANSWER_LEN} bytes"
            )));
        }
        let status = child.wait().await.map_err(io)?;
        Ok(Output {
            succeeded: status.success(),
            output,
        })
    }

    fn failed(&self, action: &str, output: &[u8]) -> CredentialsError {
        let message: String = String::from_utf8_lossy(output)
            .trim()
            .chars()
            .filter(|c| !c.is_control())
            .take(200)
            .collect();
        self.error(&format!("`{action}` failed: {message}"))
    }

    fn error(&self, reason: &str) -> CredentialsError {
        CredentialsError::Helper {
            helper: self.name.to_string(),
            reason: reason.to_owned(),
        }
    }
}

struct Output {
    succeeded: bool,
    output: Zeroizing<Vec<u8>>,
}

// The words of Docker's helpers, which callers have to recognise.
fn says_not_found(output: &[u8]) -> bool {
    String::from_utf8_lossy(output)
        .to_lowercase()
        .contains("credentials not found")
}

/// The first program of that name in a `PATH`'s absolute directories.
pub(super) fn find_program(file: &OsStr, search_path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(search_path)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(file))
        .find(|candidate| is_executable(candidate))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

/// The helper that a system's own keychain has, if it is installed: Docker's choice.
pub(super) fn native(search_path: &OsString) -> Option<HelperName> {
    let name = match std::env::consts::OS {
        "macos" => "osxkeychain",
        "windows" => "wincred",
        "linux" if find_program(OsStr::new("pass"), search_path).is_some() => "pass",
        "linux" => "secretservice",
        _ => return None,
    };
    let name: HelperName = name.parse().ok()?;
    Helper::find(&name, search_path).is_ok().then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_helpers_name_leads_nowhere_else() {
        for name in ["pass", "ecr-login", "osxkeychain", "a.b_c"] {
            assert!(name.parse::<HelperName>().is_ok(), "{name}");
        }
        for name in [
            "",
            "../evil",
            "a/b",
            "a\\b",
            "-x",
            ".x",
            "a b",
            "a\n",
            "é",
            "a:b",
            &"a".repeat(129),
        ] {
            assert!(name.parse::<HelperName>().is_err(), "{name:?}");
        }
    }

    #[cfg(unix)]
    mod running {
        use super::*;
        fn helper(script: &str) -> (tempfile::TempDir, Helper) {
            let directory = tempfile::tempdir().unwrap();
            let source = directory.path().join("source");
            let program = directory.path().join("docker-credential-test");
            std::fs::write(&source, format!("#!/bin/sh\n{script}\n")).unwrap();
            // Another test may be starting a process just now, which would hold a file that is written
            // here open and so keep it from being run. `install` holds it alone.
            let installed = std::process::Command::new("install")
                .args(["-m", "755"])
                .args([&source, &program])
                .status()
                .unwrap();
            assert!(installed.success());
            let mut helper =
                Helper::find(&"test".parse().unwrap(), directory.path().as_os_str()).unwrap();
            helper.deadline = Duration::from_secs(5);
            (directory, helper)
        }

        async fn get(script: &str) -> Result<Credential, CredentialsError> {
            let (_directory, helper) = helper(script);
            helper.get("registry.example").await
        }

        #[tokio::test]
        async fn a_password_and_an_identity_token_are_told_apart() {
            let answer = get(
                r#"read server; echo "{\"ServerURL\":\"$server\",\"Username\":\"$server\",\"Secret\":\"s\"}""#,
            );
            assert_eq!(
                answer.await.unwrap(),
                Credential::from_login("registry.example", "s")
            );
            let answer = get(r#"echo '{"Username":"<token>","Secret":"t"}'"#)
                .await
                .unwrap();
            assert_eq!(answer, Credential::IdentityToken(Secret::new("t")));
        }

        #[tokio::test]
        async fn an_unknown_server_is_anonymous_and_any_other_failure_an_error() {
            let unknown = get("echo 'credentials not found in native keychain'; exit 1").await;
            assert_eq!(unknown.unwrap(), Credential::Anonymous);
            let error = get("echo 'keychain is locked'; exit 1").await.unwrap_err();
            assert!(error.to_string().contains("keychain is locked"), "{error}");
            assert!(get("echo garbage").await.is_err());
            assert!(get("exit 0").await.is_err());
        }

        #[tokio::test]
        async fn an_endless_answer_is_cut_off() {
            let error = get("exec cat /dev/zero").await.unwrap_err();
            assert!(error.to_string().contains("more than"), "{error}");
        }

        #[tokio::test]
        async fn a_helper_that_hangs_is_ended() {
            let (_directory, mut helper) = helper("exec sleep 600");
            helper.deadline = Duration::from_millis(200);
            let error = helper.get("registry.example").await.unwrap_err();
            assert!(error.to_string().contains("did not answer"), "{error}");
        }

        #[tokio::test]
        async fn what_is_stored_arrives_on_standard_input_alone() {
            let (directory, helper) = helper(
                r#"cat > "$(dirname "$0")/stored"; echo "$@" > "$(dirname "$0")/arguments""#,
            );
            helper
                .store(
                    "registry.example",
                    &Credential::from_login("user", "hunter2"),
                )
                .await
                .unwrap();
            let read = |name| std::fs::read_to_string(directory.path().join(name)).unwrap();
            assert_eq!(
                read("stored"),
                r#"{"ServerURL":"registry.example","Username":"user","Secret":"hunter2"}"#
            );
            assert_eq!(read("arguments"), "store\n");
        }

        #[test]
        fn a_helper_in_a_relative_directory_is_not_found() {
            let (_directory, _) = helper("exit 0");
            assert!(Helper::find(&"test".parse().unwrap(), OsStr::new(".:")).is_err());
        }
    }
}
