//! A plugin whose keys go wrong in every way that the SDK has to survive. For the SDK's tests; the key id
//! says what happens, and the keys that work are the ones of `software-key`.
#![allow(clippy::panic, reason = "panicking is one of the troubles")]

use std::{
    cell::Cell,
    ffi::{CString, c_char, c_void},
    fs,
    process::ExitCode,
    thread,
    time::Duration,
};

use notary_plugin_sdk::{
    BackendSignature, CertificateBundle, CommandOutput, Context, Diagnosis, KeyListing,
    KeyProvider, Kind, PersonCommand, Plugin, PluginDescription, PluginError, Secret, Setting,
    SigningInput, SigningKey, clap, log,
    protocol::{EcdsaSignature, KeyId, KeySpec},
    settings::CERTIFICATES,
    x509::{PrivateKey, PublicKey},
};

const KEY_FILE: Setting =
    Setting::environment("TROUBLE_KEY", Kind::Path, "File with the private key (PEM)");
const LIBRARY: Setting = Setting::path(
    "library",
    "Native library whose function `make_noise` is called",
);
const COUNTER: Setting = Setting::path(
    "counter",
    "File that gets one byte per attempt to sign and per opening",
);
const PIN: Setting = Setting::secret("TROUBLE_PIN", "PIN of the token").refused_as("pin");

static DESCRIPTION: PluginDescription = PluginDescription {
    name: "troublemaker",
    version: env!("CARGO_PKG_VERSION"),
    url: "https://github.com/apostille/apostille",
    description: "Goes wrong in many ways",
    settings: &[KEY_FILE, LIBRARY, COUNTER, CERTIFICATES, PIN],
};

struct Trouble;

struct Key {
    key: PrivateKey,
    trouble: String,
    attempts: Cell<u32>,
}

impl KeyProvider for Trouble {
    type Key = Key;

    async fn open(context: &Context) -> Result<Self, PluginError> {
        count(context, "o");
        if let Some(library) = context.settings().get(&LIBRARY) {
            make_noise(library);
        }
        println!("text of a dependency on standard output");
        eprintln!("text of a dependency on standard error");
        log::event(format_args!(
            "opened with pin {:?}",
            context.settings().secret(&PIN)
        ));
        Ok(Self)
    }

    async fn find_key(&self, key_id: &KeyId, context: &Context) -> Result<Key, PluginError> {
        if key_id.as_str() == "missing" {
            return Err(PluginError::validation("there is no key `missing`"));
        }
        let path = context.settings().required(&KEY_FILE)?;
        let pem =
            fs::read(path).map_err(|error| PluginError::validation(format!("{path}: {error}")))?;
        let key = PrivateKey::from_pem(&pem)
            .map_err(|error| PluginError::validation(error.to_string()))?;
        Ok(Key {
            key,
            trouble: key_id.as_str().to_owned(),
            attempts: Cell::new(0),
        })
    }

    async fn list_keys(&self, _: &Context) -> Result<Vec<KeyListing>, PluginError> {
        Ok(vec![
            KeyListing {
                key_id: "good".to_owned(),
                key_spec: Some(KeySpec::Ec256),
                state: "enabled".to_owned(),
                certificate: Some("CN=good".to_owned()),
                note: None,
            },
            KeyListing {
                key_id: "old".to_owned(),
                key_spec: None,
                state: "disabled".to_owned(),
                certificate: None,
                note: Some("RSA with 1024 bits".to_owned()),
            },
        ])
    }

    async fn diagnose(context: &Context, diagnosis: &mut Diagnosis) {
        match context.settings().secret(&PIN) {
            Some(_) => diagnosis.ok("credentials", "PIN from TROUBLE_PIN"),
            None => diagnosis.warning("credentials", "no PIN", "set TROUBLE_PIN"),
        }
    }
}

impl SigningKey for Key {
    async fn public_key(&self, _: &Context) -> Result<PublicKey, PluginError> {
        Ok(self.key.public_key().clone())
    }

    fn knows_public_key(&self) -> bool {
        self.trouble != "remote"
    }

