//! A registry that misbehaves while one reads from it: every command ends, says what is wrong, and trusts nothing of it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use apostille_artifact::{Digest, DigestAlgorithm};
use apostille_testing::registry::{
    Answer, DockerRegistry, DockerRegistryOptions, FerroRegistry, MisbehavingProxy, PASSWORD, USER,
};
use serde_json::json;

use crate::support::registries::{Image, REFUSED, REGISTRY, push, reads, repository, times};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const SIGNATURE: &str = "application/vnd.cncf.notary.signature";

/// A page of referrers with these entries.
fn page(entries: &[serde_json::Value], next: Option<&str>) -> Answer {
    let document = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries});
    let link = next.map(|next| format!("<{next}>; rel=\"next\""));
    let mut headers = vec![("content-type", INDEX)];
    headers.extend(link.as_deref().map(|link| ("link", link)));
    Answer::respond(200, &headers, document.to_string())
}

/// An entry for a manifest that is nowhere.
fn entry(artifact_type: &str, content: &[u8]) -> serde_json::Value {
    json!({
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": Digest::of(DigestAlgorithm::Sha256, content),
        "size": 500,
        "artifactType": artifact_type,
    })
}

#[test]
fn a_signature_of_another_artifact_is_not_one_of_this() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    let other = push(
        &repository(&registry.host(), apostille_registry::Credential::Anonymous),
        b"another layer",
    );
    let signed = image.descriptor.digest.to_string();
    let unsigned = other.digest.to_string();
    // Asked for the referrers of the image without signature, it gives those of the other.
    let list = listed_entries(&image);
    let proxy = image.behind(move |request| {
        if reads(request, "/referrers/") && request.target.contains(&unsigned) {
            page(&list, None)
        } else {
            Answer::Forward
        }
    });
    let reference = format!("{}/team/app@{}", proxy.host(), other.digest);
    let ran = image.home.run(&["verify", &reference]);
    let ran = ran.refused(REFUSED, &["another artifact"]);
    assert!(ran.err.contains(&signed), "{}", ran.err);
}

/// The entries of the image's signatures, as a registry lists them.
fn listed_entries(image: &Image) -> Vec<serde_json::Value> {
    let signatures = image.signatures();
    let manifests = signatures.iter().map(|signature| &signature.manifest);
    manifests
        .map(|manifest| serde_json::to_value(manifest).unwrap())
        .collect()
}

#[test]
fn a_swapped_signature_manifest_or_envelope_is_wrong_content_and_the_next_signature_counts() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    image.run("sign", &registry.host(), &[]).ok();
    let signatures = image.signatures();
    let swapped = signatures[0].manifest.digest.to_string();
    let spoiled = digest_of(&signatures[0].envelope);
    let list = listed_entries(&image);
    for part in [swapped, spoiled] {
        let list = list.clone();
        let proxy = image.behind(move |request| {
            if reads(request, &part) {
                Answer::ReplaceBody(b"{}".to_vec())
            } else if reads(request, "/referrers/") {
                page(&list, None)
            } else {
                Answer::Forward
            }
        });
        let ran = image.run("verify", &proxy.host(), &["-o", "json"]).ok();
        assert!(ran.out.contains("wrong content"), "{}", ran.out);
        image
            .run("inspect", &proxy.host(), &[])
            .failed(REGISTRY, &["at least one signature was skipped"]);
    }
}

fn digest_of(envelope: &[u8]) -> String {
    Digest::of(DigestAlgorithm::Sha256, envelope).to_string()
}

#[test]
fn a_digest_in_the_header_that_is_not_that_of_the_content_is_refused() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    let lie = Digest::of(DigestAlgorithm::Sha256, b"a lie").to_string();
    let proxy = image.behind(move |request| {
        if reads(request, "/manifests/v1") {
            Answer::ReplaceHeader("docker-content-digest", lie.clone())
        } else {
            Answer::Forward
        }
    });
    let reference = format!("{}/team/app:v1", proxy.host());
    for command in ["sign", "verify", "list", "inspect"] {
        image
            .home
            .run(&[command, &reference])
            .refused(REGISTRY, &["wrong content for v1"]);
    }
    assert_eq!(image.signatures().len(), 1);
}

#[test]
fn a_content_type_that_is_not_that_of_the_manifest_is_refused() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    for (content_type, word) in [
        ("text/html", "different media types"),
        (INDEX, "different media types"),
        (
            "application/vnd.docker.distribution.manifest.v1+prettyjws",
            "different media types",
        ),
    ] {
        let proxy = image.behind(move |request| {
            if reads(request, "/manifests/") {
                Answer::ReplaceHeader("content-type", content_type.to_owned())
            } else {
                Answer::Forward
            }
        });
        for command in ["sign", "verify"] {
            image
                .run(command, &proxy.host(), &[])
                .refused(REGISTRY, &[word, "sha256:"]);
        }
    }
}

