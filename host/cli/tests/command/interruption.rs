//! Ctrl-C and `SIGTERM` leave nothing behind.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use apostille_testing::registry::{Answer, DockerRegistry};

use crate::support::Home;
use crate::support::registries::Image;

/// Far more than a loaded machine needs.
const PATIENCE: Duration = Duration::from_secs(60);

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        sleep(Duration::from_millis(20));
    }
}

fn is_alive(pid: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat"));
    // A process that has ended and was not waited for yet is a zombie.
    status.is_ok_and(|status| !status.contains(") Z "))
}

fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill")
        .args([format!("-{signal}"), child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// Starts a command with an image behind a proxy that hangs at one request, and presses Ctrl-C then.
#[track_caller]
fn interrupted_at(image: &Image, command: &str, method: &'static str, part: &'static str) {
    let proxy = image.behind(move |request| {
        if request.method == method && request.target.contains(part) {
            // The proxy's thread may outlive the test, and is not waited for.
            sleep(PATIENCE);
            return Answer::Cut;
        }
        Answer::Forward
    });
    let mut program = Command::new(Path::new(env!("CARGO_BIN_EXE_apostille")));
    image
        .home
        .prepare(&mut program, &[command, &image.at(&proxy.host())]);
    let child = program
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until("the request", || {
        let requests = proxy.requests();
        requests
            .iter()
            .any(|request| request.method == method && request.target.contains(part))
    });
    let pressed = Instant::now();
    send("INT", &child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{command} {method} {part}");
    assert!(output.stdout.is_empty());
    assert!(
        pressed.elapsed() < PATIENCE,
        "it was waited for the registry"
    );
}

#[test]
fn ctrl_c_while_a_registry_hangs_ends_the_command_and_leaves_no_signature() {
    let registry = DockerRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    for (command, method, part) in [
        ("sign", "GET", "/manifests/"),
        ("sign", "POST", "/blobs/uploads/"),
        ("sign", "PUT", "/blobs/uploads/"),
        ("sign", "PUT", "/manifests/sha256:"),
        ("sign", "PUT", "/manifests/sha256-"),
        ("verify", "GET", "/referrers/"),
        ("verify", "GET", "/blobs/"),
        ("list", "GET", "/manifests/sha256-"),
        ("inspect", "GET", "/blobs/"),
    ] {
        image
            .home
            .unchanged(|| interrupted_at(&image, command, method, part));
        assert_eq!(image.signatures().len(), 1, "{command} {method} {part}");
    }
    image.run("sign", &registry.host(), &[]).ok();
    assert_eq!(image.signatures().len(), 2);
}

#[test]
#[cfg(target_os = "linux")]
fn ctrl_c_while_a_plugin_works_ends_the_plugin_and_stores_nothing() {
    stopped_with_its_plugin("INT", "Error: interrupted");
}

#[test]
#[cfg(target_os = "linux")]
fn a_job_that_is_told_to_end_ends_its_plugin_and_stores_nothing() {
    stopped_with_its_plugin("TERM", "Error: told to end");
}

#[cfg(target_os = "linux")]
fn stopped_with_its_plugin(signal: &str, message: &str) {
    let home = Home::new();
    let pid_file = home.work().join("../plugin.pid");
    home.install_script(
        "slow",
        &format!(
            "echo $$ > '{0}.new'; mv '{0}.new' '{0}'; sleep 600",
            pid_file.display()
        ),
    );
    home.unchanged(|| {
        let arguments = [
            "sign",
            "--oci-layout",
            "--plugin",
            "slow",
            "--id",
            "key",
            "app:v1",
        ];
        let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_apostille")));
        home.prepare(&mut command, &arguments);
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        wait_until("the plugin's start", || pid_file.is_file());
        let plugin = fs::read_to_string(&pid_file).unwrap().trim().to_owned();
        send(signal, &child);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130));
        assert!(output.stdout.is_empty());
        assert!(String::from_utf8_lossy(&output.stderr).contains(message));
        wait_until("the plugin's end", || !is_alive(&plugin));
    });
}
