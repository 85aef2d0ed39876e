//! Warm sessions: one plugin process that answers many requests.
//!
//! An addition to the contract, described in `docs/design/sessions.md`. A plugin offers it in the
//! attribute `warmSessions` of its metadata, which hosts without it ignore. A host that knows it
//! starts the plugin with the single argument [`ARGUMENT`] and then exchanges frames: one JSON
//! object per line, requests on standard input and answers on standard output, matched by id and in
//! any order. Inside a frame are the ordinary request and the ordinary response or error object.
//! End of input ends the session: the plugin answers what is in flight and exits with code 0.
//!
//! ```
//! use notary_plugin_protocol::session::{Answer, AnswerFrame, RequestFrame};
//! use notary_plugin_protocol::Command;
//!
//! let line = br#"{"id":7,"command":"describe-key","request":{"contractVersion":"1.0","keyId":"k"}}"#;
//! let frame = RequestFrame::from_line(line)?;
//! assert_eq!((frame.id, frame.command), (7, Command::DescribeKey));
//!
//! let answer = AnswerFrame { id: Some(7), answer: Answer::Response(br#"{"keyId":"k","keySpec":"EC-256"}"#.to_vec()) };
//! assert_eq!(answer.to_line()?, b"{\"id\":7,\"response\":{\"keyId\":\"k\",\"keySpec\":\"EC-256\"}}\n");
//! # Ok::<(), notary_plugin_protocol::session::FrameError>(())
//! ```

use std::borrow::Cow;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::command::Command;
use crate::error_response::ErrorResponse;
use crate::json::{MAX_EXACT_NUMBER, Node, Read};
use crate::limits::MAX_MESSAGE_LEN;
use crate::message_error::Rule;
use crate::messages::Message;
use crate::wire::compact;

/// The single argument with which the host starts a session in place of a command.
pub const ARGUMENT: &str = "serve-session";

/// The version of the session protocol that this module speaks.
pub const VERSION: u64 = 1;

/// The longest frame in bytes without its newline: the largest message, and room for the id and
/// the command around it.
pub const MAX_FRAME_LEN: usize = MAX_MESSAGE_LEN + 1024;

/// How many requests a plugin of this crate's SDK takes at a time unless it says otherwise: enough
/// to hide the latency of a KMS, few enough for the rate limits of one.
pub const DEFAULT_MAX_IN_FLIGHT: NonZeroU64 = NonZeroU64::new(16).unwrap();

/// After how many seconds without a request a session ends unless the plugin says otherwise: more
/// than a host needs between two artifacts, less than an idle login to an HSM should be kept.
pub const DEFAULT_IDLE_TIMEOUT_SECONDS: NonZeroU64 = NonZeroU64::new(60).unwrap();

/// The offer of warm sessions in a plugin's metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schemas", schemars(transform = crate::schemas::refuse_case_variants))]
pub struct WarmSessions {
    /// The version of the session protocol, 1 so far. A host that does not know it does without
    /// sessions.
    #[cfg_attr(
        feature = "schemas",
        schemars(schema_with = "crate::schemas::positive_number")
    )]
    pub version: u64,
    /// How many requests may be in flight at a time.
    #[cfg_attr(
        feature = "schemas",
        schemars(schema_with = "crate::schemas::positive_number")
    )]
    pub max_in_flight: NonZeroU64,
    /// After how many seconds with nothing in flight the plugin ends the session.
    #[cfg_attr(
        feature = "schemas",
        schemars(schema_with = "crate::schemas::positive_number")
    )]
    pub idle_timeout_in_seconds: NonZeroU64,
}

impl Default for WarmSessions {
    fn default() -> Self {
        Self {
            version: VERSION,
            max_in_flight: DEFAULT_MAX_IN_FLIGHT,
            idle_timeout_in_seconds: DEFAULT_IDLE_TIMEOUT_SECONDS,
        }
    }
}

impl WarmSessions {
    /// Whether this module speaks the version that is offered.
    #[must_use]
    pub const fn is_supported(&self) -> bool {
        self.version == VERSION
    }