#[test]
fn pages_of_referrers_without_end_are_given_up() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    let count = Mutex::new(0_u32);
    let proxy = image.behind(move |request| {
        if !reads(request, "/referrers/") {
            return Answer::Forward;
        }
        let mut count = count.lock().unwrap();
        *count += 1;
        let next = format!("/v2/team/app/referrers/next?page={count}");
        page(
            &[entry("application/spdx+json", &count.to_le_bytes())],
            Some(&next),
        )
    });
    for command in ["verify", "list", "inspect"] {
        image
            .run(command, &proxy.host(), &[])
            .refused(REGISTRY, &["referrers without end", "100 pages"]);
    }
    let asked = proxy.requests().len();
    assert!(asked <= 3 * 101, "{asked}");
}

#[test]
fn signatures_without_end_are_evaluated_up_to_the_limit() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    let count = Mutex::new(0_u32);
    let proxy = image.behind(move |request| {
        if !reads(request, "/referrers/") {
            return Answer::Forward;
        }
        let mut count = count.lock().unwrap();
        *count += 1;
        let next = format!("/v2/team/app/referrers/next?page={count}");
        page(&[entry(SIGNATURE, &count.to_le_bytes())], Some(&next))
    });
    image
        .run("verify", &proxy.host(), &["--max-signatures", "5"])
        .refused(
            REFUSED,
            &["Only 5 signatures were looked at", "--max-signatures"],
        );
    let fetched = |proxy: &MisbehavingProxy| {
        let requests = proxy.requests();
        let fetched = requests
            .iter()
            .filter(|request| request.target.contains("/manifests/"));
        fetched.count()
    };
    assert_eq!(fetched(&proxy), 6, "the image and five signatures");
    let ran = image.run("list", &proxy.host(), &["--max-signatures", "5"]);
    assert_eq!(ran.ok().out.matches("sha256:").count(), 6);
}

#[test]
fn the_next_page_is_not_fetched_from_another_server() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    let elsewhere = MisbehavingProxy::start(None, |_| page(&[], None)).unwrap();
    let next = format!("http://{}/v2/team/app/referrers/next", elsewhere.host());
    let proxy = image.behind(move |request| {
        if reads(request, "/referrers/") {
            page(&[], Some(&next))
        } else {
            Answer::Forward
        }
    });
    image
        .run("verify", &proxy.host(), &[])
        .refused(REGISTRY, &["the next page", "another server"]);
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn half_a_list_of_referrers_does_not_pass_for_a_whole_one() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    for (second, word) in [
        (Answer::respond(404, &[], ""), "was not found"),
        (
            Answer::respond(200, &[("content-type", "text/html")], "<p>busy</p>"),
            "not an image index",
        ),
        (
            Answer::respond(200, &[("content-type", INDEX)], "[1, 2"),
            "malformed",
        ),
    ] {
        let proxy = image.behind(move |request| {
            if reads(request, "/referrers/next") {
                second.clone()
            } else if reads(request, "/referrers/") {
                page(&[], Some("/v2/team/app/referrers/next"))
            } else {
                Answer::Forward
            }
        });
        for command in ["verify", "list", "inspect"] {
            image
                .run(command, &proxy.host(), &[])
                .refused(REGISTRY, &[word]);
        }
    }
}

#[test]
fn foreign_and_broken_referrers_beside_a_signature_do_not_matter() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    let mut entries = vec![
        entry("application/spdx+json", b"a bill of materials"),
        entry("", b"nothing"),
        entry(SIGNATURE, b"announced and not there"),
        json!({"mediaType": "text/plain", "digest": "sha256:short", "size": 3}),
        json!({"artifactType": SIGNATURE}),
        json!("text"),
        json!(null),
    ];
    entries.extend(listed_entries(&image));
    let proxy = image.behind(move |request| {
        if reads(request, "/referrers/") {
            page(&entries, None)
        } else {
            Answer::Forward
        }
    });
    image.run("verify", &proxy.host(), &[]).ok();
    let listed = image.run("list", &proxy.host(), &[]).ok();
    assert_eq!(listed.out.matches("sha256:").count(), 3, "{}", listed.out);
}

#[test]
fn a_connection_that_is_cut_in_the_middle_is_tried_again() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    for part in ["/manifests/", "/referrers/", "/blobs/"] {
        for answer in [Answer::CutBodyAfter(10), Answer::Cut] {
            let first = times(2);
            let proxy = image.behind(move |request| {
                if reads(request, part) && first() {
                    answer.clone()
                } else {
                    Answer::Forward
                }
            });
            image.run("verify", &proxy.host(), &[]).ok();
        }
    }
}

