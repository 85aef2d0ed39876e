//! Who one is to a registry: passwords, tokens, helpers and TLS, with servers that ask for it in every way, and such as
//! ask for more than they may have.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use apostille_testing::registry::{
    Answer, DockerRegistry, DockerRegistryOptions, FerroRegistry, MisbehavingProxy, PASSWORD,
    ProxiedRequest, TLS_NAME, TunnelProxy, USER,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::Home;
use crate::support::registries::{Image, REGISTRY, reads, times};

const SECRET: &str = "hunter2-and-more";
const LOGIN: [&str; 4] = ["-u", "alice", "-p", SECRET];

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// What a registry with a token server says to whoever brings no token.
fn challenge(request: &ProxiedRequest) -> Answer {
    let host = request.header("host").unwrap();
    let value = format!(
        "Bearer realm=\"http://{host}/token\",service=\"test\",scope=\"repository:team/app:pull\""
    );
    Answer::respond(401, &[("www-authenticate", &value)], "")
}

fn token(value: &str) -> Answer {
    let body = json!({"token": value, "expires_in": 60}).to_string();
    Answer::respond(200, &[("content-type", "application/json")], body)
}

/// A registry that wants the token `good`, with the token server `server`.
fn with_tokens(
    image: &Image,
    server: impl Fn(&ProxiedRequest) -> Answer + Send + Sync + 'static,
) -> MisbehavingProxy {
    image.behind(move |request| {
        if request.target.starts_with("/token") {
            server(request)
        } else if request.header("authorization") == Some("Bearer good") {
            Answer::Forward
        } else {
            challenge(request)
        }
    })
}

fn to_token_server(proxy: &MisbehavingProxy) -> Vec<ProxiedRequest> {
    let requests = proxy.requests().into_iter();
    requests
        .filter(|request| request.target.starts_with("/token"))
        .collect()
}

#[test]
fn the_password_goes_to_the_token_server_and_its_token_to_the_registry() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::new(&registry.host());
    let proxy = with_tokens(&image, |_| token("good"));
    image.run("sign", &proxy.host(), &LOGIN).ok();
    image.run("verify", &proxy.host(), &LOGIN).ok();
    let asked = to_token_server(&proxy);
    assert!(
        asked
            .iter()
            .any(|request| request.target.contains("pull%2Cpush"))
    );
    for request in proxy.requests() {
        let authorization = request.header("authorization").map(str::to_owned);
        if request.target.starts_with("/token") {
            assert_eq!(authorization, Some(basic("alice", SECRET)));
        } else if let Some(authorization) = authorization {
            assert_eq!(authorization, "Bearer good");
        }
    }
}

#[test]
fn one_token_serves_for_many_requests() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    for _ in 0..3 {
        image.run("sign", &registry.host(), &[]).ok();
    }
    let proxy = with_tokens(&image, |_| token("good"));
    image.run("inspect", &proxy.host(), &[]).ok();
    assert_eq!(to_token_server(&proxy).len(), 1);
}

#[test]
fn a_token_that_expires_on_the_way_is_renewed() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    let first = times(1);
    let proxy = image.behind(move |request| {
        let blob = reads(request, "/blobs/");
        match request.header("authorization") {
            _ if request.target.starts_with("/token") => {
                token(if first() { "first" } else { "second" })
            }
            Some("Bearer first") if !blob => Answer::Forward,
            Some("Bearer second") => Answer::Forward,
            _ => challenge(request),
        }
    });
    image.run("verify", &proxy.host(), &LOGIN).ok();
    assert_eq!(to_token_server(&proxy).len(), 2);
}

#[test]
fn a_registry_that_takes_no_token_is_not_asked_for_ever() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    let proxy = image.behind(move |request| {
        if request.target.starts_with("/token") {
            token("useless")
        } else {
            challenge(request)
        }
    });
    image.run("verify", &proxy.host(), &LOGIN).refused(
        REGISTRY,
        &["401", "log in to", "check the user name and password"],
    );
    assert!(proxy.requests().len() <= 5, "{:?}", proxy.requests());
}

