//! Registries that are down, want a password, have nothing, or give the wrong content.

use std::net::TcpListener;
use std::sync::Arc;

use apostille_artifact::Descriptor;
use apostille_registry::{Credential, RegistryClient, RegistryOptions, SingleLayerImage};
use apostille_testing::registry::{
    Answer, DockerRegistry, DockerRegistryOptions, FerroRegistry, MisbehavingProxy, PASSWORD, USER,
};

use crate::support::{Home, wait};

const REGISTRY: i32 = 5;

fn push(host: &str, options: RegistryOptions) -> Descriptor {
    let client = RegistryClient::new(options).unwrap();
    let repository = client
        .repository(&host.parse().unwrap(), &"team/app".parse().unwrap())
        .unwrap();
    let image = SingleLayerImage::new(b"layer");
    wait(async {
        repository
            .push_image(&image, &"v1".parse().unwrap())
            .await
            .unwrap()
    })
}

/// An address where nobody listens.
fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

#[test]
fn a_registry_that_is_down_is_named_with_what_to_check() {
    let home = Home::new();
    let reference = format!("{}/team/app:v1", closed_port());
    for command in ["sign", "verify", "list", "inspect"] {
        home.unchanged(|| home.run(&[command, &reference]))
            .refused(REGISTRY, &["does not answer", "check the host and port"]);
    }
}

#[test]
fn a_registry_that_wants_a_password_says_to_log_in() {
    let registry = DockerRegistry::start_with(DockerRegistryOptions {
        password: true,
        ..Default::default()
    })
    .unwrap();
    let mut options = RegistryOptions::default();
    options.credentials = Arc::new(Credential::from_login(USER, PASSWORD));
    push(&registry.host(), options);
    let home = Home::new();
    let reference = format!("{}/team/app:v1", registry.host());
    home.run(&["sign", &reference])
        .refused(REGISTRY, &["log in to"]);
    let ran = home.run(&["verify", &reference, "-u", USER, "-p", "guessed"]);
    let ran = ran.refused(REGISTRY, &["check the user name and password"]);
    assert!(!ran.err.contains("guessed"), "{}", ran.err);
    home.run(&["sign", &reference, "-u", USER, "-p", PASSWORD])
        .ok();
    home.run(&["verify", &reference, "-u", USER, "-p", PASSWORD])
        .ok();
}

#[test]
fn what_is_not_in_the_registry_is_named() {
    let registry = FerroRegistry::start().unwrap();
    push(&registry.host(), RegistryOptions::default());
    let home = Home::new();
    let absent_digest = format!("@sha256:{}", "0".repeat(64));
    for (name, named) in [
        ("team/app:v2", "v2"),
        ("team/other:v1", "v1"),
        (&format!("team/app{absent_digest}"), "sha256:000"),
    ] {
        let reference = format!("{}/{name}", registry.host());
        for command in ["sign", "verify"] {
            home.run(&[command, &reference])
                .refused(REGISTRY, &[named, "was not found"]);
        }
    }
}

#[test]
fn content_that_is_not_what_the_digest_says_is_refused() {
    let registry = FerroRegistry::start().unwrap();
    let image = push(&registry.host(), RegistryOptions::default());
    let proxy = MisbehavingProxy::start(Some(&registry.host()), |request| {
        if request.method == "GET" && request.target.contains("/manifests/") {
            Answer::ReplaceBody(br#"{"schemaVersion":2,"config":{},"layers":[]}"#.to_vec())
        } else {
            Answer::Forward
        }
    })
    .unwrap();
    let home = Home::new();
    let reference = format!("{}/team/app@{}", proxy.host(), image.digest);
    for command in ["sign", "verify"] {
        home.run(&[command, &reference])
            .refused(REGISTRY, &["wrong content"]);
    }
    assert!(
        proxy
            .requests()
            .iter()
            .all(|request| request.method != "PUT"),
        "nothing may be pushed"
    );
}

#[test]
fn a_push_that_breaks_off_leaves_no_signature_listed() {
    for refused in ["/blobs/uploads/", "/manifests/"] {
        let registry = DockerRegistry::start().unwrap();
        push(&registry.host(), RegistryOptions::default());
        let proxy = MisbehavingProxy::start(Some(&registry.host()), move |request| {
            let is_push = matches!(request.method.as_str(), "POST" | "PUT" | "PATCH");
            if is_push && request.target.contains(refused) {
                Answer::respond(400, &[], "disk full")
            } else {
                Answer::Forward
            }
        })
        .unwrap();
        let home = Home::new();
        home.unchanged(|| home.run(&["sign", &format!("{}/team/app:v1", proxy.host())]))
            .refused(REGISTRY, &["push"]);
        let listed = home
            .run(&["list", &format!("{}/team/app:v1", registry.host())])
            .ok();
        assert!(
            listed.out.contains("has no associated signatures"),
            "{}",
            listed.out
        );
    }
}

#[test]
fn a_tag_is_resolved_once_and_its_digest_is_used_from_there_on() {
    let registry = FerroRegistry::start().unwrap();
    let image = push(&registry.host(), RegistryOptions::default());
    let proxy = MisbehavingProxy::start(Some(&registry.host()), |_| Answer::Forward).unwrap();
    let home = Home::new();
    let reference = format!("{}/team/app:v1", proxy.host());
    let ran = home.run(&["sign", &reference]).ok();
    assert!(
        ran.out.contains(&format!(
            "Successfully signed {}/team/app@{}",
            proxy.host(),
            image.digest
        )),
        "{}",
        ran.out
    );
    assert!(
        ran.err
            .contains("Warning: Always sign the artifact using digest"),
        "{}",
        ran.err
    );
    let asked = proxy
        .requests()
        .iter()
        .filter(|request| request.target.ends_with("/manifests/v1"))
        .count();
    assert_eq!(asked, 1);
}

#[test]
fn a_layout_is_signed_and_verified_without_a_network() {
    let mut home = Home::new();
    // Whatever were asked over HTTP would have to go there, and fail.
    for name in ["HTTP_PROXY", "HTTPS_PROXY"] {
        home.set(name, "http://127.0.0.1:1");
    }
    home.sign(&[]).ok();
    home.verify(&[]).ok();
}