#[test]
fn connections_that_are_always_cut_are_given_up_in_time() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    for part in ["/manifests/", "/referrers/"] {
        let proxy = image.behind(move |request| {
            if reads(request, part) {
                Answer::CutBodyAfter(10)
            } else {
                Answer::Forward
            }
        });
        image
            .run("verify", &proxy.host(), &["--registry-timeout", "1s"])
            .refused(REGISTRY, &["the connection broke off", "try again"]);
    }
}

#[test]
fn a_busy_registry_is_asked_again_and_not_before_it_wants_to_be() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    let arrivals: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let (seen, first) = (arrivals.clone(), times(2));
    let proxy = image.behind(move |request| {
        if reads(request, "/referrers/") {
            seen.lock().unwrap().push(Instant::now());
            if first() {
                return Answer::respond(429, &[("retry-after", "1")], "");
            }
        }
        Answer::Forward
    });
    image.run("verify", &proxy.host(), &[]).ok();
    let arrivals = arrivals.lock().unwrap();
    assert_eq!(arrivals.len(), 3);
    assert!(
        arrivals
            .windows(2)
            .all(|pair| pair[1] - pair[0] >= Duration::from_secs(1)),
        "{arrivals:?}"
    );
}

#[test]
fn a_registry_that_stays_busy_is_given_up() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    for (retry_after, most, words) in [
        // Nobody waits an hour: it is said at once.
        (
            Some("3600"),
            1,
            &["asks for a pause of 3600 s", "too many requests"][..],
        ),
        (Some("18446744073709551615"), 1, &["too many requests"]),
        (Some("0"), 9, &["too many requests"]),
        (Some("next week"), 9, &["too many requests"]),
        (None, 9, &["too many requests"]),
    ] {
        let proxy = image.behind(move |_| {
            let header = retry_after.map(|value| ("retry-after", value));
            Answer::respond(
                429,
                header.as_slice(),
                r#"{"errors":[{"code":"TOOMANYREQUESTS"}]}"#,
            )
        });
        image
            .run("verify", &proxy.host(), &["--registry-timeout", "1s"])
            .refused(REGISTRY, words);
        let asked = proxy.requests().len();
        assert!(asked <= most, "{retry_after:?}: {asked} requests");
    }
}

#[test]
fn a_password_does_not_follow_a_redirect_to_another_server() {
    let registry = DockerRegistry::start_with(DockerRegistryOptions {
        password: true,
        ..Default::default()
    })
    .unwrap();
    let image = Image::with_login(&registry.host(), Some((USER, PASSWORD)));
    image.run("sign", &registry.host(), &[]).ok();
    let envelope = image.signatures()[0].envelope.clone();
    // The storage asks for a password of its own, or names a token server; it must not get the registry's.
    for asks in [
        None,
        Some("Basic realm=\"storage\""),
        Some("Bearer realm=\"http://HOST/token\""),
    ] {
        let body = envelope.clone();
        let storage = MisbehavingProxy::start(None, move |request| match asks {
            Some(challenge) => {
                let challenge = challenge.replace("HOST", request.header("host").unwrap());
                Answer::respond(401, &[("www-authenticate", &challenge)], "")
            }
            None => Answer::respond(200, &[("content-type", "text/plain")], body.clone()),
        })
        .unwrap();
        let location = format!("http://{}/blob?signature=secret", storage.host());
        let proxy = image.behind(move |request| {
            let logged_in = request.header("authorization").is_some();
            if logged_in && reads(request, "/blobs/") {
                Answer::respond(307, &[("location", &location)], "")
            } else {
                Answer::Forward
            }
        });
        let ran = image.run("verify", &proxy.host(), &[]);
        assert_eq!(ran.code == 0, asks.is_none(), "{}", ran.err);
        assert!(!ran.err.contains("signature=secret"), "{}", ran.err);
        assert_eq!(storage.requests().len(), 1);
        for request in storage.requests() {
            assert_eq!(request.header("authorization"), None);
            assert_eq!(request.header("cookie"), None);
            assert_eq!(request.header("referer"), None);
        }
    }
}

#[test]
fn redirects_that_lead_nowhere_are_not_followed() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    for (location, word) in [
        (
            "/v2/team/app/manifests/round",
            "redirected more than 5 times",
        ),
        ("file:///etc/passwd", "not HTTP"),
        ("http://user:secret@127.0.0.1/", "a password in it"),
        ("http://[::", "no URL"),
    ] {
        let proxy = image.behind(move |_| Answer::respond(302, &[("location", location)], ""));
        let ran = image.run("verify", &proxy.host(), &[]);
        let ran = ran.refused(REGISTRY, &[word]);
        assert!(!ran.err.contains("secret"), "{}", ran.err);
        assert!(proxy.requests().len() <= 6);
    }
}

