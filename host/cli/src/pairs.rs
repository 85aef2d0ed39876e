//! `key=value` flags: `--plugin-config` and `--user-metadata`.

use std::collections::BTreeMap;

use crate::failure::Failure;

/// Splits each pair at its first `=`; a later duplicate wins.
///
/// # Errors
/// A pair without `=`, or with an empty key or value. The value is not quoted: it may be a secret.
pub fn parse(flag: &str, pairs: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let mut map = BTreeMap::new();
    for pair in pairs {
        match pair.split_once('=') {
            Some((key, value)) if !key.is_empty() && !value.is_empty() => {
                map.insert(key.to_owned(), value.to_owned());
            }
            _ => {
                return Err(Failure::usage(format!(
                    "could not parse flag {flag}: key-value pair requires \"=\" as separator"
                )));
            }
        }
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_equals_sign_separates_and_the_last_pair_wins() {
        let pairs = ["a=1".to_owned(), "b=x=y".to_owned(), "a=2".to_owned()];
        let map = parse("plugin-config", &pairs).unwrap();
        assert_eq!(map["a"], "2");
        assert_eq!(map["b"], "x=y");
    }

    #[test]
    fn an_empty_key_or_value_is_refused_without_quoting_it() {
        for pair in ["secret", "=secret", "key="] {
            let failure = parse("plugin-config", &[pair.to_owned()]).unwrap_err();
            assert!(!failure.message().contains("secret"));
        }
    }
}
