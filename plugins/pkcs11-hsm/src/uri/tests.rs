use proptest::prelude::*;

use super::*;

#[test]
fn the_example_of_the_rfc_is_read() {
    let uri = Pkcs11Uri::parse(
        "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;\
         object=my-certificate;type=cert;id=%69%95%3E%5C%F4%BD%EC%91;serial=?pin-source=file:/etc/token_pin",
    )
    .unwrap();
    assert_eq!(uri.token.as_deref(), Some("The Software PKCS#11 Softtoken"));
    assert_eq!(uri.manufacturer.as_deref(), Some("Snake Oil, Inc."));
    assert_eq!(uri.object_type, Some(ObjectType::Certificate));
    assert_eq!(
        uri.id.as_deref(),
        Some(&b"\x69\x95\x3e\x5c\xf4\xbd\xec\x91"[..])
    );
    assert_eq!(uri.serial.as_deref(), Some(""));
    assert_eq!(uri.pin_source.as_deref(), Some("file:/etc/token_pin"));
}

#[test]
fn an_empty_uri_matches_everything() {
    assert_eq!(Pkcs11Uri::parse("pkcs11:").unwrap(), Pkcs11Uri::default());
    assert_eq!(Pkcs11Uri::parse("PKCS11:").unwrap(), Pkcs11Uri::default());
}

#[test]
fn a_pin_in_the_uri_is_refused_and_not_repeated() {
    let error = Pkcs11Uri::parse("pkcs11:object=k?pin-value=hunter2").unwrap_err();
    assert_eq!(error, UriError::PinValue);
    assert!(!error.to_string().contains("hunter2"));
    assert_eq!(
        Pkcs11Uri::parse("pkcs11:pin-value=1"),
        Err(UriError::PinValue)
    );
}

#[test]
fn an_attribute_that_is_given_twice_is_refused() {
    assert_eq!(
        Pkcs11Uri::parse("pkcs11:object=a;object=a"),
        Err(UriError::Repeated("object".to_owned()))
    );
}

#[test]
fn attributes_that_nobody_knows_or_in_the_wrong_part_are_refused() {
    for text in [
        "pkcs11:x-vendor=1",
        "pkcs11:label=a",
        "pkcs11:module-path=m",
        "pkcs11:?object=a",
    ] {
        assert!(
            matches!(Pkcs11Uri::parse(text), Err(UriError::Unknown { .. })),
            "{text}"
        );
    }
}

#[test]
fn values_outside_the_grammar_are_refused() {
    for text in [
        "pkcs11:object=a b",
        "pkcs11:object=a/b",
        "pkcs11:object=%4",
        "pkcs11:object=%zz",
        "pkcs11:object=%ff",
        "pkcs11:type=key",
        "pkcs11:slot-id=0x1",
        "pkcs11:slot-id=99999999999999999999",
        "pkcs11:library-version=2.x",
    ] {
        assert!(
            matches!(Pkcs11Uri::parse(text), Err(UriError::Value { .. })),
            "{text}"
        );
    }
    assert_eq!(
        Pkcs11Uri::parse("pkcs11:object"),
        Err(UriError::NotAPair("object".to_owned()))
    );
    assert_eq!(
        Pkcs11Uri::parse("pkcs11:object=a;;id=2"),
        Err(UriError::NotAPair(String::new()))
    );
    assert_eq!(Pkcs11Uri::parse("pkcs12:object=a"), Err(UriError::Scheme));
}

#[test]
fn a_uri_beyond_the_limit_is_refused() {
    let fits = format!("pkcs11:object={}", "a".repeat(MAX_URI_LENGTH - 14));
    assert!(Pkcs11Uri::parse(&fits).is_ok());
    let text = format!("{fits}a");
    assert_eq!(
        Pkcs11Uri::parse(&text),
        Err(UriError::TooLong(MAX_URI_LENGTH + 1))
    );
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_back(
        token in proptest::option::of(".{0,20}"),
        object in proptest::option::of(".{0,20}"),
        id in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..20)),
        slot_id in any::<Option<u64>>(),
        library_version in any::<Option<(u8, u8)>>(),
        pin_source in proptest::option::of(".{0,20}"),
    ) {
        let uri = Pkcs11Uri { token, object, id, slot_id, library_version, pin_source, ..Pkcs11Uri::default() };
        prop_assert_eq!(Pkcs11Uri::parse(&uri.to_string()), Ok(uri));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "(pkcs11:)?[ -~]{0,60}") {
        let _ = Pkcs11Uri::parse(&text);
    }
}