#[test]
fn a_password_is_not_given_to_a_token_server_over_plain_http() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    for realm in [
        "http://tokens.invalid/token",
        "ftp://127.0.0.1/token",
        "nowhere",
    ] {
        let challenge = format!("Bearer realm=\"{realm}\",service=\"registry\"");
        let proxy =
            image.behind(move |_| Answer::respond(401, &[("www-authenticate", &challenge)], ""));
        let ran = image.run("verify", &proxy.host(), &["-u", "alice", "-p", "hunter2"]);
        let ran = ran.refused(REGISTRY, &["its token server"]);
        assert!(!ran.err.contains("hunter2"), "{}", ran.err);
    }
}

#[test]
fn a_body_that_trickles_is_given_up_in_time() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    for part in ["/manifests/", "/referrers/"] {
        let proxy = image.behind(move |request| {
            if reads(request, part) {
                Answer::SlowBody(Duration::from_millis(100))
            } else {
                Answer::Forward
            }
        });
        image
            .run("verify", &proxy.host(), &["--registry-timeout", "1s"])
            .refused(
                REGISTRY,
                &["no complete answer within 1 s", "--registry-timeout"],
            );
    }
}

#[test]
fn signatures_that_each_come_just_in_time_are_given_up_all_together() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    let list: Vec<_> = (0..50_u8)
        .map(|number| entry(SIGNATURE, &[number]))
        .chain(listed_entries(&image))
        .collect();
    let unasked = image.descriptor.digest.to_string();
    let proxy = image.behind(move |request| {
        if reads(request, "/referrers/") {
            page(&list, None)
        } else if reads(request, "/manifests/") && !request.target.contains(&unasked) {
            std::thread::sleep(Duration::from_millis(500));
            Answer::respond(404, &[], "")
        } else {
            Answer::Forward
        }
    });
    image
        .run("verify", &proxy.host(), &["--registry-timeout", "1s"])
        .refused(REFUSED, &["had taken 4 s", "the most that it is given"]);
    // Half a second each: nobody waited for all fifty.
    assert!(
        proxy.requests().len() <= 2 + 9,
        "{}",
        proxy.requests().len()
    );
}

#[test]
fn bodies_without_end_are_not_read_to_it() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    let manifest = "application/vnd.oci.image.manifest.v1+json";
    for (part, media_type) in [("/manifests/", manifest), ("/referrers/", INDEX)] {
        for announced in [None, Some("99999999999")] {
            let mut headers = vec![("content-type".to_owned(), media_type.to_owned())];
            headers
                .extend(announced.map(|length| ("content-length".to_owned(), length.to_owned())));
            let proxy = image.behind(move |request| {
                if reads(request, part) {
                    Answer::EndlessBody(headers.clone())
                } else {
                    Answer::Forward
                }
            });
            image
                .run("verify", &proxy.host(), &[])
                .refused(REGISTRY, &["larger than 4194304 bytes"]);
        }
    }
}

#[test]
fn an_envelope_that_is_larger_than_announced_is_not_read_to_its_end() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    let proxy = image.behind(move |request| {
        if reads(request, "/blobs/") {
            Answer::EndlessBody(Vec::new())
        } else {
            Answer::Forward
        }
    });
    image
        .run("verify", &proxy.host(), &[])
        .refused(REFUSED, &["larger than"]);
}

#[test]
fn what_is_no_http_is_given_up_in_time() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    let headers = "X-Filler: 0123456789\r\n".repeat(1 << 16);
    for (bytes, word) in [
        (b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(), "does not speak HTTP"),
        (vec![0; 4096], "does not speak HTTP"),
        (vec![0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0], "does not speak HTTP"),
        (b"HTTP/1.1 200".to_vec(), "the connection broke off"),
        (
            format!("HTTP/1.1 200 OK\r\n{headers}\r\n").into_bytes(),
            "does not speak HTTP",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n".to_vec(),
            "does not speak HTTP",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n".to_vec(),
            "the connection broke off",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(), "status 204"),
        (
            b"HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\n\r\n{}".to_vec(),
            "status 206",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}".to_vec(),
            "wrong content",
        ),
        (
            b"HTTP/1.1 418 Teapot\r\nContent-Length: 12\r\n\r\n\x1b[31mhello\x07\n".to_vec(),
            "status 418",
        ),
    ] {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        let proxy = image.behind(move |_| Answer::Raw(bytes.clone()));
        let ran = image.run("verify", &proxy.host(), &["--registry-timeout", "1s"]);
        println!("{shown:?}: {}", ran.err);
        let ran = ran.refused(REGISTRY, &[word]);
        assert!(
            !ran.err.contains(['\x1b', '\x07']),
            "control characters on the terminal: {:?}",
            ran.err
        );
    }
}
