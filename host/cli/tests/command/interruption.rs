//! Ctrl-C leaves nothing behind.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::Home;

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

#[test]
#[cfg(target_os = "linux")]
fn ctrl_c_while_a_plugin_works_ends_the_plugin_and_stores_nothing() {
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
        let interrupt = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status();
        assert!(interrupt.unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130));
        assert!(output.stdout.is_empty());
        assert!(String::from_utf8_lossy(&output.stderr).contains("Error: interrupted"));
        wait_until("the plugin's end", || !is_alive(&plugin));
    });
}
