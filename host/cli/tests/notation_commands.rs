//! Every command and flag of the stock `notation` is here, with the same short forms and defaults, and the same command
//! lines succeed and fail. Without `notation` the tests say that they were skipped.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "command/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use apostille_registry::Credential;
use apostille_testing::registry::{
    DockerRegistry, DockerRegistryOptions, FerroRegistry, PASSWORD, USER,
};
use serde_json::json;
use support::registries::{push, repository};
use support::{Home, Ran};

const APOSTILLE: &str = env!("CARGO_BIN_EXE_apostille");

/// Commands that are still to come.
const NOT_YET: &[&str] = &[];

/// A flag, as a help page shows it.
#[derive(Debug, Default)]
struct Flag {
    short: Option<char>,
    takes_value: bool,
    text: String,
}

/// A help page.
#[derive(Debug, Default)]
struct Page {
    commands: Vec<String>,
    aliases: Vec<String>,
    flags: BTreeMap<String, Flag>,
}

impl Page {
    fn read(text: &str) -> Self {
        let mut page = Self::default();
        let mut section = "";
        let mut last: Option<String> = None;
        for line in text.lines() {
            if !line.starts_with(' ') {
                section = line.trim_end();
                continue;
            }
            let words = line.trim();
            match section {
                "Available Commands:" | "Commands:" if !line.starts_with("   ") => {
                    page.commands
                        .extend(words.split(' ').next().map(str::to_owned));
                }
                "Aliases:" => page.aliases = words.split(", ").map(str::to_owned).collect(),
                // Further lines of a text may begin with a flag too, further in.
                "Flags:" | "Options:" if words.starts_with('-') && !line.starts_with("       ") => {
                    let (name, flag) = read_flag(words);
                    last = Some(name.clone());
                    page.flags.insert(name, flag);
                }
                "Flags:" | "Options:" => {
                    let flag = last.as_ref().and_then(|name| page.flags.get_mut(name));
                    flag.unwrap().text.push_str(&format!(" {words}"));
                }
                _ => {}
            }
        }
        page
    }
}

/// Reads `-k, --key string   text` and `-k, --key <string>   text`.
fn read_flag(line: &str) -> (String, Flag) {
    let (head, text) = line.split_once("  ").unwrap_or((line, ""));
    let mut flag = Flag {
        text: text.trim().to_owned(),
        ..Flag::default()
    };
    let mut name = "";
    for word in head.split([' ', ',']).filter(|word| !word.is_empty()) {
        if let Some(long) = word.strip_prefix("--") {
            name = long;
        } else if let Some(short) = word.strip_prefix('-') {
            flag.short = short.chars().next();
        } else {
            flag.takes_value = true;
        }
    }
    (name.to_owned(), flag)
}

/// The default that a text ends in: `(default "jws")`, `(default 100)`.
fn default_of(text: &str) -> Option<&str> {
    let (_, value) = text.rsplit_once("(default ")?;
    let value = value.trim_end_matches(')').trim_matches('"');
    // Some are said in words, each program in its own.
    (!value.contains(' ') && !value.starts_with("--")).then_some(value)
}

struct Help {
    home: Home,
    notation: PathBuf,
}

impl Help {
    fn page(&self, program: &Path, path: &[String]) -> Page {
        let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
        arguments.push("--help");
        Page::read(&self.home.run_program(program, &arguments).ok().out)
    }

    /// Compares the pages of a command and of those below it. Gives what is different.
    fn compare(&self, path: &[String], seen: &mut usize) -> Vec<String> {
        *seen += 1;
        let its = self.page(&self.notation, path);
        let ours = self.page(Path::new(APOSTILLE), path);
        let at = path.join(" ");
        let mut different = Vec::new();
        for (name, flag) in &its.flags {
            match ours.flags.get(name) {
                None => different.push(format!("{at}: no --{name}")),
                Some(ours) => different.extend(differences(&at, name, flag, ours)),
            }
        }
        for alias in its.aliases.iter().skip(1) {
            let mut aliased = path.to_vec();
            aliased.pop();
            aliased.push(alias.clone());
            let page = self.page(Path::new(APOSTILLE), &aliased);
            if page.flags.len() != ours.flags.len() {
                different.push(format!("{at}: {alias} is another command"));
            }
        }
        for command in &its.commands {
            let below = [path, std::slice::from_ref(command)].concat();
            if NOT_YET.contains(&below.join(" ").as_str()) {
                println!("{} is still to come", below.join(" "));
            } else if ours.commands.contains(command) {
                different.extend(self.compare(&below, seen));
            } else {
                different.push(format!("{}: no such command", below.join(" ")));
            }
        }
        different
    }
}

