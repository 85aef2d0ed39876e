//! Where in a JSON document a member is, so that an error can point at it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A place in a text: line and column from 1, the column in bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// A document's member: either of the keys of a document that has the same key twice.
#[derive(Deserialize)]
struct Object<'a>(#[serde(borrow)] BTreeMap<Cow<'a, str>, &'a RawValue>);

/// Where the value at `path` (such as `trustPolicies[2].name`) begins. Where the document does not go so far, it is the
/// last value on the way.
///
/// The document must be JSON; of anything else, the beginning is returned.
#[must_use]
pub fn position_of(document: &str, path: &str) -> Position {
    let mut here = document.trim_start();
    for segment in path.split(['.', '[', ']']).filter(|part| !part.is_empty()) {
        let Some(next) = step(here, segment) else {
            break;
        };
        here = next;
    }
    // Every value is a part of the document, so that the distance of the two beginnings is its offset.
    let offset = (here.as_ptr() as usize).saturating_sub(document.as_ptr() as usize);
    let before = document.get(..offset).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Position {
        line: before.matches('\n').count() + 1,
        column: offset - line_start + 1,
    }
}

fn step<'a>(value: &'a str, segment: &str) -> Option<&'a str> {
    let found = if let Ok(index) = segment.parse::<usize>() {
        let items: Vec<&'a RawValue> = serde_json::from_str(value).ok()?;
        *items.get(index)?
    } else {
        let Object(members) = serde_json::from_str(value).ok()?;
        *members.get(segment)?
    };
    Some(found.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "{\n  \"a\": [\n    {\"b\": 1},\n    {\"c\": [true, \"x\"]}\n  ]\n}";

    fn at(path: &str) -> (usize, usize) {
        let position = position_of(DOCUMENT, path);
        (position.line, position.column)
    }

    #[test]
    fn a_value_is_found_by_its_path() {
        assert_eq!(at(""), (1, 1));
        assert_eq!(at("a"), (2, 8));
        assert_eq!(at("a[0].b"), (3, 11));
        assert_eq!(at("a[1].c[1]"), (4, 18));
    }

    #[test]
    fn what_is_missing_is_where_it_should_be() {
        assert_eq!(at("a[1].d"), (4, 5));
        assert_eq!(at("z"), (1, 1));
    }

    #[test]
    fn what_is_no_json_has_only_a_beginning() {
        let position = position_of("  nonsense", "a.b");
        assert_eq!((position.line, position.column), (1, 3));
    }
}
