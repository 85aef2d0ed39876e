//! Secrets in KV engines of both versions.

use notary_plugin_sdk::{CertificateBundle, Context, PluginError, Settings};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::client::{Call, found_nothing};
use crate::key_id::KeyAddress;
use crate::path::VaultPath;
use crate::session::Session;
use crate::settings::{KV_FIELD, KV_MOUNT, KV_PATH, KV_VERSION};

/// A field of a secret.
#[derive(Debug)]
pub(crate) struct Secret {
    location: Location,
    field: String,
}

#[derive(Debug)]
enum Location {
    /// Mount, path in it and version are configured.
    Known(Engine, VaultPath),
    /// One path, of which the server knows where the mount ends.
    Whole(VaultPath),
}

#[derive(Clone, Debug)]
struct Engine {
    mount: VaultPath,
    version: Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// The members of a secret, and the number that guards against overwriting somebody else's change.
struct Content {
    fields: Map<String, Value>,
    version: u64,
}

#[derive(Deserialize)]
struct VersionTwo {
    data: Map<String, Value>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    version: u64,
}

#[derive(Deserialize)]
struct Mount {
    path: String,
    #[serde(rename = "type")]
    kind: String,
    options: Option<Map<String, Value>>,
}

impl Secret {
    /// The secret that the settings name for a key.
    pub(super) fn of_settings(
        address: &KeyAddress,
        settings: &Settings,
    ) -> Result<Self, PluginError> {
        let path = settings.get(&KV_PATH).unwrap_or(&address.label);
        let path = VaultPath::parse(path, "the path of the secret with the certificates")?;
        let location = match settings.get(&KV_MOUNT) {
            Some(mount) => {
                let mount = VaultPath::parse(mount, "the mount of the KV engine (`kvName`)")?;
                let version = match settings.get(&KV_VERSION) {
                    Some("1") => Version::One,
                    _ => Version::Two,
                };
                Location::Known(Engine { mount, version }, path)
            }
            None => Location::Whole(path),
        };
        let field = settings.get(&KV_FIELD).unwrap_or("certificate").to_owned();
        Ok(Self { location, field })
    }

    /// Adds the certificates of the field.
    pub(super) async fn load(
        &self,
        bundle: &mut CertificateBundle,
        session: &Session,
        context: &Context,
    ) -> Result<(), PluginError> {
        let (engine, path) = self.locate(session, context).await?;
        let content = engine.read(&path, session, context).await?;
        let origin = format!("{}, field `{}`", engine.data_path(&path), self.field);
        match content.fields.get(&self.field) {
            Some(Value::String(text)) => bundle.add_bytes(text.as_bytes(), &origin),
            Some(_) => Err(PluginError::validation(format!("{origin}: it is no text"))),
            None => {
                let names: Vec<&str> = content.fields.keys().map(String::as_str).collect();
                Err(PluginError::validation(format!(
                    "{origin}: there is no such field; the secret has: {}. Set `kv_field`",
                    if names.is_empty() {
                        "none".to_owned()
                    } else {
                        names.join(", ")
                    }
                )))
            }
        }
    }

    pub(super) fn paths_to_store(&self) -> Vec<(String, &'static [&'static str])> {
        match &self.location {
            Location::Known(engine, path) => {
                vec![(engine.data_path(path), &["create", "update"])]
            }
            Location::Whole(_) => Vec::new(),
        }
    }

    /// Writes the field; other fields of the secret stay.
    pub(super) async fn store(
        &self,
        chain: &str,
        session: &Session,
        context: &Context,
    ) -> Result<String, PluginError> {
        let (engine, path) = self.locate(session, context).await?;
        let mut content = match engine.read(&path, session, context).await {
            Ok(content) => content,
            Err(error) if found_nothing(&error) => Content {
                fields: Map::new(),
                version: deleted_version(&error),
            },
            Err(error) => return Err(error),
        };
        let field = format!("{}, field `{}`", engine.data_path(&path), self.field);
        if content.fields.get(&self.field).and_then(Value::as_str) == Some(chain) {
            return Ok(field);
        }
        content.fields.insert(self.field.clone(), chain.into());
        let body = match engine.version {
            Version::One => Value::Object(content.fields),
            Version::Two => {
                json!({ "data": content.fields, "options": { "cas": content.version } })
            }
        };
        let call = Call::write(engine.data_path(&path), body).once();
        session.ask(&call, context).await?;
        Ok(field)
    }