fn differences(at: &str, name: &str, its: &Flag, ours: &Flag) -> Vec<String> {
    let mut different = Vec::new();
    if its.short != ours.short {
        different.push(format!(
            "{at}: --{name} is {:?}, not {:?}",
            ours.short, its.short
        ));
    }
    if its.takes_value != ours.takes_value {
        different.push(format!(
            "{at}: --{name} takes a value in one and none in the other"
        ));
    }
    if let Some(default) = default_of(&its.text)
        && !ours.text.contains(default)
    {
        different.push(format!("{at}: --{name} does not say its default {default}"));
    }
    different
}

#[test]
fn every_command_and_flag_of_notation_is_here() {
    let Some(notation) = support::notation() else {
        return;
    };
    let mut home = Home::bare();
    home.set("NOTATION_EXPERIMENTAL", "1");
    let help = Help { home, notation };
    let mut seen = 0;
    let different = help.compare(&[], &mut seen);
    assert_eq!(different, Vec::<String>::new());
    assert!(seen > 30, "only {seen} pages were compared");
}

/// What two runs must have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Same {
    /// The exit code.
    Code,
    /// The exit code, and what is on standard output.
    Output,
}

use Same::{Code, Output};

/// Command lines, in order; `{image}` is the digest of the image in the layout `app`. Words are separated by spaces;
/// `_` stands for an empty one.
const LINES: &[(Same, &str)] = &[
    // The whole program, and groups.
    (Code, ""),
    (Code, "--help"),
    (Code, "help"),
    (Code, "help sign"),
    (Code, "frobnicate"),
    (Code, "--version"),
    (Code, "-x"),
    (Code, "version"),
    (Code, "version extra"),
    (Code, "key"),
    (Code, "key frobnicate"),
    (Code, "cert"),
    (Code, "blob policy"),
    (Code, "plugin --nope"),
    (Code, "completion bash"),
    (Code, "completion"),
    // Signing.
    (Output, "sign"),
    (Output, "sign app"),
    (Output, "sign --oci-layout app"),
    (Output, "sign --oci-layout absent:v1"),
    (Output, "sign --oci-layout app:v2"),
    (Output, "sign --oci-layout --key absent app:v1"),
    (Output, "sign --oci-layout --id k app:v1"),
    (Output, "sign --oci-layout --plugin absent --id k app:v1"),
    (
        Output,
        "sign --oci-layout --key release --id k --plugin p app:v1",
    ),
    (Output, "sign --oci-layout --force-referrers-tag app:v1"),
    (Output, "sign --oci-layout --signature-format pgp app:v1"),
    (Output, "sign --oci-layout --signature-format COSE app:v1"),
    (Output, "sign --oci-layout -e -1h app:v1"),
    (Output, "sign --oci-layout -e 1 app:v1"),
    (Output, "sign --oci-layout -e 1.5s app:v1"),
    (Output, "sign --oci-layout -m novalue app:v1"),
    (Output, "sign --oci-layout -m =x app:v1"),
    (Output, "sign --oci-layout -m io.cncf.notary.x=y app:v1"),
    (Output, "sign --oci-layout --plugin-config x app:v1"),
    (
        Output,
        "sign --oci-layout --timestamp-url http://localhost app:v1",
    ),
    (
        Output,
        "sign --oci-layout --timestamp-url=_ --timestamp-root-cert=_ app:v1",
    ),
    (Output, "sign 127.0.0.1:1/team/app:v1"),
    (Output, "sign registry.example/UPPER:v1"),
    (Output, "sign registry.example/app@sha256:12"),
    // Nothing is signed yet.
    (Output, "verify --oci-layout --scope local/app app@{image}"),
    (Output, "list --oci-layout app@{image}"),
    (Code, "sign --oci-layout -m build=7 app@{image}"),
    (
        Code,
        "sign --oci-layout -d=false --expiry=3h20m -mbuild=7 --signature-format cose app@{image} ignored",
    ),
    // Verifying.
    (Output, "verify"),
    (Output, "verify app"),
    (Output, "verify --oci-layout app@{image}"),
    (Output, "verify --scope local/app app@{image}"),
    (Output, "verify --oci-layout --scope local/app app@{image}"),
    (
        Output,
        "verify --oci-layout --scope local/app app:v1 ignored",
    ),
    (
        Output,
        "verify --oci-layout --scope local/app -m build=7 app@{image}",
    ),
    (
        Output,
        "verify --oci-layout --scope local/app -m build=8 app@{image}",
    ),
    (
        Output,
        "verify --oci-layout --scope local/app --max-signatures 0 app@{image}",
    ),
    (
        Output,
        "verify --oci-layout --scope local/app --max-signatures x app@{image}",
    ),
    (Output, "verify --oci-layout --scope UPPER app@{image}"),
    (Output, "verify --oci-layout --scope local/app absent:v1"),
    (Output, "verify 127.0.0.1:1/team/app:v1"),
    (Output, "list"),
    (Output, "ls --oci-layout absent:v1"),
    (Output, "ls --oci-layout --max-signatures=-1 app:v1"),
    (Output, "inspect"),
    (Output, "inspect -o yaml 127.0.0.1:1/team/app:v1"),
    (Output, "inspect 127.0.0.1:1/team/app:v1"),
    // Keys.
    (Output, "key list"),
    (Output, "key list extra"),
    (Output, "key add"),
    (Output, "key add name"),
    (Output, "key add --plugin signer name"),
    (Output, "key add --plugin absent --id k name"),
    (Output, "key add --plugin signer --id k one"),
    (Output, "key add --plugin signer --id k one"),
    (Output, "key add --plugin signer --id k --default two"),
    (Output, "key add --plugin signer --id k three four"),
    (Output, "key ls"),
    (Output, "key update"),
    (Output, "key update one"),
    (Output, "key set --default one"),
    (Output, "key update --default absent"),
    (Output, "key delete"),
    (Output, "key delete absent"),
    (Output, "key delete one absent"),
    (Output, "key delete two"),
    (Output, "key ls"),
    // Certificates.
    (Output, "cert list"),
    (Output, "cert ls -t ca -s release"),
    (Output, "cert ls -t frob"),
    (Output, "cert ls -s absent"),
    (Output, "cert show -t ca -s release certificate.pem"),
    (Output, "cert show -t ca -s release absent.pem"),
    (Output, "cert show -t ca -s release"),
    (Output, "cert show certificate.pem"),
    (Output, "cert add -t ca -s new root.pem"),
    (Output, "cert add -t ca -s new root.pem"),
    (Output, "cert add -t ca -s new"),
    (Output, "cert add root.pem"),
    (Output, "cert add -t frob -s new root.pem"),
    (Output, "cert add -t tsa -s new/er root.pem"),
    (Output, "cert add -t tsa -s new absent.pem"),
    (Output, "cert delete -t ca -s new root.pem"),
    (Output, "cert delete -t ca -s new -y absent.pem"),
    (Output, "cert delete -t ca -s new -y -a root.pem"),
    (Output, "cert delete -t ca -s new -y"),
    (Output, "cert delete -t ca -s new -y root.pem"),
    (Output, "cert delete -t ca -s new -y -a"),
    (Output, "cert generate-test"),
    (Output, "cert generate-test --bits many small"),
    (Output, "cert generate-test a/b"),
    (Output, "cert cleanup-test -y nobody"),
    // Policies.
    (Output, "policy show"),
    (Output, "policy show extra"),
    (Output, "policy import"),
    (Output, "policy import absent.json"),
    (Output, "policy import policy.json"),
    (Output, "policy import --force root.pem"),
    (Output, "policy import --force policy.json"),
    (Output, "policy show"),
    (Output, "blob policy show"),
    (Output, "blob policy init --name files"),
    (
        Output,
        "blob policy init --name files --trust-store ca:release --trusted-identity *",
    ),
    (
        Output,
        "blob policy init --name files --trust-store ca:release --trusted-identity * --global",
    ),
    (
        Output,
        "blob policy init --name files --trust-store ca:release --trusted-identity * --global --force",
    ),
    (Output, "blob policy show"),
    // Files.
    (Output, "blob sign"),
    (Output, "blob sign absent"),
    (Output, "blob sign --media-type a/b/c policy.json"),
    (Output, "blob sign --signature-directory=_ policy.json"),
    (Output, "blob sign policy.json"),
    (Output, "blob sign policy.json"),
    (Output, "blob sign --force policy.json"),
    (Output, "blob verify"),
    (Output, "blob verify policy.json"),
    (Output, "blob verify -s policy.json.jws.sig"),
    (Output, "blob verify -s policy.json.jws.sig policy.json"),
    (Output, "blob verify -s policy.json.jws.sig root.pem"),
    (Output, "blob verify -s policy.json policy.json"),
    (
        Output,
        "blob verify -s policy.json.jws.sig --policy-name absent policy.json",
    ),
    (
        Output,
        "blob verify -s policy.json.jws.sig --media-type text/plain policy.json",
    ),
    (Output, "blob inspect"),
    (Output, "blob inspect -o yaml policy.json.jws.sig"),
    (Output, "blob inspect policy.json"),
    // Plugins.
    (Code, "plugin list"),
    (Output, "login"),
    (Code, "login --password-stdin localhost:1"),
    (Output, "login -u a -p b localhost:1"),
    (Output, "login -u a -p b not/a/server"),
    (Output, "logout"),
    (Output, "logout localhost:1"),
    (Output, "logout localhost:1 more"),
    (Output, "plugin install"),
    (Output, "plugin install --file"),
    (Output, "plugin install --url"),
    (Output, "plugin install --file --url x"),
    (Output, "plugin install x"),
    (Output, "plugin install --file a b"),
    (Output, "plugin install --file absent"),
    (Output, "plugin install --file ."),
    (Output, "plugin install --url http://localhost:1/x"),
    (
        Output,
        "plugin install --url --sha256sum aa http://localhost:1/x",
    ),
    (
        Output,
        "plugin install --url --sha256sum aa https://localhost:1/x",
    ),
    (Output, "plugin uninstall"),
    (Output, "plugin uninstall absent"),
    (Output, "plugin uninstall one two"),
    (Output, "plugin uninstall signer"),
    (Output, "plugin rm -y signer"),
];

