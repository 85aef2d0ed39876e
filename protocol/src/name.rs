//! Plugin names and the file names that follow from them.

use std::fmt;
use std::str::FromStr;

/// What every plugin's executable is called, before its name.
pub const EXECUTABLE_PREFIX: &str = "notation-";

/// A plugin's name, such as `com.example.kms`: the name of its directory, the end of its
/// executable's file name, and the `name` in its metadata.
///
/// The specification gives no grammar. Names come from command lines, configuration files and
/// signed attributes and become file names, so that only names are accepted that mean the same on
/// every system: a letter or digit first, then letters, digits, `.`, `_` and `-`, all ASCII, no dot
/// at the end, no device name of Windows (`con`, `NUL.x`, `com1`, …), and at most
/// [`MAX_LEN`](Self::MAX_LEN) bytes. There is no way to spell a path with them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PluginName(String);

/// Why a text is no plugin name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PluginNameError {
    /// The name is empty.
    #[error("a plugin name cannot be empty")]
    Empty,
    /// The name is longer than a file name may be, with prefix and extension.
    #[error("a plugin name has at most {} characters", PluginName::MAX_LEN)]
    TooLong,
    /// The name starts with a dot, a hyphen or something else that is neither letter nor digit.
    #[error("a plugin name starts with a letter or a digit (A-Z, a-z, 0-9)")]
    Start,
    /// The name has a character outside of the grammar, such as a path separator.
    #[error("a plugin name has only letters, digits, '.', '_' and '-', not {0:?}")]
    Character(char),
    /// The name ends with a dot, which Windows drops.
    #[error("a plugin name cannot end with a dot")]
    TrailingDot,
    /// The name up to its first dot is a device on Windows.
    #[error("the name is that of a device on Windows")]
    DeviceName,
}

/// The kinds of operating system that name executables differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperatingSystem {
    /// Linux, macOS and the like: no extension.
    Unix,
    /// Windows: `.exe`.
    Windows,
}

impl OperatingSystem {
    /// The one that this code was built for.
    #[must_use]
    pub const fn current() -> Self {
        if cfg!(windows) {
            Self::Windows
        } else {
            Self::Unix
        }
    }

    const fn executable_extension(self) -> &'static str {
        match self {
            Self::Unix => "",
            Self::Windows => ".exe",
        }
    }
}

impl PluginName {
    /// The longest name in bytes: file systems allow 255 for a file name, `notation-` takes 9 of
    /// them and `.exe` 4.
    pub const MAX_LEN: usize = 242;

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the plugin's executable is called on this system: `notation-{name}`, with `.exe` on
    /// Windows.
    #[must_use]
    pub fn executable_file_name(&self) -> String {
        self.executable_file_name_for(OperatingSystem::current())
    }

    /// What the plugin's executable is called on the given system.
    #[must_use]
    pub fn executable_file_name_for(&self, system: OperatingSystem) -> String {
        format!(
            "{EXECUTABLE_PREFIX}{}{}",
            self.0,
            system.executable_extension()
        )
    }

    /// The plugin's name from the file name of its executable on this system.
    ///
    /// `None` if the file is not called like a plugin at all; an error if it is, and what remains
    /// is no plugin name.
    #[must_use]
    pub fn from_executable_file_name(file_name: &str) -> Option<Result<Self, PluginNameError>> {
        Self::from_executable_file_name_for(file_name, OperatingSystem::current())
    }

    /// Like [`from_executable_file_name`](Self::from_executable_file_name), on the given system.
    #[must_use]
    pub fn from_executable_file_name_for(
        file_name: &str,
        system: OperatingSystem,
    ) -> Option<Result<Self, PluginNameError>> {
        let name = file_name
            .strip_prefix(EXECUTABLE_PREFIX)?
            .strip_suffix(system.executable_extension())?;
        Some(name.parse())
    }
}

/// Device names of Windows. With any extension they still open the device.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
    let numbered = stem
        .strip_prefix("com")
        .or_else(|| stem.strip_prefix("lpt"))
        .is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|byte| byte.is_ascii_digit()));
    numbered || DEVICES.contains(&stem.as_str())
}

impl FromStr for PluginName {
    type Err = PluginNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let first = text.chars().next().ok_or(PluginNameError::Empty)?;
        if text.len() > Self::MAX_LEN {
            return Err(PluginNameError::TooLong);
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if let Some(stranger) = text.chars().find(|&c| !allowed(c)) {
            return Err(PluginNameError::Character(stranger));
        }
        if !first.is_ascii_alphanumeric() {
            return Err(PluginNameError::Start);
        }
        if text.ends_with('.') {
            return Err(PluginNameError::TrailingDot);
        }
        if is_device(text) {
            return Err(PluginNameError::DeviceName);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for PluginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for PluginName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl serde::Serialize for PluginName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for PluginName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use PluginNameError::*;

    #[test]
    fn names_in_use_are_accepted() {
        for name in [
            "azure-kv",
            "com.amazonaws.signer.notation.plugin",
            "aws-kms",
            "a",
            "7z_x",
            "e2e-plugin",
            "a..b",
        ] {
            assert_eq!(name.parse::<PluginName>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn a_name_that_could_be_a_path_or_mean_something_else_elsewhere_is_refused() {
        let table = [
            ("", Empty),
            (".", Start),
            ("..", Start),
            (".hidden", Start),
            ("-rf", Start),
            ("_x", Start),
            ("../x", Character('/')),
            ("a/b", Character('/')),
            ("a\\b", Character('\\')),
            ("/etc", Character('/')),
            ("c:", Character(':')),
            ("a b", Character(' ')),
            ("a ", Character(' ')),
            ("a\0", Character('\0')),
            ("a\n", Character('\n')),
            ("é", Character('é')),
            ("a.", TrailingDot),
            ("a..", TrailingDot),
            ("con", DeviceName),
            ("NUL", DeviceName),
            ("Aux.plugin", DeviceName),
            ("prn.a.b", DeviceName),
            ("com1", DeviceName),
            ("LPT9.x", DeviceName),
            ("COM0", DeviceName),
        ];
        for (name, rule) in table {
            assert_eq!(name.parse::<PluginName>(), Err(rule), "{name:?}");
        }
        assert!("com10".parse::<PluginName>().is_ok());
        assert!("console".parse::<PluginName>().is_ok());
    }

    #[test]
    fn a_name_fills_a_file_name_and_no_more() {
        let longest = "a".repeat(PluginName::MAX_LEN);
        let name = longest.parse::<PluginName>().unwrap();
        assert_eq!(
            name.executable_file_name_for(OperatingSystem::Windows)
                .len(),
            255
        );
        assert_eq!(format!("{longest}a").parse::<PluginName>(), Err(TooLong));
    }

    #[test]
    fn the_executable_is_named_per_operating_system() {
        let name: PluginName = "com.example.kms".parse().unwrap();
        for (system, file) in [
            (OperatingSystem::Unix, "notation-com.example.kms"),
            (OperatingSystem::Windows, "notation-com.example.kms.exe"),
        ] {
            assert_eq!(name.executable_file_name_for(system), file);
            assert_eq!(
                PluginName::from_executable_file_name_for(file, system),
                Some(Ok(name.clone()))
            );
        }
        let windows =
            |file| PluginName::from_executable_file_name_for(file, OperatingSystem::Windows);
        assert_eq!(windows("notation-x"), None);
        assert_eq!(windows("notation-.exe"), Some(Err(Empty)));
        assert_eq!(
            PluginName::from_executable_file_name_for("LICENSE", OperatingSystem::Unix),
            None
        );
    }
}