#[test]
fn a_token_server_that_is_busy_or_cuts_connections_is_asked_again() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    for trouble in [
        Answer::respond(429, &[("retry-after", "0")], ""),
        Answer::respond(503, &[], "starting"),
        Answer::Cut,
    ] {
        let first = times(2);
        let proxy = with_tokens(&image, move |_| {
            if first() {
                trouble.clone()
            } else {
                token("good")
            }
        });
        image.run("verify", &proxy.host(), &LOGIN).ok();
        assert_eq!(to_token_server(&proxy).len(), 3);
    }
}

#[test]
fn a_token_server_that_gives_no_token_is_named_as_what_failed() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    let json = [("content-type", "application/json")];
    for (answer, words) in [
        (
            Answer::respond(401, &[], ""),
            &["does not take the credential", "log in"][..],
        ),
        (
            Answer::respond(403, &[], ""),
            &["does not take the credential"],
        ),
        (Answer::respond(200, &json, "{}"), &["no token in it"]),
        (
            Answer::respond(200, &json, r#"{"token":""}"#),
            &["no token in it"],
        ),
        (
            Answer::respond(200, &json, r#"{"token":["good"]}"#),
            &["no token in it"],
        ),
        (
            Answer::respond(200, &json, "{\"token\":\"a\\r\\nX: b\"}"),
            &["cannot be sent"],
        ),
        (
            Answer::respond(200, &[], "<p>Sign in</p>"),
            &["no token in it"],
        ),
        (Answer::EndlessBody(Vec::new()), &["no token in it"]),
        (
            Answer::respond(429, &[("retry-after", "3600")], ""),
            &["token server", "3600 s"],
        ),
        (
            Answer::respond(500, &[("retry-after", "3600")], "broken"),
            &["token server", "500", "broken"],
        ),
        (
            Answer::respond(302, &[("location", "http://127.0.0.1:1/")], ""),
            &["token server", "302"],
        ),
    ] {
        let proxy = with_tokens(&image, move |_| answer.clone());
        let ran = image.run("verify", &proxy.host(), &LOGIN);
        let ran = ran.refused(REGISTRY, words);
        assert!(!ran.err.contains(SECRET), "{}", ran.err);
    }
}

#[test]
fn a_token_server_that_hangs_is_given_up_in_time() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    let slow = image.behind(|request| {
        if request.target.starts_with("/token") {
            std::thread::sleep(Duration::from_secs(3));
            token("good")
        } else {
            challenge(request)
        }
    });
    let more = [&LOGIN[..], &["--registry-timeout", "1s"]].concat();
    image
        .run("verify", &slow.host(), &more)
        .refused(REGISTRY, &["within 1 s"]);
}

#[test]
fn a_token_does_not_follow_a_redirect_to_another_server() {
    let registry = FerroRegistry::start().unwrap();
    let image = Image::signed(&registry.host());
    let envelope = image.signatures()[0].envelope.clone();
    let storage = MisbehavingProxy::start(None, move |_| {
        Answer::respond(200, &[("content-type", "text/plain")], envelope.clone())
    })
    .unwrap();
    let location = format!("http://{}/blob", storage.host());
    let proxy = image.behind(move |request| {
        if request.target.starts_with("/token") {
            token("good")
        } else if request.header("authorization").is_none() {
            challenge(request)
        } else if reads(request, "/blobs/") {
            Answer::respond(307, &[("location", &location)], "")
        } else {
            Answer::Forward
        }
    });
    image.run("verify", &proxy.host(), &LOGIN).ok();
    assert_eq!(storage.requests().len(), 1);
    assert_eq!(storage.requests()[0].header("authorization"), None);
}