    async fn sign(
        &self,
        input: &SigningInput,
        context: &Context,
    ) -> Result<BackendSignature, PluginError> {
        count(context, "s");
        self.attempts.set(self.attempts.get() + 1);
        let sign = |payload: &[u8]| {
            self.key
                .sign(payload)
                .map_err(|error| PluginError::error(error.to_string()))
        };
        let signature = sign(input.payload())?;
        match self.trouble.as_str() {
            "panic" => panic!("with the PIN 1234 in its message"),
            "hang" => loop {
                // As a native call that never returns: it blocks the thread, not only the future.
                thread::sleep(Duration::from_secs(60));
            },
            "slow" => tokio::time::sleep(Duration::from_secs(60)).await,
            "crash" => std::process::abort(),
            "other-payload" => return sign(b"something else").map(BackendSignature::Raw),
            "truncated" => {
                return Ok(BackendSignature::Raw(
                    signature.get(1..).unwrap_or_default().to_vec(),
                ));
            }
            "der" => {
                let signature = EcdsaSignature::from_raw(input.key_spec(), &signature)
                    .map_err(|error| PluginError::error(error.to_string()))?;
                return Ok(BackendSignature::EcdsaDer(signature.to_der()));
            }
            "denied" => {
                return Err(
                    PluginError::access_denied("not yours").with_metadata("requestId", "r-1")
                );
            }
            "throttled" => {
                return context
                    .retry(|| async {
                        count(context, "r");
                        Err(PluginError::throttled("slow down"))
                    })
                    .await;
            }
            "flaky" => {
                let tries = Cell::new(0);
                return context
                    .retry(|| async {
                        tries.set(tries.get() + 1);
                        if tries.get() < 3 {
                            Err(PluginError::transient("connection reset"))
                        } else {
                            Ok(())
                        }
                    })
                    .await
                    .map(|()| BackendSignature::Raw(signature));
            }
            _ => {}
        }
        Ok(BackendSignature::Raw(signature))
    }

    async fn certificates(&self, context: &Context) -> Result<CertificateBundle, PluginError> {
        let mut bundle = CertificateBundle::new();
        bundle.add_setting(context.settings(), &CERTIFICATES)?;
        Ok(bundle)
    }
}

fn count(context: &Context, what: &str) {
    if let Some(path) = context.settings().get(&COUNTER) {
        let earlier = fs::read_to_string(path).unwrap_or_default();
        let _ = fs::write(path, earlier + what);
    }
}

/// Calls `void make_noise(void)` of a C library.
fn make_noise(library: &str) {
    let Ok(library) = CString::new(library) else {
        return;
    };
    let name: *const c_char = c"make_noise".as_ptr();
    // SAFETY: the library is the one that the test has just compiled; loading it runs no code that has
    // requirements, and `make_noise` has exactly this signature.
    unsafe {
        let handle: *mut c_void = libc::dlopen(library.as_ptr(), libc::RTLD_NOW);
        assert!(!handle.is_null(), "the library of the test does not load");
        let function = libc::dlsym(handle, name);
        assert!(
            !function.is_null(),
            "the library of the test has no make_noise"
        );
        let make_noise: extern "C" fn() =
            std::mem::transmute::<*mut c_void, extern "C" fn()>(function);
        make_noise();
    }
}

/// A command of the plugin's own.
struct Greet;

impl PersonCommand for Greet {
    fn definition(&self) -> clap::Command {
        clap::Command::new("greet")
            .about("Greet somebody")
            .arg(clap::Arg::new("name").required(true))
    }

    async fn run(
        &self,
        arguments: &clap::ArgMatches,
        context: &Context,
    ) -> Result<CommandOutput, PluginError> {
        let name = arguments
            .get_one::<String>("name")
            .map(String::as_str)
            .unwrap_or_default();
        println!("text of a dependency on standard output");
        let _: Option<&Secret> = context.settings().secret(&PIN);
        CommandOutput::new(
            format!("Hello {name}"),
            &serde_json::json!({ "greeting": name }),
        )
    }
}

fn main() -> ExitCode {
    Plugin::new(&DESCRIPTION)
        .keys::<Trouble>()
        .command(Greet)
        .run()
}
