//! `WWW-Authenticate`: how a registry wants one to say who one is (RFC 9110 §11.6.1, RFC 6750 §3, and
//! the distribution project's token authentication).

/// A challenge that can be met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    Basic,
    Bearer {
        realm: String,
        service: Option<String>,
        scope: Option<String>,
    },
}

impl Challenge {
    /// Picks from the values of all `WWW-Authenticate` headers the strongest challenge that is known:
    /// a token, or else the password itself.
    pub(super) fn pick<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut basic = None;
        for (scheme, parameters) in headers.flat_map(split) {
            if scheme.eq_ignore_ascii_case("bearer") {
                let value = |name: &str| {
                    parameters
                        .iter()
                        .find(|(key, _)| key.eq_ignore_ascii_case(name))
                        .map(|(_, value)| value.clone())
                };
                if let Some(realm) = value("realm") {
                    return Some(Self::Bearer {
                        realm,
                        service: value("service"),
                        scope: value("scope"),
                    });
                }
            } else if scheme.eq_ignore_ascii_case("basic") {
                basic = Some(Self::Basic);
            }
        }
        basic
    }
}

type Parameters = Vec<(String, String)>;

/// Splits a header value into its challenges. One value may hold several, separated by commas like
/// their parameters: a word that is followed by another word, not by `=`, begins the next one.
fn split(header: &str) -> Vec<(String, Parameters)> {
    let mut challenges: Vec<(String, Parameters)> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (word, after) = token(rest);
        if word.is_empty() {
            return challenges;
        }
        let after = after.trim_start_matches([' ', '\t']);
        match (after.strip_prefix('='), challenges.last_mut()) {
            (Some(value), Some((_, parameters))) => {
                let (value, after) = parameter_value(value.trim_start_matches([' ', '\t']));
                parameters.push((word.to_owned(), value));
                rest = after;
            }
            // A parameter before any scheme: there is nothing that it could belong to.
            (Some(_), None) => return challenges,
            (None, _) => {
                challenges.push((word.to_owned(), Vec::new()));
                rest = after;
            }
        }
    }
}

fn token(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)))
        .unwrap_or(text.len());
    text.split_at(end)
}

fn parameter_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = token(text);
        return (value.to_owned(), rest);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pick(header: &str) -> Option<Challenge> {
        Challenge::pick([header].into_iter())
    }

    #[test]
    fn a_bearer_challenge_is_read_with_its_parameters() {
        let header = r#"Bearer realm="https://auth.example.com/token",service="registry", scope="repository:a/b:pull,push""#;
        let expected = Challenge::Bearer {
            realm: "https://auth.example.com/token".into(),
            service: Some("registry".into()),
            scope: Some("repository:a/b:pull,push".into()),
        };
        assert_eq!(pick(header), Some(expected));
    }

    #[test]
    fn a_token_is_preferred_to_a_password_wherever_it_stands() {
        let bearer = Some(Challenge::Bearer {
            realm: "https://a".into(),
            service: None,
            scope: None,
        });
        assert_eq!(pick(r#"Basic realm="x", Bearer realm="https://a""#), bearer);
        assert_eq!(
            Challenge::pick([r#"Bearer realm="https://a""#, "Basic"].into_iter()),
            bearer
        );
        assert_eq!(pick(r#"BASIC realm="x""#), Some(Challenge::Basic));
    }

    #[test]
    fn what_cannot_be_met_is_no_challenge() {
        for header in [
            "",
            "Negotiate",
            "Bearer",
            r#"Bearer service="x""#,
            r#"realm="x""#,
            "===",
            "\"\"",
        ] {
            assert_eq!(pick(header), None, "{header}");
        }
    }

    #[test]
    fn escapes_in_quoted_text_are_undone() {
        let expected = Challenge::Bearer {
            realm: r#"a"b"#.into(),
            service: None,
            scope: None,
        };
        assert_eq!(pick(r#"Bearer realm="a\"b""#), Some(expected));
    }

    proptest! {
        #[test]
        fn any_header_is_read_to_its_end(header in ".{0,80}", shaped in "(Bearer |Basic |realm=|\"|,|=|\\\\|a){0,20}") {
            let _ = pick(&header);
            let _ = pick(&shaped);
        }
    }
}
