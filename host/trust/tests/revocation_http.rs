//! The fetcher against servers on loopback that behave, and ones that do not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use apostille_trust::revocation::{
    FetchError, FetchRequest, FetchResponse, HttpFetcher, HttpProxy, MAX_REDIRECTS,
    RevocationFetcher as _,
};

/// A server whose answers are written by a function of the request line; what it was asked can be received.
struct Server {
    address: SocketAddr,
    asked: Receiver<Asked>,
}

struct Asked {
    line: String,
    headers: Vec<String>,
    body: Vec<u8>,
}

impl Server {
    fn answering(answer: impl Fn(&str, &mut TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, asked) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                if let Some(question) = read_request(&stream) {
                    let line = question.line.clone();
                    // Before the answer, so that whoever has the answer finds the question.
                    let _ = sender.send(question);
                    answer(&line, &mut stream);
                }
            }
        });
        Self { address, asked }
    }

    fn url(&self) -> String {
        format!("http://{}/a.crl", self.address)
    }

    fn was_asked(&self) -> Vec<Asked> {
        self.asked.try_iter().collect()
    }
}

fn read_request(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let len = lines.iter().find_map(|line| {
        line.to_lowercase()
            .strip_prefix("content-length: ")?
            .parse()
            .ok()
    });
    let mut body = vec![0; len.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let line = lines.first()?.clone();
    let headers = lines.split_off(1);
    Some(Asked {
        line,
        headers,
        body,
    })
}

fn respond(stream: &mut TcpStream, head: &str, body: &[u8]) {
    let len = body.len();
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n");
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body);
}

fn ok(_: &str, stream: &mut TcpStream) {
    respond(stream, "200 OK", b"content");
}

fn request(url: &str) -> FetchRequest {
    FetchRequest {
        url: url.to_owned(),
        post: None,
        max_len: 1000,
        timeout: Duration::from_secs(60),
        allow_private_addresses: true,
    }
}

fn fetch_by(proxy: HttpProxy, request: FetchRequest) -> Result<FetchResponse, FetchError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(HttpFetcher::new("test/1", proxy).fetch(request))
}

fn fetch(request: FetchRequest) -> Result<FetchResponse, FetchError> {
    fetch_by(HttpProxy::default(), request)
}

#[test]
fn what_the_server_says_is_given_back_with_its_status() {
    let server = Server::answering(|line, stream| {
        if line.starts_with("GET /a.crl ") {
            respond(stream, "404 Not Found", b"nothing here");
        } else {
            ok(line, stream);
        }
    });
    let response = fetch(request(&server.url())).unwrap();
    assert_eq!(
        (response.status, response.body.as_slice()),
        (404, b"nothing here".as_slice())
    );
    let response = fetch(request(&format!("{}?x=1", server.url()))).unwrap();
    assert_eq!(
        (response.status, response.body.as_slice()),
        (200, b"content".as_slice())
    );
}

#[test]
fn a_post_carries_its_body_and_type_and_nothing_about_the_user() {
    let server = Server::answering(ok);
    let post = Some(("application/ocsp-request", vec![1, 2, 3]));
    fetch(FetchRequest {
        post,
        ..request(&server.url())
    })
    .unwrap();
    let asked = server.was_asked().pop().unwrap();
    assert_eq!(
        (asked.line.as_str(), asked.body.as_slice()),
        ("POST /a.crl HTTP/1.1", [1, 2, 3].as_slice())
    );
    let mut names: Vec<&str> = asked
        .headers
        .iter()
        .map(|header| header.split(':').next().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "accept",
            "content-length",
            "content-type",
            "host",
            "user-agent"
        ]
    );
    assert!(
        asked
            .headers
            .contains(&"content-type: application/ocsp-request".to_owned())
    );
    assert!(asked.headers.contains(&"user-agent: test/1".to_owned()));
}

#[test]
fn no_more_is_read_than_shows_that_an_answer_is_too_long() {
    let server = Server::answering(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        let chunk = [&b"3e8\r\n"[..], &[0; 1000], b"\r\n"].concat();
        while stream.write_all(&chunk).is_ok() {}
    });
    let response = fetch(request(&server.url())).unwrap();
    assert!(response.body.len() > 1000);
    assert!(response.body.len() < 1_000_000);
}

