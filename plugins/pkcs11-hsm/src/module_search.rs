//! Which module to load: by path, by a name of the presets, or by a name that p11-kit knows.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::presets::PRESETS;

/// Where p11-kit's module configurations are (`p11-kit(8)`, "CONFIGURATION"); a later directory wins.
const P11_KIT_DIRECTORIES: &[&str] = &["/usr/share/p11-kit/modules", "/etc/pkcs11/modules"];

/// Where p11-kit looks for modules that its configuration names without a directory.
const P11_KIT_MODULE_DIRECTORIES: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu/pkcs11",
    "/usr/lib/aarch64-linux-gnu/pkcs11",
    "/usr/lib64/pkcs11",
    "/usr/lib/pkcs11",
    "/usr/local/lib/pkcs11",
];

/// Most bytes of one p11-kit configuration file; real ones have some hundred.
const MAX_P11_KIT_FILE: u64 = 64 * 1024;

/// Why no module could be chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ModuleSearchError {
    /// Nothing was configured, and not exactly one module is installed.
    #[error(
        "no PKCS#11 module is configured: set the configuration key `module` or the environment variable \
         NOTATION_PKCS11_MODULE to its path or name; {}", installed(.0)
    )]
    NotConfigured(Vec<String>),
    /// A name that neither the presets nor p11-kit know.
    #[error("no PKCS#11 module is called `{name}`: give its path, or one of {}", .known.join(", "))]
    UnknownName { name: String, known: Vec<String> },
    /// A preset whose module is not installed.
    #[error("the PKCS#11 module of {product} is not installed: it is in none of {}; give its path", .paths.join(", "))]
    NotInstalled {
        product: &'static str,
        paths: Vec<String>,
    },
    /// The same file name more than once, or not at all, in a directory.
    #[error("{} holds no module called `{name}`", .directory.display())]
    NotInDirectory { directory: PathBuf, name: String },
    /// A directory without a name of a module in it.
    #[error("{} is a directory: give the module's file, or its name with `module-name`", .0.display())]
    Directory(PathBuf),
}

fn installed(names: &[String]) -> String {
    if names.is_empty() {
        "no well-known module is installed".to_owned()
    } else {
        format!("installed are {}", names.join(", "))
    }
}

/// Chooses the module from the configured value, or from `module-path` and `module-name` of a URI.
///
/// A value with a `/` is a path. Without any value the module is the only one that is installed.
///
/// # Errors
/// [`ModuleSearchError`].
pub(crate) fn find(path: Option<&str>, name: Option<&str>) -> Result<PathBuf, ModuleSearchError> {
    find_with(path, name, &p11_kit_modules())
}

fn find_with(
    path: Option<&str>,
    name: Option<&str>,
    p11_kit: &BTreeMap<String, PathBuf>,
) -> Result<PathBuf, ModuleSearchError> {
    match (path, name) {
        (Some(path), name) if path.contains('/') => by_path(Path::new(path), name),
        (Some(name), _) | (None, Some(name)) => by_name(name, p11_kit),
        (None, None) => the_only_one(p11_kit),
    }
}

fn by_path(path: &Path, name: Option<&str>) -> Result<PathBuf, ModuleSearchError> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let Some(name) = name else {
        return Err(ModuleSearchError::Directory(path.to_owned()));
    };
    [
        format!("{name}.so"),
        format!("lib{name}.so"),
        format!("{name}.dylib"),
        format!("lib{name}.dylib"),
    ]
    .into_iter()
    .map(|file| path.join(file))
    .find(|candidate| candidate.is_file())
    .ok_or_else(|| ModuleSearchError::NotInDirectory {
        directory: path.to_owned(),
        name: name.to_owned(),
    })
}

fn by_name(name: &str, p11_kit: &BTreeMap<String, PathBuf>) -> Result<PathBuf, ModuleSearchError> {
    if let Some(path) = p11_kit.get(name) {
        return Ok(path.clone());
    }
    let Some(preset) = PRESETS.iter().find(|preset| preset.is_called(name)) else {
        let mut known: Vec<String> = PRESETS
            .iter()
            .map(|preset| preset.name.to_owned())
            .collect();
        known.extend(p11_kit.keys().cloned());
        return Err(ModuleSearchError::UnknownName {
            name: name.to_owned(),
            known,
        });
    };
    preset
        .installed()
        .ok_or_else(|| ModuleSearchError::NotInstalled {
            product: preset.product,
            paths: preset.paths.iter().map(|path| (*path).to_owned()).collect(),
        })
}