    pub(crate) fn read(node: Node<'_>) -> Read<Self> {
        let object = node.answer_object(&["version", "maxInFlight", "idleTimeoutInSeconds"])?;
        let positive = |name| -> Read<NonZeroU64> {
            let node = object.required(name)?;
            NonZeroU64::new(node.whole_number()?).ok_or_else(|| node.violates(Rule::Zero))
        };
        Ok(Self {
            version: positive("version")?.get(),
            max_in_flight: positive("maxInFlight")?,
            idle_timeout_in_seconds: positive("idleTimeoutInSeconds")?,
        })
    }
}

/// A request in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFrame {
    /// The host's number for the request, at most 2⁵³−1 and not in use by another in flight.
    pub id: u64,
    /// The command.
    pub command: Command,
    /// The ordinary request of that command, as JSON.
    pub request: Vec<u8>,
}

/// An answer in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerFrame {
    /// The request's id; `None` if the frame was too broken to have one, after which the plugin
    /// ends the session.
    pub id: Option<u64>,
    /// The answer.
    pub answer: Answer,
}

/// What a command in a session comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The ordinary response of the command, as JSON: what would be on standard output.
    Response(Vec<u8>),
    /// The error object: what would be on standard error.
    Error(ErrorResponse),
}

/// A line that is no frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("session frame{}: {reason}", .id.map(|id| format!(" {id}")).unwrap_or_default())]
pub struct FrameError {
    /// The id, if the frame has one: the error then concerns this request alone.
    pub id: Option<u64>,
    /// What is wrong with it.
    pub reason: String,
}

fn broken(id: Option<u64>, reason: impl ToString) -> FrameError {
    FrameError {
        id,
        reason: reason.to_string(),
    }
}

#[derive(Serialize, Deserialize)]
struct RequestFrameWire<'a> {
    id: u64,
    #[serde(borrow)]
    command: Cow<'a, str>,
    #[serde(borrow)]
    request: &'a RawValue,
}

#[derive(Serialize, Deserialize)]
struct AnswerFrameWire<'a> {
    id: Option<u64>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    response: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    error: Option<&'a RawValue>,
}

impl RequestFrame {
    /// Reads a frame from a line, with or without its newline.
    ///
    /// # Errors
    /// If the line is no frame. The error has the id if the frame has one, for the answer.
    pub fn from_line(line: &[u8]) -> Result<Self, FrameError> {
        check_length(line)?;
        let wire: RequestFrameWire<'_> =
            serde_json::from_slice(line).map_err(|error| broken(None, error))?;
        check_id(wire.id)?;
        Ok(Self {
            id: wire.id,
            command: wire
                .command
                .parse()
                .map_err(|error| broken(Some(wire.id), error))?,
            request: wire.request.get().as_bytes().to_vec(),
        })
    }

    /// Writes the frame as one line with its newline.
    ///
    /// # Errors
    /// If the request is not JSON, the id is too large or the frame too long.
    pub fn to_line(&self) -> Result<Vec<u8>, FrameError> {
        check_id(self.id)?;
        let request = one_line(self.id, &self.request)?;
        line(
            Some(self.id),
            &RequestFrameWire {
                id: self.id,
                command: self.command.as_str().into(),
                request: &request,
            },
        )
    }
}

impl AnswerFrame {
    /// Reads a frame from a line, with or without its newline.
    ///
    /// # Errors
    /// If the line is no frame, or has not exactly one of response and error.
    pub fn from_line(line: &[u8]) -> Result<Self, FrameError> {
        check_length(line)?;
        let wire: AnswerFrameWire<'_> =
            serde_json::from_slice(line).map_err(|error| broken(None, error))?;
        let answer = match (wire.response, wire.error) {
            (Some(response), None) => Answer::Response(response.get().as_bytes().to_vec()),
            (None, Some(error)) => Answer::Error(
                ErrorResponse::from_json(error.get().as_bytes())
                    .map_err(|error| broken(wire.id, error))?,
            ),
            _ => return Err(broken(wire.id, "expected either a response or an error")),
        };
        Ok(Self {
            id: wire.id,
            answer,
        })
    }

    /// Writes the frame as one line with its newline.
    ///
    /// # Errors
    /// If the response is not JSON or the frame too long.
    pub fn to_line(&self) -> Result<Vec<u8>, FrameError> {
        let (response, error) = match &self.answer {
            Answer::Response(response) => (Some(one_line(self.id, response)?), None),
            Answer::Error(error) => (None, Some(one_line(self.id, &error.to_json())?)),
        };
        line(
            self.id,
            &AnswerFrameWire {
                id: self.id,
                response: response.as_deref(),
                error: error.as_deref(),
            },
        )
    }
}