    async fn locate(
        &self,
        session: &Session,
        context: &Context,
    ) -> Result<(Engine, VaultPath), PluginError> {
        match &self.location {
            Location::Known(engine, path) => Ok((engine.clone(), path.clone())),
            Location::Whole(path) => ask_for_mount(path, session, context).await,
        }
    }
}

/// Finds the mount of a path, and the engine's version, as the command line does.
async fn ask_for_mount(
    path: &VaultPath,
    session: &Session,
    context: &Context,
) -> Result<(Engine, VaultPath), PluginError> {
    let call = Call::read(format!("sys/internal/ui/mounts/{path}"));
    let mount: Mount = session.ask(&call, context).await?.data()?;
    if !matches!(mount.kind.as_str(), "kv" | "generic") {
        return Err(PluginError::validation(format!(
            "`kv_path` is `{path}`, and {} is an engine of type {}, not kv",
            mount.path, mount.kind
        )));
    }
    let version = mount
        .options
        .as_ref()
        .and_then(|options| options.get("version"));
    let version = match version.and_then(Value::as_str) {
        Some("2") => Version::Two,
        _ => Version::One,
    };
    let rest = path.as_str().strip_prefix(mount.path.trim_matches('/'));
    let inside = VaultPath::parse(
        rest.unwrap_or_default(),
        "the rest of `kv_path` below its mount",
    )?;
    let mount = VaultPath::parse(&mount.path, "the mount of `kv_path`")?;
    Ok((Engine { mount, version }, inside))
}

impl Engine {
    fn data_path(&self, path: &VaultPath) -> String {
        match self.version {
            Version::One => self.mount.join(path),
            Version::Two => self.mount.join(format_args!("data/{path}")),
        }
    }

    async fn read(
        &self,
        path: &VaultPath,
        session: &Session,
        context: &Context,
    ) -> Result<Content, PluginError> {
        let call = Call::read(self.data_path(path));
        let answer = session.ask(&call, context).await;
        let answer = answer.map_err(|error| without_secret(error, self, path))?;
        match self.version {
            Version::One => Ok(Content {
                fields: answer.data()?,
                version: 0,
            }),
            Version::Two => {
                let found: VersionTwo = answer.data()?;
                Ok(Content {
                    fields: found.data,
                    version: found.metadata.version,
                })
            }
        }
    }
}

/// Nothing there: what that means for a secret.
fn without_secret(error: PluginError, engine: &Engine, path: &VaultPath) -> PluginError {
    if !found_nothing(&error) {
        return error;
    }
    let path = engine.data_path(path);
    let detail = |name: &str| error.metadata().get(name);
    let message = if let Some(time) = detail("secretDeleted") {
        format!("{path}: the secret was deleted at {time}: `vault kv undelete` brings it back")
    } else if detail("secretDestroyed").is_some() {
        format!("{path}: the latest version of the secret was destroyed")
    } else {
        format!(
            "{path}: there is no secret with certificates; are path and version of the engine right? `set-certificate` and `import` make one"
        )
    };
    let absent = PluginError::validation(message);
    error
        .metadata()
        .iter()
        .fold(absent, |error, (name, value)| {
            error.with_metadata(name, value)
        })
}

fn deleted_version(error: &PluginError) -> u64 {
    let version = error.metadata().get("secretVersion");
    version
        .and_then(|version| version.parse().ok())
        .unwrap_or_default()
}
