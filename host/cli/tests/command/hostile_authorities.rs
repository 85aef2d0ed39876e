//! A timestamping authority that misbehaves: the signature is not stored, and the error says who failed.

use apostille_testing::registry::{Answer, MisbehavingProxy};

use crate::support::{Authority, Home};

const SIGNER: i32 = 6;
const REPLY: &str = "application/timestamp-reply";

#[test]
fn an_authority_that_gives_no_timestamp_leaves_nothing_signed() {
    let home = Home::new();
    let root = Authority::new("Timestamps")
        .issue("unused", |_| {})
        .root_pem();
    std::fs::write(home.work().join("root.pem"), root).unwrap();
    let reply = |body: &[u8]| Answer::respond(200, &[("content-type", REPLY)], body);
    let round = [("location", "/again")];
    for (answer, words) in [
        (Answer::Cut, &["does not answer"][..]),
        (
            Answer::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort".to_vec()),
            &["media type"],
        ),
        (
            Answer::Raw(
                format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: {REPLY}\r\nContent-Length: 100\r\n\r\nshort"
                )
                .into_bytes(),
            ),
            &["does not answer"],
        ),
        (
            Answer::Raw(b"220 mail.example ESMTP\r\n".to_vec()),
            &["does not answer"],
        ),
        (
            Answer::EndlessBody(vec![("content-type".to_owned(), REPLY.to_owned())]),
            &["larger than"],
        ),
        (
            Answer::respond(429, &[("retry-after", "3600")], ""),
            &["status 429"],
        ),
        (Answer::respond(503, &[], ""), &["status 503"]),
        (
            Answer::respond(401, &[("www-authenticate", "Basic realm=x")], ""),
            &["status 401"],
        ),
        (Answer::respond(307, &round, ""), &["redirect"]),
        (
            Answer::respond(302, &[("location", "file:///etc/passwd")], ""),
            &["timestamping authority"],
        ),
        (reply(b""), &["timestamp"]),
        (reply(b"\x30\x80\x00\x00"), &["timestamp"]),
        (reply(b"\x30\x84\xff\xff\xff\xff"), &["timestamp"]),
        (reply(&[0x30; 60_000]), &["timestamp"]),
        // Status rejection (2), with a text.
        (
            reply(b"\x30\x0d\x30\x0b\x02\x01\x02\x30\x06\x0c\x04busy"),
            &["timestamp"],
        ),
        (reply(b"\x30\x05\x30\x03\x02\x01\x00"), &["timestamp"]),
    ] {
        let authority = MisbehavingProxy::start(None, move |_| answer.clone()).unwrap();
        let url = format!("http://me:secret-of-mine@{}/tsr", authority.host());
        let ran = home.unchanged(|| {
            home.sign(&["--timestamp-url", &url, "--timestamp-root-cert", "root.pem"])
        });
        let ran = ran.refused(SIGNER, words);
        assert!(ran.err.contains("Nothing was stored"), "{}", ran.err);
        assert!(!ran.err.contains("secret-of-mine"), "{}", ran.err);
        assert!(authority.requests().len() <= 7);
    }
}