#[test]
fn the_debug_log_has_no_secret() {
    let registry = DockerRegistry::start_with(DockerRegistryOptions {
        password: true,
        ..Default::default()
    })
    .unwrap();
    let image = Image::with_login(&registry.host(), Some((USER, PASSWORD)));
    let open = FerroRegistry::start().unwrap();
    let other = Image::new(&open.host());
    let tokens = with_tokens(&other, |_| token("good"));
    for ran in [
        image.run("sign", &registry.host(), &["-d"]),
        image.run("verify", &registry.host(), &["-d"]),
        image.run("list", &registry.host(), &["-d"]),
        other.run("sign", &tokens.host(), &[&LOGIN[..], &["-d"]].concat()),
    ] {
        let ran = ran.ok();
        let text = ran.out + &ran.err;
        for secret in [
            PASSWORD,
            SECRET,
            basic(USER, PASSWORD).trim_start_matches("Basic "),
            basic("alice", SECRET).trim_start_matches("Basic "),
            "Bearer good",
        ] {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
    }
}

#[test]
fn the_environment_gives_the_password_and_plugins_do_not_see_it() {
    let registry = DockerRegistry::start_with(DockerRegistryOptions {
        password: true,
        ..Default::default()
    })
    .unwrap();
    let mut image = Image::with_login(&registry.host(), Some((USER, PASSWORD)));
    image.home.set("NOTATION_USERNAME", USER);
    image.home.set("NOTATION_PASSWORD", PASSWORD);
    let reference = image.at(&registry.host());
    image.home.run(&["sign", &reference]).ok();
    image.home.run(&["verify", &reference]).ok();

    let seen = image.home.work().join("seen");
    let script = format!("env > '{}'; exit 1", seen.display());
    image.home.install_script("curious", &script);
    image
        .home
        .run(&["sign", "--plugin", "curious", "--id", "k", &reference])
        .refused(6, &["curious"]);
    let seen = fs::read_to_string(seen).unwrap();
    assert!(!seen.contains(PASSWORD), "{seen}");
}

/// Docker's configuration with this document, and a helper `docker-credential-test` that runs this script.
fn docker(home: &mut Home, document: &Value, helper: &str) {
    let directory = home.config().join("docker");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("config.json"), document.to_string()).unwrap();
    let program = directory.join("docker-credential-test");
    fs::write(&program, format!("#!/bin/sh\n{helper}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    home.set("DOCKER_CONFIG", &directory);
    let path = std::env::var("PATH").unwrap();
    home.set("PATH", format!("{}:{path}", directory.display()));
}

fn locked() -> (DockerRegistry, Image) {
    let registry = DockerRegistry::start_with(DockerRegistryOptions {
        password: true,
        ..Default::default()
    })
    .unwrap();
    let image = Image::with_login(&registry.host(), Some((USER, PASSWORD)));
    (registry, image)
}

#[test]
fn docker_s_logins_are_used() {
    let (registry, mut image) = locked();
    let host = registry.host();
    let reference = image.at(&host);
    let stored = STANDARD.encode(format!("{USER}:{PASSWORD}"));
    let says = format!(
        r#"read server; [ "$1 $server" = "get {host}" ] && echo '{{"ServerURL":"{host}","Username":"{USER}","Secret":"{PASSWORD}"}}'"#
    );
    for document in [
        json!({"auths": {&host: {"auth": stored}}}),
        json!({"credsStore": "test"}),
        json!({"credHelpers": {&host: "test"}}),
        // The helper for the registry comes before that for all.
        json!({"credsStore": "absent", "credHelpers": {&host: "test"}}),
    ] {
        docker(&mut image.home, &document, &says);
        image.home.run(&["sign", &reference]).ok();
    }
}

#[test]
fn a_helper_that_fails_is_named() {
    let (registry, mut image) = locked();
    let reference = image.at(&registry.host());
    for (store, script, words) in [
        ("absent", "true", &["docker-credential-absent"][..]),
        ("../test", "true", &["../test"]),
        (
            "test",
            "echo 'the keychain is locked'; exit 1",
            &["docker-credential-test", "the keychain is locked"],
        ),
        ("test", "echo nonsense", &["docker-credential-test", "JSON"]),
        ("test", "exit 1", &["docker-credential-test"]),
        (
            "test",
            "head -c 1000000 /dev/zero",
            &["docker-credential-test"],
        ),
        ("test", "kill -9 $$", &["docker-credential-test"]),
        // Nothing is stored there: the registry decides.
        (
            "test",
            "echo 'credentials not found in native keychain'; exit 1",
            &["log in to"],
        ),
    ] {
        docker(&mut image.home, &json!({"credsStore": store}), script);
        image
            .home
            .run(&["verify", &reference])
            .refused(REGISTRY, words);
    }
}

#[test]
fn an_identity_token_is_exchanged_for_an_access_token() {
    let registry = FerroRegistry::start().unwrap();
    let mut image = Image::signed(&registry.host());
    let proxy = with_tokens(&image, |_| token("good"));
    let document = json!({"auths": {proxy.host(): {"identitytoken": "refresh-me"}}});
    docker(&mut image.home, &document, "true");
    let reference = image.at(&proxy.host());
    image.home.run(&["verify", &reference]).ok();
    let asked = to_token_server(&proxy);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].method, "POST");
    let form = String::from_utf8(asked[0].body.clone()).unwrap();
    for part in [
        "grant_type=refresh_token",
        "refresh_token=refresh-me",
        "service=test",
    ] {
        assert!(form.contains(part), "{form}");
    }
}