/// Command lines that end otherwise here, with our exit code and that of `notation`: it makes a key with which nothing
/// can be signed, and panics.
const OTHERWISE: &[(i32, i32, &str)] = &[
    (1, 0, "cert generate-test --bits 1024 small"),
    (0, 0, "blob sign policy.json"),
    (0, 0, "blob policy import skip.json"),
    (
        0,
        2,
        "blob verify --policy-name none -s policy.json.jws.sig policy.json",
    ),
];

/// The two programs, each with a home of its own, equal at the start. Ours goes by the name `notation`, under which it
/// has the exit codes of that.
struct Pair {
    notation: PathBuf,
    ours: Home,
    its: Home,
}

impl Pair {
    fn new(notation: PathBuf) -> Self {
        let mut ours = Home::new();
        ours.set("NOTATION_EXPERIMENTAL", "1");
        ours.install_script("signer", "");
        let pem = support::Signer::new("another").root_pem();
        std::fs::write(ours.work().join("root.pem"), pem).unwrap();
        let policy = json!({"version": "1.0", "trustPolicies": [{
            "name": "imported", "registryScopes": ["*"],
            "signatureVerification": {"level": "strict"},
            "trustStores": ["ca:release"], "trustedIdentities": ["*"],
        }]});
        std::fs::write(ours.work().join("policy.json"), policy.to_string()).unwrap();
        let skip = json!({"version": "1.0", "trustPolicies": [{
            "name": "none", "signatureVerification": {"level": "skip"},
        }]});
        std::fs::write(ours.work().join("skip.json"), skip.to_string()).unwrap();
        let its = ours.copy();
        std::os::unix::fs::symlink(APOSTILLE, ours.config().join("../notation")).unwrap();
        Self {
            notation,
            ours,
            its,
        }
    }

