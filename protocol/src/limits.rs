//! Sizes beyond which nothing is read.

/// The largest message in bytes: a request on standard input, a response on standard output, an
/// error object on standard error.
///
/// The specification ("Plugin contract") asks for less than 64 MiB on each output channel, so that
/// a plugin that malfunctions cannot exhaust the host's memory. The same bound serves the plugin.
pub const MAX_MESSAGE_LEN: usize = 64 * 1024 * 1024;

/// How many characters of a value from outside an error message quotes.
///
/// Long enough for an ARN or a key URL, short enough that the message stays readable.
pub(crate) const MAX_QUOTED_CHARS: usize = 200;

/// Quotes text from outside for a message: control characters escaped, long text cut.
pub(crate) fn quoted(text: &str) -> String {
    let mut characters = text.chars();
    let mut quoted = String::from("\"");
    for character in characters.by_ref().take(MAX_QUOTED_CHARS) {
        quoted.extend(character.escape_debug());
    }
    if characters.next().is_some() {
        quoted.push('…');
    }
    quoted.push('"');
    quoted
}
