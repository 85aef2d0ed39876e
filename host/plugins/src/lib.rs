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
mod options;
mod process;
mod removal;
mod sanitise;
mod session;

pub use directory::{DiscoveryError, InstalledPlugin, PluginDirectory};
pub use environment::PluginEnvironment;
pub use error::{Failure, OutputStream, PluginProcessError};
pub use executable::PluginExecutable;
pub use options::{
    DEFAULT_DEADLINE, DEFAULT_METADATA_DEADLINE, DEFAULT_RETRY_BUDGET, RetryPolicy, RunOptions,
};
pub use removal::RemovalError;
