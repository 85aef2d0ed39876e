//! Reading a document's JSON: the place of what is malformed, and the members that are not known.

use serde::de::DeserializeOwned;
use serde_ignored::Path;

use super::error::{PolicyError, PolicyRule, Violation};

/// The largest trust policy that is read, in bytes. A statement takes some hundred bytes, so this
/// is room for thousands, and reading it takes milliseconds.
pub const MAX_POLICY_SIZE: usize = 1024 * 1024;

/// The members of both kinds of document.
const MEMBERS: [&str; 11] = [
    "version",
    "trustPolicies",
    "name",
    "registryScopes",
    "globalPolicy",
    "signatureVerification",
    "trustStores",
    "trustedIdentities",
    "level",
    "override",
    "verifyTimestamp",
];

/// With it, at the top, a document tells an editor which schema it follows.
const SCHEMA_MEMBER: &str = "$schema";

/// A document as it was read.
pub(super) struct Decoded<T> {
    pub(super) document: T,
    /// Members that no rule knows, as paths.
    pub(super) unknown_members: Vec<String>,
    /// Members that are known but for the case of their letters. Other readers of these documents
    /// ignore case, so passing such a member over would give the document another meaning.
    pub(super) misspelled: Vec<Violation>,
}

/// Reads one document; a member that occurs twice and bytes behind the document are errors, because
/// readers differ on which of the two then counts.
pub(super) fn decode<T: DeserializeOwned>(
    bytes: &[u8],
    file: &str,
) -> Result<Decoded<T>, PolicyError> {
    if bytes.len() > MAX_POLICY_SIZE {
        return Err(PolicyError::TooLarge {
            file: file.to_owned(),
        });
    }
    if bytes.trim_ascii().is_empty() {
        return Err(PolicyError::Malformed {
            file: file.to_owned(),
            line: 1,
            column: 1,
            path: String::new(),
            reason: "the file is empty".to_owned(),
        });
    }
    let mut unknown_members = Vec::new();
    let mut misspelled = Vec::new();
    let mut on_unknown = |path: Path<'_>| {
        let field = path_of(&path);
        if field == SCHEMA_MEMBER {
            return;
        }
        match right_spelling(&path) {
            Some(right) => misspelled.push(Violation {
                statement: None,
                field,
                position: None,
                rule: PolicyRule::MemberCase { right },
            }),
            None => unknown_members.push(field),
        }
    };
    let mut track = serde_path_to_error::Track::new();
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    let read: Result<T, _> = serde_ignored::deserialize(tracked, &mut on_unknown);
    let document = read
        .map_err(|error| malformed(file, &error, &track.path().to_string()))
        .and_then(|document| match json.end() {
            Ok(()) => Ok(document),
            Err(error) => Err(malformed(file, &error, "")),
        })?;
    Ok(Decoded {
        document,
        unknown_members,
        misspelled,
    })
}

fn malformed(file: &str, error: &serde_json::Error, path: &str) -> PolicyError {
    let (line, column) = (error.line(), error.column());
    let mut reason = error.to_string();
    // The position is a part of the text as well; it is reported once.
    if let Some(length) = reason
        .strip_suffix(&format!(" at line {line} column {column}"))
        .map(str::len)
    {
        reason.truncate(length);
    }
    // A member whose name was not read is a question mark.
    let path = path.trim_end_matches('?').trim_end_matches('.');
    PolicyError::Malformed {
        file: file.to_owned(),
        line,
        column,
        path: path.to_owned(),
        reason,
    }
}

fn right_spelling(path: &Path<'_>) -> Option<&'static str> {
    let Path::Map { key, .. } = path else {
        return None;
    };
    MEMBERS
        .into_iter()
        .find(|member| member != key && member.eq_ignore_ascii_case(key))
}

/// The path as it is written elsewhere in errors: `trustPolicies[0].name`. Documents nest a fixed
/// number of levels before members are passed over, so the walk is short.
fn path_of(path: &Path<'_>) -> String {
    let mut parts = Vec::new();
    let mut at = path;
    loop {
        at = match at {
            Path::Root => break,
            Path::Seq { parent, index } => {
                parts.push(format!("[{index}]"));
                parent
            }
            Path::Map { parent, key } => {
                parts.push(if matches!(parent, Path::Root) {
                    key.clone()
                } else {
                    format!(".{key}")
                });
                parent
            }
            Path::Some { parent }
            | Path::NewtypeStruct { parent }
            | Path::NewtypeVariant { parent } => parent,
        };
    }
    // An optional member at the top adds a step between the root and its key.
    parts
        .into_iter()
        .rev()
        .collect::<String>()
        .trim_start_matches('.')
        .to_owned()
}
