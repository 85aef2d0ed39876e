//! Finds and runs Notary Project plugin executables.
//!
//! A plugin is an executable `notation-{name}` in a directory `{plugins}/{name}`. The host starts it
//! once per command, writes one JSON request to its standard input and reads one JSON response from
//! its standard output. Whatever else the plugin does (hang, flood, die, fork, print log lines) ends
//! in a [`PluginProcessError`] that names the plugin, the command and what to do, within a deadline
//! and within bounded memory.
//!
//! ```no_run
//! use apostille_plugins::PluginDirectory;
//! use notary_plugin_protocol::PluginConfig;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let plugins = PluginDirectory::new("/home/me/.config/notation/plugins");
//! let plugin = plugins.find(&"aws-kms".parse()?)?;
//! let metadata = plugin.metadata(&PluginConfig::new()).await?;
//! println!("{} {}", metadata.name, metadata.version);
//! # Ok(())
//! # }
//! ```
//!
//! # Discovery
//!
//! Plugins are found by listing directories and comparing names, never by joining a name that came
//! from elsewhere to a path. The executable must be a regular file (a symbolic link is refused
//! before anything runs) and executable.
//!
//! # Installing
//!
//! [`PluginDirectory::install`] takes an executable or an archive with exactly one of them. It is unpacked into a hidden
//! directory beside the others, asked for its metadata there, and then exchanged for what was there before in one step:
//! a host sees the old plugin or the new one. The SHA-256 of what was installed is kept beside it ([`DigestRecord`]), so
//! that a plugin which was changed afterwards is noticed, and not run where the directory
//! [refuses it](PluginDirectory::refusing_changed_plugins).
//!
//! # Running
//!
//! | | |
//! |---|---|
//! | arguments | the command, nothing else; no shell |
//! | standard input | the request as JSON on one line, then end of file |
//! | working directory | a new, private, temporary one, removed afterwards |
//! | environment | the host's without the registry credentials, or an allow-list: [`PluginEnvironment`] |
//! | output | 64 MiB at most on each of standard output and standard error |
//! | time | a deadline: [`RunOptions::deadline`] |
//! | processes | its own process group, killed as a whole at the deadline or when the future is dropped |
//! | `TIMEOUT`, `THROTTLED` | tried again with growing, jittered delays inside a budget: [`RetryPolicy`] |
//!
//! A plugin that offers warm sessions can be kept running between commands:
//! [`PluginExecutable::with_session`].
//!
//! Because the plugin is in a process group of its own, an interrupt from the terminal does not
//! reach it: a host drops the future (`tokio::select!` with its signal handler) and the plugin is
//! killed.
#![forbid(unsafe_code)]

mod binary;
mod directory;
mod environment;
mod error;
mod executable;
mod installation;
mod options;
mod package;
mod process;
mod recorded_digest;
mod removal;
mod sanitise;
mod session;

pub use directory::{DiscoveryError, InstalledPlugin, PluginDirectory};
pub use environment::PluginEnvironment;
pub use error::{Failure, OutputStream, PluginProcessError};
pub use executable::PluginExecutable;
pub use installation::{InstallationError, Installed};
pub use options::{
    DEFAULT_DEADLINE, DEFAULT_METADATA_DEADLINE, DEFAULT_RETRY_BUDGET, RetryPolicy, RunOptions,
};
pub use package::{MAX_PACKAGE_LEN, PackageError};
pub use recorded_digest::DigestRecord;
pub use removal::RemovalError;