#[test]
fn a_server_that_says_nothing_or_never_ends_is_left_after_the_timeout() {
    for begun in [&b""[..], b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbeg"] {
        let server = Server::answering(move |_, stream| {
            let _ = stream.write_all(begun);
            // Until the other side gives up.
            let _ = stream.read(&mut [0]);
        });
        let timeout = Duration::from_millis(300);
        let error = fetch(FetchRequest {
            timeout,
            ..request(&server.url())
        })
        .unwrap_err();
        assert_eq!(error, FetchError::Timeout { after: timeout });
    }
}

#[test]
fn redirects_are_followed_up_to_the_limit() {
    let server = Server::answering(|line, stream| {
        let step: usize = line.split(['/', ' ']).nth(2).unwrap().parse().unwrap();
        if step == 0 {
            respond(stream, "200 OK", b"content");
        } else {
            let next = format!("302 Found\r\nLocation: /{}", step - 1);
            respond(stream, &next, b"");
        }
    });
    let from = |step: usize| request(&format!("http://{}/{step}", server.address));
    assert_eq!(fetch(from(MAX_REDIRECTS)).unwrap().body, b"content");
    assert_eq!(
        fetch(from(MAX_REDIRECTS + 1)),
        Err(FetchError::Redirects {
            limit: MAX_REDIRECTS
        })
    );
}

#[test]
fn a_redirect_to_anything_but_plain_http_is_not_followed() {
    for place in [
        "https://crl.example.com/",
        "file:///etc/passwd",
        "ftp://a.example/b",
        "http://u:p@a.example/",
    ] {
        let server = Server::answering(move |_, stream| {
            respond(stream, &format!("302 Found\r\nLocation: {place}"), b"");
        });
        let fetched = fetch(request(&server.url()));
        // What no client follows comes back as it is, which is no answer either.
        assert!(
            matches!(&fetched, Err(FetchError::Url { .. }))
                || matches!(&fetched, Ok(response) if response.status == 302),
            "{place}: {fetched:?}"
        );
    }
}

#[test]
fn a_private_address_is_not_connected_to_unless_allowed() {
    let server = Server::answering(ok);
    let refused = FetchRequest {
        allow_private_addresses: false,
        ..request(&server.url())
    };
    assert!(matches!(
        fetch(refused),
        Err(FetchError::PrivateAddress { .. })
    ));
    assert!(server.was_asked().is_empty());
}

#[test]
fn nobody_listening_is_said_without_repeating_the_url() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    match fetch(request(&format!(
        "http://127.0.0.1:{port}/secret-looking-path"
    ))) {
        Err(FetchError::Transport { reason }) => assert!(!reason.contains("secret"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_proxy_is_asked_for_every_host_but_the_exceptions() {
    let proxy_server = Server::answering(|_, stream| respond(stream, "200 OK", b"by proxy"));
    let proxy = HttpProxy {
        url: Some(format!("http://localhost:{}", proxy_server.address.port())),
        exceptions: Some("127.0.0.1".to_owned()),
    };
    // Names are the proxy's to resolve, and its own address may be private.
    let public = FetchRequest {
        allow_private_addresses: false,
        ..request("http://crl.example.com/a")
    };
    assert_eq!(fetch_by(proxy.clone(), public).unwrap().body, b"by proxy");
    let asked = proxy_server.was_asked().pop().unwrap();
    assert_eq!(asked.line, "GET http://crl.example.com/a HTTP/1.1");

    let direct = Server::answering(ok);
    assert_eq!(
        fetch_by(proxy.clone(), request(&direct.url()))
            .unwrap()
            .body,
        b"content"
    );
    assert!(proxy_server.was_asked().is_empty());

    let itself = FetchRequest {
        allow_private_addresses: false,
        ..request("http://proxy.example.com/")
    };
    let named = HttpProxy {
        url: Some("http://proxy.example.com:3128".to_owned()),
        exceptions: None,
    };
    assert!(matches!(
        fetch_by(named, itself),
        Err(FetchError::PrivateAddress { .. })
    ));
}

#[test]
fn a_proxy_that_cannot_be_read_is_an_error_that_does_not_show_its_password() {
    let proxy = HttpProxy {
        url: Some("http://user:hunter2@[".to_owned()),
        exceptions: None,
    };
    match fetch_by(proxy, request("http://crl.example.com/")) {
        Err(FetchError::Transport { reason }) => assert!(!reason.contains("hunter2"), "{reason}"),
        other => panic!("{other:?}"),
    }
}
