//! The cache of CRLs: what is kept, what is believed, and that its troubles are nobody else's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[allow(dead_code)]
mod evidence;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration as StdDuration;

use apostille_trust::revocation::crl::Crl;
use apostille_trust::revocation::{
    Budget, CertificateRevocation, ChainPurpose, CrlCache, CrlSet, MAX_CACHE_FILE_LEN,
    RevocationChecker as _, RevocationQuestion, RevocationSettings, RevocationSources,
    RevocationStatus, SourcedRevocationChecker,
};
use evidence::*;
use futures::executor::block_on;
use notary_x509::CertificateChain;
use notary_x509::asn1::write;
use time::Duration;

/// A CA whose CRL is on the network, and a certificate that names it.
struct Case {
    ca: Ca,
    chain: CertificateChain,
    network: Arc<Network>,
    directory: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        Self::with(crl(vec![]))
    }

    fn with(list: CrlSpec) -> Self {
        let ca = usual_ca();
        Self {
            chain: ca.chain(&ca.leaf(false, true)),
            network: Arc::new(Network::default().with(CRL_URL, list.signed_by(&ca))),
            ca,
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn file(&self) -> PathBuf {
        let file = CrlCache::new(self.directory.path()).path(CRL_URL);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        file
    }

    /// What became known about the certificate, with the cache in this directory.
    fn ask_with(&self, cache: &Path) -> CertificateRevocation {
        let sources = RevocationSources {
            fetcher: Some(self.network.clone()),
            cache: Some(CrlCache::new(cache)),
            ..RevocationSources::default()
        };
        let budget = Budget::new(StdDuration::from_secs(60));
        let checker = SourcedRevocationChecker::new(sources, RevocationSettings::default(), budget);
        let question = RevocationQuestion {
            chain: &self.chain,
            purpose: ChainPurpose::Signing,
            now: NOW,
            signing_time: None,
        };
        block_on(checker.check(question)).certificates.remove(0)
    }

    fn ask(&self) -> CertificateRevocation {
        self.ask_with(self.directory.path())
    }
}

#[test]
fn a_crl_is_fetched_once_and_kept_under_the_name_that_notation_gives_it() {
    let case = Case::new();
    for _ in 0..2 {
        assert_eq!(case.ask().status, RevocationStatus::Good);
    }
    assert_eq!(case.network.asked().len(), 1);
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, CRL_URL.as_bytes());
    let path = case.directory.path().join("crl").join(hex::encode(hash));
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert!(
        json["baseCRL"].is_string() && json.get("deltaCRL").is_none(),
        "{json}"
    );
}

#[test]
fn what_another_ca_signed_or_what_has_expired_is_not_taken_from_the_cache() {
    let case = Case::with(crl(vec![entry(None, &[])]));
    for stale in [
        crl(vec![]).signed_by(&usual_ca()),
        crl(vec![]).expired().signed_by(&case.ca),
    ] {
        let base = Crl::from_der(stale).unwrap();
        let cache = CrlCache::new(case.directory.path());
        cache.store(CRL_URL, &CrlSet { base, delta: None }).unwrap();
        let status = case.ask().status;
        assert!(
            matches!(status, RevocationStatus::Revoked { .. }),
            "{status:?}"
        );
    }
}

/// CVE-2024-51491: a cache that could not be written made good signatures fail.
#[test]
fn cve_2024_51491_whatever_is_in_the_cache_the_verification_goes_on() {
    let case = Case::new();
    for content in [
        &b""[..],
        b"{",
        b"[]",
        b"{\"baseCRL\":null}",
        b"{\"baseCRL\":\"!\"}",
        b"{\"baseCRL\":\"MAA=\"}",
        &[0xff; 64],
    ] {
        std::fs::write(case.file(), content).unwrap();
        let answer = case.ask();
        assert_eq!(answer.status, RevocationStatus::Good);
        assert!(answer.evidence[0].contains("damaged"), "{answer:?}");
    }
}

#[test]
fn a_cache_file_larger_than_the_limit_is_not_read() {
    let case = Case::new();
    let file = std::fs::File::create(case.file()).unwrap();
    file.set_len(MAX_CACHE_FILE_LEN + 1).unwrap();
    let answer = case.ask();
    assert_eq!(answer.status, RevocationStatus::Good);
    assert!(answer.evidence[0].contains("larger than"), "{answer:?}");
}