#[test]
fn a_registry_with_tls_is_reached_through_a_proxy_and_trusted_by_ssl_cert_file() {
    let registry = DockerRegistry::start_with(DockerRegistryOptions {
        password: true,
        tls: true,
    })
    .unwrap();
    let proxy = TunnelProxy::start(&registry.host()).unwrap();
    let mut home = Home::new();
    let with_password = proxy.url().replace("http://", "http://me:proxy-secret@");
    home.set("HTTPS_PROXY", &with_password);
    let reference = format!("{TLS_NAME}/team/app:v1");
    let list = ["list", &reference, "-u", USER, "-p", PASSWORD];
    let ran = home.run(&list).refused(
        REGISTRY,
        &[
            "no secure connection",
            "certificate",
            "trust that authority",
        ],
    );
    assert!(!ran.err.contains("proxy-secret"), "{}", ran.err);

    home.set("SSL_CERT_FILE", registry.ca_file());
    // Nothing is there, which only a registry that let one in can say.
    home.run(&list).refused(REGISTRY, &["v1 was not found"]);
    home.run(&["list", &reference])
        .refused(REGISTRY, &["log in to"]);
    let asked = proxy.asked();
    assert!(asked.len() >= 3);
    for head in asked {
        assert!(head.starts_with("CONNECT registry.test:443 "), "{head}");
        let to_proxy = basic("me", "proxy-secret");
        assert!(head.contains(&to_proxy), "{head}");
        assert!(!head.contains(&basic(USER, PASSWORD)), "{head}");
    }

    home.set("NO_PROXY", TLS_NAME);
    home.run(&list).refused(REGISTRY, &["does not answer"]);
}

#[test]
fn plain_http_goes_through_its_proxy_and_loopback_does_not() {
    let registry = FerroRegistry::start().unwrap();
    let mut image = Image::signed(&registry.host());
    let proxy = image.behind(|_| Answer::Forward);
    image
        .home
        .set("http_proxy", format!("http://{}", proxy.host()));
    let reference = image.at("registry.test:5000");
    image
        .home
        .run(&["verify", "--insecure-registry", &reference])
        .ok();
    let requests = proxy.requests();
    assert!(!requests.is_empty());
    for request in requests {
        assert!(
            request.target.starts_with("http://registry.test:5000/v2/"),
            "{}",
            request.target
        );
    }
    let before = proxy.requests().len();
    image.run("verify", &registry.host(), &[]).ok();
    assert_eq!(proxy.requests().len(), before);
}
