//! Plugins in a user's home: the real one for tokens, and scripts around it that twist what it says.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use apostille_testing::SoftHsm;

use super::Home;

/// The name of the plugin for tokens.
pub(crate) const PKCS11: &str = "pkcs11-hsm";

fn program() -> PathBuf {
    apostille_testing::workspace::program("notation-pkcs11-hsm", "notation-pkcs11-hsm").unwrap()
}

impl Home {
    /// Installs an executable as the plugin `name`.
    pub(crate) fn install(&self, name: &str, executable: &[u8]) -> PathBuf {
        let directory = self.config().join("plugins").join(name);
        fs::create_dir_all(&directory).unwrap();
        let path = directory.join(format!("notation-{name}"));
        fs::write(&path, executable).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// Installs a shell script as a plugin that can sign, by what it says. `$command` is the command that it is asked.
    pub(crate) fn install_script(&self, name: &str, script: &str) {
        let text = format!(
            r#"#!/bin/sh
command=$1
if [ "$command" = get-plugin-metadata ]; then
    echo '{{"name":"{name}","description":"A script","version":"1.0.0","url":"https://example.com","supportedContractVersions":["1.0"],"capabilities":["SIGNATURE_GENERATOR.RAW"]}}'
    exit
fi
{script}
"#
        );
        self.install(name, text.as_bytes());
    }

    /// Installs the plugin for tokens behind filters: what it is asked goes through the `sed` script `question`, what it
    /// answers through `answer`.
    pub(crate) fn install_twisted(&self, name: &str, question: &str, answer: &str) {
        let real = program();
        let script = format!(
            "sed '{question}' | '{}' \"$command\" | sed '{answer}'",
            real.display()
        );
        self.install_script(name, &script);
    }
}

/// A token with the keys `release` and `other`, each with its certificate on the token.
pub(crate) struct Token {
    pub(crate) hsm: SoftHsm,
}

impl Token {
    /// The token, made known to the programs of `home`, with the certificate of `release` in the store `ca:release`.
    pub(crate) fn in_home(home: &mut Home) -> Self {
        let hsm = SoftHsm::start().unwrap();
        for (name, value) in hsm.env() {
            home.set(name.to_str().unwrap(), value);
        }
        home.set("NOTATION_PKCS11_MODULE", hsm.module());
        home.set("NOTATION_PKCS11_PIN_FILE", hsm.pin_file());
        home.install(PKCS11, &fs::read(program()).unwrap());
        let token = Self { hsm };
        token.certified_key(home, "release", 1);
        token.certified_key(home, "other", 2);
        let certificate = fs::read_to_string(token.certificate("release")).unwrap();
        home.trust("ca", "release", &certificate);
        token
    }

    fn certificate(&self, label: &str) -> PathBuf {
        self.hsm.directory().join(format!("{label}.pem"))
    }

    fn certified_key(&self, home: &Home, label: &str, id: u8) {
        self.hsm.import_key("EC-256", label, &[id]).unwrap();
        let certificate = self.certificate(label);
        let certificate = certificate.to_str().unwrap();
        let subject = format!("CN={label},O=Example,ST=England,C=GB");
        for arguments in [
            &[
                "self-sign",
                "--key-id",
                label,
                "--subject",
                &subject,
                "--out",
                certificate,
            ][..],
            &["import-cert", "--key-id", label, certificate],
        ] {
            let mut command = Command::new(program());
            home.prepare(&mut command, arguments);
            let output = command.output().unwrap();
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}

impl Home {
    /// One command of the plugin for tokens, without the program between.
    pub(crate) fn ask_plugin(&self, command: &str, question: &str) -> serde_json::Value {
        let mut plugin = Command::new(program());
        self.prepare(&mut plugin, &[command]);
        let question_file = self.work().join("question.json");
        fs::write(&question_file, question).unwrap();
        let output = plugin
            .stdin(fs::File::open(&question_file).unwrap())
            .output()
            .unwrap();
        fs::remove_file(question_file).unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Puts a script in front of the plugin `name` that writes down which commands it is given.
    pub(crate) fn install_counted(&self, name: &str) {
        let log = self.log(name);
        let script = format!(
            "#!/bin/sh\necho \"$1\" >> '{}'\nexec '{}' \"$1\"\n",
            log.display(),
            program().display()
        );
        self.install(name, script.as_bytes());
    }

    /// The commands that were written down.
    pub(crate) fn counted(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.log(name)).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn log(&self, name: &str) -> PathBuf {
        self.config().join(format!("{name}.log"))
    }
}