    fn run(&self, line: &str) -> (Ran, Ran) {
        let words: Vec<String> = line
            .split_whitespace()
            .map(|word| word.replace('_', ""))
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let ours = self.ours.config().join("../notation");
        (
            self.ours.run_program(&ours, &words),
            self.its.run_program(&self.notation, &words),
        )
    }
}

/// Runs the lines one after the other with both programs. Gives what is different.
fn differences_of(pair: &Pair, lines: impl Iterator<Item = (Same, String)>) -> Vec<String> {
    let mut different = Vec::new();
    for (same, line) in lines {
        let (ours, its) = pair.run(&line);
        if ours.code != its.code {
            different.push(format!(
                "{line}: {} instead of {}\n   ours: {}\n   its: {}",
                ours.code, its.code, ours.err, its.err
            ));
        }
        let (our_out, its_out) = (pair.ours.anonymous(&ours.out), pair.its.anonymous(&its.out));
        if same == Output && our_out != its_out {
            different.push(format!("{line}:\n--- ours\n{our_out}\n--- its\n{its_out}"));
        }
    }
    different
}

#[test]
fn the_same_command_lines_succeed_and_fail_with_the_same_output() {
    let Some(notation) = support::notation() else {
        return;
    };
    let pair = Pair::new(notation);
    let image = pair.ours.image("app").digest.to_string();
    let lines = LINES
        .iter()
        .map(|(same, line)| (*same, line.replace("{image}", &image)));
    let different = differences_of(&pair, lines);
    assert!(different.is_empty(), "{}", different.join("\n\n"));
}

