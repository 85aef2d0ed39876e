//! Where a member stands in the text of a document.

use std::collections::HashMap;
use std::fmt;

use super::error::Violation;

/// A place in a text: line and column from 1, the column in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// The longest path that is kept, in bytes. Those of policies are shorter; longer ones are of members that no rule
/// knows, and copying them for each of their items would cost more than reading the document did.
const MAX_PATH_LEN: usize = 200;

/// Tells each violation where it stands. `json` has been read before, so it is well-formed and its depth is bounded.
pub(super) fn locate(violations: &mut [Violation], json: &[u8]) {
    let (members, lines) = (Members::of(json), Lines::of(json));
    for violation in violations {
        let offset = members.offset(&violation.field);
        violation.position = offset.map(|offset| lines.position(offset));
    }
}

/// Where each line but the first begins.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &[u8]) -> Self {
        let newlines = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        Self(newlines.map(|(offset, _)| offset + 1).collect())
    }

    fn position(&self, offset: usize) -> Position {
        let before = self.0.partition_point(|start| *start <= offset);
        let start = before
            .checked_sub(1)
            .and_then(|line| self.0.get(line))
            .copied()
            .unwrap_or_default();
        Position {
            line: before + 1,
            column: offset - start + 1,
        }
    }
}

/// The offsets of all members and items by their paths; of a member that of its name.
struct Members(HashMap<String, usize>);

/// What the scanner is inside of; a path is `None` if it is too long.
enum Container {
    Object {
        path: Option<String>,
        member: Option<String>,
    },
    Array {
        path: Option<String>,
        index: usize,
    },
}

impl Members {
    fn of(json: &[u8]) -> Self {
        let mut found = HashMap::new();
        let mut inside: Vec<Container> = Vec::new();
        let mut at = 0;
        while let Some(byte) = json.get(at) {
            let end = token_end(json, at);
            match byte {
                b'}' | b']' => {
                    inside.pop();
                }
                b',' => next(inside.last_mut()),
                byte if byte.is_ascii_whitespace() || *byte == b':' => {}
                _ => {
                    let token = json.get(at..end).unwrap_or_default();
                    let names_member = name_member(inside.last_mut(), token);
                    let path = path_of(inside.last());
                    if let Some(path) = &path {
                        found.entry(path.clone()).or_insert(at);
                    }
                    match byte {
                        _ if names_member => {}
                        b'{' => inside.push(Container::Object { path, member: None }),
                        b'[' => inside.push(Container::Array { path, index: 0 }),
                        _ => {}
                    }
                }
            }
            at = end;
        }
        Self(found)
    }

    /// Of what is not there, the offset of what it should be in; `None` if that is the document itself.
    fn offset(&self, path: &str) -> Option<usize> {
        let mut path = path;
        loop {
            if let Some(offset) = self.0.get(path) {
                return Some(*offset);
            }
            path = path.get(..path.rfind(['.', '['])?)?;
        }
    }
}

/// Behind the string, word or single character that begins at `start`.
fn token_end(json: &[u8], start: usize) -> usize {
    let rest = json.get(start..).unwrap_or_default();
    let len = match rest.first() {
        Some(b'"') => {
            let mut escaped = false;
            let end = rest.iter().skip(1).position(|byte| {
                let ends = !escaped && *byte == b'"';
                escaped = !escaped && *byte == b'\\';
                ends
            });
            end.map_or(rest.len(), |end| end + 2)
        }
        Some(byte) if is_word(*byte) => rest.iter().take_while(|byte| is_word(**byte)).count(),
        _ => 1,
    };
    start + len
}

/// Of numbers, `true`, `false` and `null`.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
}

/// Whether a token is the name of the next member of an object.
fn name_member(container: Option<&mut Container>, token: &[u8]) -> bool {
    match container {
        Some(Container::Object { member, .. }) if member.is_none() => {
            *member = Some(serde_json::from_slice(token).unwrap_or_default());
            true
        }
        _ => false,
    }
}

fn next(container: Option<&mut Container>) {
    match container {
        Some(Container::Object { member, .. }) => *member = None,
        Some(Container::Array { index, .. }) => *index += 1,
        None => {}
    }
}

fn path_of(container: Option<&Container>) -> Option<String> {
    let (path, step) = match container {
        None => return Some(String::new()),
        Some(Container::Array { path, index }) => (path.as_deref()?, format!("[{index}]")),
        Some(Container::Object { path, member }) => (path.as_deref()?, member.clone()?),
    };
    let separator = if path.is_empty() || step.starts_with('[') {
        ""
    } else {
        "."
    };
    let fits = path.len() + step.len() < MAX_PATH_LEN;
    fits.then(|| format!("{path}{separator}{step}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{
  "version": "1.0",
  "odd \" name, [": {"x": [1, -2.5e3, null, "}"]},
  "trustPolicies": [
    {"name": "a"},
    {
      "name": "b", "trustStores": ["ca:a",
        "ca:b"]
    }
  ]
}
"#;

    fn line_and_column(path: &str) -> (usize, usize) {
        let json = JSON.as_bytes();
        let offset = Members::of(json).offset(path).unwrap();
        let found = Lines::of(json).position(offset);
        (found.line, found.column)
    }

    #[test]
    fn members_and_items_are_found_by_their_paths() {
        for (path, expected) in [
            ("", (1, 1)),
            ("version", (2, 3)),
            ("trustPolicies", (4, 3)),
            ("trustPolicies[0]", (5, 5)),
            ("trustPolicies[0].name", (5, 6)),
            ("trustPolicies[1].trustStores[0]", (7, 36)),
            ("trustPolicies[1].trustStores[1]", (8, 9)),
        ] {
            assert_eq!(line_and_column(path), expected, "{path}");
        }
    }

    #[test]
    fn what_a_long_name_holds_is_not_kept() {
        let long = "n".repeat(MAX_PATH_LEN);
        let json = format!(r#"{{"{long}": [1, 2, 3], "version": "2"}}"#);
        let members = Members::of(json.as_bytes());
        assert_eq!(members.0.len(), 2, "the document and one member");
        assert_eq!(members.offset("version"), json.find("\"version"));
    }

    #[test]
    fn what_is_missing_is_where_it_should_be() {
        for (path, inside) in [
            ("trustPolicies[0].trustStores", "trustPolicies[0]"),
            (
                "trustPolicies[0].signatureVerification.level",
                "trustPolicies[0]",
            ),
            ("trustPolicies[7].name", "trustPolicies"),
        ] {
            assert_eq!(line_and_column(path), line_and_column(inside), "{path}");
        }
        assert_eq!(Members::of(JSON.as_bytes()).offset("nothing"), None);
    }
}