fn check_length(line: &[u8]) -> Result<(), FrameError> {
    if line.len() > MAX_FRAME_LEN + 1 {
        return Err(broken(
            None,
            format_args!("longer than {MAX_FRAME_LEN} bytes"),
        ));
    }
    Ok(())
}

fn check_id(id: u64) -> Result<(), FrameError> {
    if id > MAX_EXACT_NUMBER {
        return Err(broken(
            None,
            format_args!("the id is above {MAX_EXACT_NUMBER}"),
        ));
    }
    Ok(())
}

/// JSON without line breaks. In valid JSON they only occur as white space between tokens.
fn one_line(id: impl Into<Option<u64>>, json: &[u8]) -> Result<Box<RawValue>, FrameError> {
    let id = id.into();
    let text = std::str::from_utf8(json).map_err(|error| broken(id, error))?;
    RawValue::from_string(text.trim().replace(['\r', '\n'], " ")).map_err(|error| broken(id, error))
}

fn line(id: Option<u64>, frame: &impl Serialize) -> Result<Vec<u8>, FrameError> {
    let mut line = compact(frame);
    if line.len() > MAX_FRAME_LEN {
        return Err(broken(
            id,
            format_args!("longer than {MAX_FRAME_LEN} bytes"),
        ));
    }
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_response::ErrorCode;

    #[test]
    fn frames_survive_the_wire_and_stay_on_one_line() {
        let request = RequestFrame {
            id: MAX_EXACT_NUMBER,
            command: Command::GenerateSignature,
            request: b"{\n  \"text\": \"a\\nb\"\r\n}\n".to_vec(),
        };
        let line = request.to_line().unwrap();
        assert_eq!(line.iter().filter(|&&byte| byte == b'\n').count(), 1);
        let read = RequestFrame::from_line(&line).unwrap();
        assert_eq!((read.id, read.command), (request.id, request.command));
        let json = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
        assert_eq!(json(&read.request), json(&request.request));

        for answer in [
            Answer::Response(b"{}".to_vec()),
            Answer::Error(ErrorResponse::new(ErrorCode::Throttled, "slow\ndown")),
        ] {
            let frame = AnswerFrame {
                id: Some(3),
                answer,
            };
            assert_eq!(AnswerFrame::from_line(&frame.to_line().unwrap()), Ok(frame));
        }
    }

    #[test]
    fn an_unknown_command_concerns_its_own_request_alone() {
        let error =
            RequestFrame::from_line(br#"{"id":4,"command":"sign","request":{}}"#).unwrap_err();
        assert_eq!(error.id, Some(4));
    }

    #[test]
    fn a_line_that_is_no_frame_has_no_id() {
        let lines: [&[u8]; 8] = [
            b"",
            b"log text",
            b"{}",
            br#"{"id":-1,"command":"describe-key","request":{}}"#,
            br#"{"id":9007199254740992,"command":"describe-key","request":{}}"#,
            br#"{"id":1,"id":2,"command":"describe-key","request":{}}"#,
            br#"{"id":1,"command":"describe-key"}"#,
            br#"{"id":1,"command":"describe-key","request":{}} x"#,
        ];
        for line in lines {
            assert_eq!(RequestFrame::from_line(line).unwrap_err().id, None);
        }
    }

    #[test]
    fn an_answer_is_either_a_response_or_an_error() {
        for line in [
            &br#"{"id":1}"#[..],
            br#"{"id":1,"response":{},"error":{"errorCode":"ERROR"}}"#,
            br#"{"id":1,"error":{}}"#,
        ] {
            assert_eq!(AnswerFrame::from_line(line).unwrap_err().id, Some(1));
        }
    }

    #[test]
    fn a_frame_beyond_the_limit_is_neither_written_nor_read() {
        let text = format!("\"{}\"", "a".repeat(MAX_FRAME_LEN));
        let frame = AnswerFrame {
            id: Some(1),
            answer: Answer::Response(text.clone().into_bytes()),
        };
        assert!(frame.to_line().unwrap_err().reason.contains("longer"));
        assert!(
            RequestFrame::from_line(text.as_bytes())
                .unwrap_err()
                .reason
                .contains("longer")
        );
    }
}