#[test]
fn cve_2024_51491_a_directory_or_pipe_in_place_of_a_file_is_passed_over() {
    let case = Case::new();
    std::fs::create_dir(case.file()).unwrap();
    let answer = case.ask();
    assert_eq!(answer.status, RevocationStatus::Good);
    assert!(
        answer.evidence[0].contains("not a regular file"),
        "{answer:?}"
    );

    std::fs::remove_dir(case.file()).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(case.file())
        .status();
    if made.is_ok_and(|status| status.success()) {
        assert_eq!(case.ask().status, RevocationStatus::Good);
    } else {
        println!("skipped: mkfifo is not installed");
    }
}

#[test]
fn cve_2024_51491_a_cache_directory_that_cannot_be_made_is_passed_over() {
    let case = Case::new();
    let blocked = case.directory.path().join("blocked");
    std::fs::write(&blocked, b"").unwrap();
    assert_eq!(case.ask_with(&blocked).status, RevocationStatus::Good);
}

#[cfg(unix)]
#[test]
fn cve_2024_51491_a_read_only_cache_is_passed_over() {
    use std::os::unix::fs::PermissionsExt as _;
    let case = Case::new();
    let directory = case.file().parent().unwrap().to_owned();
    let permit = |mode| {
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    permit(0o500);
    let status = case.ask().status;
    permit(0o700);
    assert_eq!(status, RevocationStatus::Good);
}

#[cfg(target_os = "linux")]
#[test]
fn cve_2024_51491_a_cache_on_another_file_system_is_used() {
    let case = Case::new();
    let Ok(elsewhere) = tempfile::tempdir_in("/dev/shm") else {
        println!("skipped: there is no /dev/shm");
        return;
    };
    for _ in 0..2 {
        assert_eq!(
            case.ask_with(elsewhere.path()).status,
            RevocationStatus::Good
        );
    }
    assert_eq!(case.network.asked().len(), 1);
}

const FULL: &str = "APOSTILLE_TEST_FULL_DIRECTORY";

/// Runs the test below in a mount namespace of its own, where the cache is on a file system of 16 KiB.
#[cfg(target_os = "linux")]
#[test]
fn cve_2024_51491_a_cache_without_space_is_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=16k none \"$DIRECTORY\" || exit 77; exec \"$0\" --exact --ignored inside_a_full_file_system";
    let output = std::process::Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .env("DIRECTORY", directory.path())
        .env(FULL, directory.path())
        .output();
    match output {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(text.contains("1 passed"), "{text}");
        }
        Ok(output) if output.status.code() == Some(101) => {
            panic!("{}", String::from_utf8_lossy(&output.stdout))
        }
        _ => println!("skipped: no file system can be mounted here"),
    }
}

#[test]
#[ignore = "needs a full file system, which another test makes"]
fn inside_a_full_file_system() {
    let Some(directory) = std::env::var_os(FULL) else {
        return;
    };
    let long: Vec<Vec<u8>> = (0..2000u32)
        .map(|serial| {
            let revoked_at = write::time(NOW - Duration::DAY).unwrap();
            write::sequence(&[&write::integer(&(serial + 1000).to_be_bytes()), &revoked_at])
        })
        .collect();
    let case = Case::with(crl(long));
    let answer = case.ask_with(Path::new(&directory));
    assert_eq!(answer.status, RevocationStatus::Good);
    assert!(
        answer
            .evidence
            .iter()
            .any(|line| line.contains("cache") && line.contains("failed")),
        "{answer:?}"
    );
    let left: Vec<_> = std::fs::read_dir(Path::new(&directory).join("crl"))
        .unwrap()
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn readers_beside_writers_see_a_whole_crl_or_none() {
    let case = Case::new();
    let cache = CrlCache::new(case.directory.path());
    let base = Crl::from_der(crl(vec![]).signed_by(&case.ca)).unwrap();
    let crls = CrlSet { base, delta: None };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    cache.store(CRL_URL, &crls).unwrap();
                    assert!(cache.load(CRL_URL).unwrap().is_some());
                }
            });
        }
    });
    let entries = std::fs::read_dir(case.directory.path().join("crl")).unwrap();
    assert_eq!(entries.count(), 1, "temporary files are left");
}