/// Command lines about the image `{image}` in the registry `{host}`, which is signed on the way.
const REGISTRY_LINES: &[(Same, &str)] = &[
    (Output, "list --insecure-registry {image}"),
    (Output, "ls --insecure-registry {host}/team/app:v1"),
    (Output, "inspect --insecure-registry {image}"),
    (Output, "inspect --insecure-registry -o json {image}"),
    (Output, "verify --insecure-registry {image}"),
    (Output, "verify --insecure-registry {host}/team/app:v2"),
    (Output, "verify --insecure-registry {host}/team/other:v1"),
    (Output, "sign --insecure-registry {host}/team/app:v2"),
    (Output, "list --insecure-registry {host}/team/app:v2"),
    (Output, "inspect --insecure-registry {host}/team/app:v2"),
    (Output, "sign --insecure-registry --key absent {image}"),
    (Output, "sign --insecure-registry --expiry 0s1 {image}"),
    (Code, "sign --insecure-registry -m build=7 {image}"),
    (
        Code,
        "sign --insecure-registry -m build=7 --signature-format cose {host}/team/app:v1",
    ),
    (
        Code,
        "sign --insecure-registry -m build=7 --force-referrers-tag {image}",
    ),
    (Output, "verify --insecure-registry {image}"),
    (Output, "verify --insecure-registry {host}/team/app:v1"),
    (Output, "verify --insecure-registry -m build=7 {image}"),
    (Output, "verify --insecure-registry -m build=8 {image}"),
    (
        Output,
        "verify --insecure-registry --max-signatures 1 {image}",
    ),
    (
        Output,
        "verify --insecure-registry --max-signatures 0 {image}",
    ),
    (Code, "list --insecure-registry {image}"),
    (Code, "list --insecure-registry --max-signatures 1 {image}"),
    (Code, "inspect --insecure-registry {image}"),
    (
        Code,
        "inspect --insecure-registry --max-signatures 1 {image}",
    ),
    (Output, "inspect --insecure-registry -o yaml {image}"),
    (
        Output,
        "verify --insecure-registry -u alice -p wrong {image}",
    ),
];

#[test]
fn the_same_command_lines_about_registries_succeed_and_fail() {
    let Some(notation) = support::notation() else {
        return;
    };
    let pair = Pair::new(notation);
    let ferro = FerroRegistry::start().unwrap();
    let docker = DockerRegistry::start().unwrap();
    for host in [ferro.host(), docker.host()] {
        let pushed = push(&repository(&host, Credential::Anonymous), b"layer");
        let image = format!("{host}/team/app@{}", pushed.digest);
        let lines = REGISTRY_LINES.iter().map(|(same, line)| {
            (
                *same,
                line.replace("{image}", &image).replace("{host}", &host),
            )
        });
        let different = differences_of(&pair, lines);
        assert!(different.is_empty(), "{}", different.join("\n\n"));
    }
}

#[test]
fn the_same_logins_succeed_and_fail() {
    let Some(notation) = support::notation() else {
        return;
    };
    let options = DockerRegistryOptions {
        password: true,
        ..Default::default()
    };
    let registry = DockerRegistry::start_with(options).unwrap();
    let credential = Credential::from_login(USER, PASSWORD);
    let host = registry.host();
    let image = push(&repository(&host, credential), b"layer");
    let reference = format!("{host}/team/app@{}", image.digest);
    for (user, password) in [
        (Some(USER), Some(PASSWORD)),
        (Some(USER), Some("wrong")),
        (Some(USER), None),
        (None, Some(PASSWORD)),
        (None, None),
    ] {
        let mut pair = Pair::new(notation.clone());
        for home in [&mut pair.ours, &mut pair.its] {
            for (name, value) in [("NOTATION_USERNAME", user), ("NOTATION_PASSWORD", password)] {
                value.into_iter().for_each(|value| home.set(name, value));
            }
        }
        let lines = ["list", "sign", "verify", "inspect"]
            .map(|command| (Code, format!("{command} --insecure-registry {reference}")));
        let different = differences_of(&pair, lines.into_iter());
        assert!(different.is_empty(), "{}", different.join("\n\n"));
    }
}

#[test]
fn what_ends_otherwise_is_known() {
    let Some(notation) = support::notation() else {
        return;
    };
    let pair = Pair::new(notation);
    for (our_code, its_code, line) in OTHERWISE {
        let (ours, its) = pair.run(line);
        assert_eq!(
            (ours.code, its.code),
            (*our_code, *its_code),
            "{line}: {}",
            ours.err
        );
    }
}
