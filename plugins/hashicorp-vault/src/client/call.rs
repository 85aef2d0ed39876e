//! One request to the API.

use std::fmt;

use reqwest::Method;
use serde_json::Value;

/// A request, named by its path below `/v1/`, and the capability that a policy has to give for it.
#[derive(Clone)]
pub(crate) struct Call {
    pub(super) verb: Verb,
    /// Path below `/v1/`, made of parts that were checked.
    pub(crate) path: String,
    pub(super) body: Option<Value>,
    pub(super) may_be_repeated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Read,
    List,
    Write,
}

impl Call {
    pub(crate) fn read(path: impl Into<String>) -> Self {
        Self::new(Verb::Read, path, None)
    }

    pub(crate) fn list(path: impl Into<String>) -> Self {
        Self::new(Verb::List, path, None)
    }

    pub(crate) fn write(path: impl Into<String>, body: Value) -> Self {
        Self::new(Verb::Write, path, Some(body))
    }

    fn new(verb: Verb, path: impl Into<String>, body: Option<Value>) -> Self {
        Self {
            verb,
            path: path.into(),
            body,
            may_be_repeated: true,
        }
    }

    /// The request changes something: it is sent once, whatever happens.
    pub(crate) fn once(self) -> Self {
        Self {
            may_be_repeated: false,
            ..self
        }
    }

    pub(super) fn method(&self) -> Method {
        match self.verb {
            Verb::Read | Verb::List => Method::GET,
            Verb::Write => Method::POST,
        }
    }

    pub(super) fn query(&self) -> Option<&'static str> {
        (self.verb == Verb::List).then_some("list=true")
    }

    /// The capability by its name in policies.
    pub(super) fn capability(&self) -> &'static str {
        match self.verb {
            Verb::Read => "read",
            Verb::List => "list",
            Verb::Write => "update",
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.verb {
            Verb::Read => "read",
            Verb::List => "list",
            Verb::Write => "write",
        };
        write!(f, "{verb} {}", self.path)
    }
}

impl fmt::Debug for Call {
    /// Without the body, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