fn the_only_one(p11_kit: &BTreeMap<String, PathBuf>) -> Result<PathBuf, ModuleSearchError> {
    // NSS needs arguments, so that it is never meant by default.
    let presets = PRESETS
        .iter()
        .filter(|preset| preset.name != "nss")
        .filter_map(|preset| {
            let path = preset.installed()?;
            Some((preset.name.to_owned(), path))
        });
    let mut modules: Vec<(String, PathBuf)> = presets.collect();
    for (name, path) in p11_kit {
        let same = |known: &PathBuf| fs::canonicalize(known).ok() == fs::canonicalize(path).ok();
        if !modules.iter().any(|(_, known)| same(known)) {
            modules.push((name.clone(), path.clone()));
        }
    }
    match modules.as_slice() {
        [(_, path)] => Ok(path.clone()),
        _ => Err(ModuleSearchError::NotConfigured(
            modules.into_iter().map(|(name, _)| name).collect(),
        )),
    }
}

/// The modules that p11-kit's configuration names and that exist. Those that hold only trust anchors are
/// left out.
fn p11_kit_modules() -> BTreeMap<String, PathBuf> {
    let home =
        std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config/pkcs11/modules"));
    let directories = P11_KIT_DIRECTORIES.iter().map(PathBuf::from).chain(home);
    let mut modules = BTreeMap::new();
    for directory in directories {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            let small = entry
                .metadata()
                .is_ok_and(|metadata| metadata.len() <= MAX_P11_KIT_FILE);
            if path
                .extension()
                .is_none_or(|extension| extension != "module")
                || !small
            {
                continue;
            }
            let Ok(text) = fs::read_to_string(&path) else {
                continue;
            };
            if let (Some(name), Some(module)) = (path.file_stem(), module_of(&text)) {
                modules.insert(name.to_string_lossy().into_owned(), module);
            }
        }
    }
    modules
}

/// The module that a p11-kit configuration file names (`pkcs11.conf(5)`).
fn module_of(text: &str) -> Option<PathBuf> {
    let mut module = None;
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        match (key.trim(), value.trim()) {
            ("module", value) => module = Some(PathBuf::from(value)),
            ("trust-policy", "yes") => return None,
            _ => {}
        }
    }
    let module = module?;
    if module.is_absolute() {
        return module.is_file().then_some(module);
    }
    P11_KIT_MODULE_DIRECTORIES
        .iter()
        .map(|directory| Path::new(directory).join(&module))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none() -> BTreeMap<String, PathBuf> {
        BTreeMap::new()
    }

    #[test]
    fn a_value_with_a_slash_is_a_path_whether_it_exists_or_not() {
        let found = find_with(Some("/no/such/module.so"), None, &none());
        assert_eq!(found, Ok(PathBuf::from("/no/such/module.so")));
    }

    #[test]
    fn a_name_is_looked_up_in_p11_kit_first_and_then_in_the_presets() {
        let p11_kit = BTreeMap::from([("luna".to_owned(), PathBuf::from("/opt/own/luna.so"))]);
        assert_eq!(
            find_with(Some("luna"), None, &p11_kit),
            Ok(PathBuf::from("/opt/own/luna.so"))
        );
        let absent = find_with(Some("luna"), None, &none()).unwrap_err();
        assert!(absent.to_string().contains("Thales Luna"), "{absent}");
        let unknown = find_with(None, Some("nonesuch"), &none()).unwrap_err();
        assert!(matches!(unknown, ModuleSearchError::UnknownName { .. }));
    }

    #[test]
    fn a_module_is_found_by_its_file_name_as_rfc_7512_writes_it() {
        let preset = PRESETS.iter().find(|preset| preset.name == "nss").unwrap();
        assert!(
            preset.is_called("softokn3")
                && preset.is_called("libsoftokn3")
                && preset.is_called("nss")
        );
        assert!(!preset.is_called("softhsm2"));
    }

    #[test]
    fn a_directory_needs_the_name_of_the_module_in_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_str();
        let module = directory.path().join("libtoken.so");
        fs::write(&module, "").unwrap();
        assert_eq!(find_with(path, Some("token"), &none()), Ok(module));
        assert!(matches!(
            find_with(path, None, &none()),
            Err(ModuleSearchError::Directory(_))
        ));
        assert!(matches!(
            find_with(path, Some("other"), &none()),
            Err(ModuleSearchError::NotInDirectory { .. })
        ));
    }

    #[test]
    fn a_p11_kit_file_names_its_module_and_trust_modules_are_left_out() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().display();
        let text = format!("# comment\nmodule: {path}\ncritical: yes\n");
        assert_eq!(module_of(&text), Some(file.path().to_owned()));
        assert_eq!(module_of(&format!("{text}trust-policy: yes\n")), None);
        assert_eq!(module_of("module: /no/such.so"), None);
        assert_eq!(module_of("module: no-such.so"), None);
    }

    #[test]
    fn preset_names_are_unique() {
        let mut names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), PRESETS.len());
    }
}
