//! Plugins as shell scripts in a temporary directory.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use apostille_plugins::{PluginDirectory, PluginExecutable, RetryPolicy, RunOptions};
use notary_plugin_protocol::{ContractVersion, DescribeKeyRequest, KeyId, PluginConfig};

/// A plugin directory that is gone when the test is.
pub(crate) struct Plugins {
    directory: tempfile::TempDir,
}

impl Plugins {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Adds a plugin whose executable is a shell script.
    pub(crate) fn add(&self, name: &str, script: &str) -> PathBuf {
        self.add_file(name, format!("#!/bin/sh\n{script}\n").as_bytes())
    }

    pub(crate) fn add_file(&self, name: &str, content: &[u8]) -> PathBuf {
        let directory = self.path().join(name);
        fs::create_dir_all(&directory).unwrap();
        let executable = directory.join(format!("notation-{name}"));
        fs::write(&executable, content).unwrap();
        fs::set_permissions(&executable, fs::Permissions::from_mode(0o755)).unwrap();
        executable
    }

    pub(crate) fn directory(&self) -> PluginDirectory {
        PluginDirectory::new(self.path()).with_options(quick())
    }

    pub(crate) fn find(&self, name: &str) -> PluginExecutable {
        self.directory().find(&name.parse().unwrap()).unwrap()
    }
}

/// Options under which nothing takes long and nothing is repeated.
pub(crate) fn quick() -> RunOptions {
    RunOptions {
        deadline: Duration::from_secs(20),
        metadata_deadline: Duration::from_secs(20),
        retry: RetryPolicy::never(),
        ..RunOptions::default()
    }
}

pub(crate) fn describe_key() -> DescribeKeyRequest {
    DescribeKeyRequest {
        contract_version: ContractVersion::V1_0,
        key_id: KeyId::new("k").unwrap(),
        plugin_config: PluginConfig::from_iter([("pin", "s3cret")]),
    }
}

/// A right answer to [`describe_key`].
pub(crate) const DESCRIBED: &str = r#"echo '{"keyId":"k","keySpec":"EC-256"}'"#;
