//! A registry that misbehaves while one signs: what was there stays, and what is said to be pushed is there.

use apostille_testing::registry::{Answer, DockerRegistry, FerroRegistry, MisbehavingProxy};

use crate::support::registries::{Image, REGISTRY, reads, times, writes};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

#[test]
fn an_upload_that_is_cut_is_repeated_and_the_signature_is_there_once() {
    let ferro = FerroRegistry::start().unwrap();
    let docker = DockerRegistry::start().unwrap();
    for host in [ferro.host(), docker.host()] {
        for part in ["/blobs/uploads/", "/manifests/"] {
            // Before the registry has heard of it, and after it has done it.
            for answer in [Answer::Cut, Answer::CutAfterForwarding] {
                let image = Image::new(&host);
                let before = image.signatures().len();
                let first = times(2);
                let proxy = image.behind(move |request| {
                    if writes(request, part) && first() {
                        answer.clone()
                    } else {
                        Answer::Forward
                    }
                });
                image.run("sign", &proxy.host(), &[]).ok();
                assert_eq!(image.signatures().len(), before + 1);
                image.run("verify", &host, &[]).ok();
            }
        }
    }
}

#[test]
fn a_busy_registry_gets_the_signature_when_it_is_ready() {
    let registry = DockerRegistry::start().unwrap();
    let image = Image::new(&registry.host());
    for (status, part) in [
        (429, "/blobs/uploads/"),
        (503, "/manifests/"),
        (500, "/manifests/sha256-"),
    ] {
        let before = image.signatures().len();
        let first = times(1);
        let proxy = image.behind(move |request| {
            if writes(request, part) && first() {
                Answer::respond(status, &[("retry-after", "0")], "")
            } else {
                Answer::Forward
            }
        });
        image.run("sign", &proxy.host(), &[]).ok();
        assert_eq!(image.signatures().len(), before + 1, "{status} {part}");
    }
}

#[test]
fn a_referrers_index_that_cannot_be_read_is_never_replaced() {
    let registry = DockerRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    let before = image.signatures();
    for (answer, word) in [
        (
            Answer::respond(500, &[("retry-after", "3600")], "disk"),
            "status 500",
        ),
        (
            Answer::respond(429, &[("retry-after", "3600")], ""),
            "too many requests",
        ),
        (Answer::respond(403, &[], ""), "forbids"),
        (Answer::CutBodyAfter(20), "broke off"),
        (Answer::Cut, "broke off"),
        (Answer::ReplaceBody(Vec::new()), "wrong content"),
        (
            Answer::ReplaceBody(b"{\"schemaVersion\":2,\"manifests\":[]}".to_vec()),
            "wrong content",
        ),
        (
            Answer::respond(200, &[("content-type", INDEX)], "{}"),
            "not an image index",
        ),
        (
            Answer::respond(200, &[("content-type", INDEX)], ""),
            "malformed",
        ),
        (
            Answer::respond(200, &[("content-type", "text/html")], "<p>Welcome</p>"),
            "malformed",
        ),
        (Answer::EndlessBody(Vec::new()), "larger than"),
        (
            Answer::respond(302, &[("location", "gopher://x")], ""),
            "not HTTP",
        ),
    ] {
        let shown = format!("{answer:?}");
        let proxy = image.behind(move |request| {
            if reads(request, "/manifests/sha256-") {
                answer.clone()
            } else {
                Answer::Forward
            }
        });
        image
            .run("sign", &proxy.host(), &["--registry-timeout", "1s"])
            .refused(REGISTRY, &[word, "not listed"]);
        let after = image.signatures();
        assert_eq!(after.len(), before.len(), "{shown}");
        assert_eq!(after[0].manifest, before[0].manifest, "{shown}");
    }
}

#[test]
fn an_index_that_is_denied_for_a_moment_is_not_lost() {
    let registry = DockerRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    let first = times(1);
    let proxy = image.behind(move |request| {
        if reads(request, "/manifests/sha256-") && first() {
            Answer::respond(404, &[], "")
        } else {
            Answer::Forward
        }
    });
    image.run("sign", &proxy.host(), &[]).ok();
    assert_eq!(image.signatures().len(), 2);
}

#[test]
fn an_index_that_may_not_be_written_is_said_and_the_old_one_stays() {
    let registry = DockerRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    let proxy = image.behind(move |request| {
        if writes(request, "/manifests/sha256-") {
            Answer::respond(
                403,
                &[],
                r#"{"errors":[{"code":"DENIED","message":"tags are immutable"}]}"#,
            )
        } else {
            Answer::Forward
        }
    });
    image
        .run("sign", &proxy.host(), &[])
        .refused(REGISTRY, &["tags are immutable", "not listed"]);
    assert_eq!(image.signatures().len(), 1);
}

#[test]
fn an_old_index_that_cannot_be_deleted_is_a_warning() {
    let registry = DockerRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    let proxy = image.behind(move |request| {
        if request.method == "DELETE" {
            Answer::respond(405, &[], "")
        } else {
            Answer::Forward
        }
    });
    let ran = image.run("sign", &proxy.host(), &[]).ok();
    assert!(ran.err.contains("Warning: "), "{}", ran.err);
    assert_eq!(image.signatures().len(), 2);
}

#[test]
fn nothing_is_uploaded_to_another_server() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::new(&registry.host());
    let elsewhere = MisbehavingProxy::start(None, |_| Answer::respond(201, &[], "")).unwrap();
    for status in [202, 307] {
        let location = format!("http://{}/upload", elsewhere.host());
        let proxy = image.behind(move |request| {
            if request.method == "POST" {
                Answer::respond(status, &[("location", &location)], "")
            } else {
                Answer::Forward
            }
        });
        let ran = image.run("sign", &proxy.host(), &["-u", "alice", "-p", "hunter2"]);
        let ran = ran.refused(REGISTRY, &["push to", "another server"]);
        assert!(!ran.err.contains("hunter2"), "{}", ran.err);
    }
    assert!(elsewhere.requests().is_empty());
    assert!(image.signatures().is_empty());
}

#[test]
fn a_registry_that_stored_something_else_is_not_believed() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::new(&registry.host());
    let proxy = image.behind(move |request| {
        if writes(request, "/manifests/") {
            Answer::ReplaceHeader(
                "docker-content-digest",
                format!("sha256:{}", "0".repeat(64)),
            )
        } else {
            Answer::Forward
        }
    });
    image
        .run("sign", &proxy.host(), &[])
        .refused(REGISTRY, &["the manifest that was pushed"]);
}
