//! Text from a plugin, made fit for a terminal.

/// How much of a plugin's text a message shows, in characters. The last part is kept: that is where
/// programs say why they end.
pub(crate) const MAX_SHOWN_CHARS: usize = 2000;

/// A plugin's text without control characters (line breaks and tabs apart) and other characters
/// that change how a terminal shows what follows, no longer than [`MAX_SHOWN_CHARS`].
pub(crate) fn printable(text: &str) -> String {
    let trimmed = text.trim();
    let total = trimmed.chars().count();
    let cut = total.saturating_sub(MAX_SHOWN_CHARS);
    let mut shown = String::new();
    if cut > 0 {
        shown.push('…');
    }
    shown.extend(trimmed.chars().skip(cut).map(|character| match character {
        '\n' | '\t' => character,
        _ if is_hazardous(character) => '\u{FFFD}',
        _ => character,
    }));
    shown
}

/// The same from bytes that may not be UTF-8. Only the end of a long text is decoded.
pub(crate) fn printable_bytes(bytes: &[u8]) -> String {
    // A character has at most four bytes.
    let start = bytes.len().saturating_sub(MAX_SHOWN_CHARS * 4 + 4);
    let end = bytes.get(start..).unwrap_or_default();
    let text = String::from_utf8_lossy(end).replace("\r\n", "\n");
    let shown = printable(&text);
    if start > 0 && !shown.starts_with('…') {
        format!("…{shown}")
    } else {
        shown
    }
}

/// Control characters, and the marks that reorder text (Unicode bidirectional controls).
fn is_hazardous(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_and_reordering_marks_do_not_reach_the_terminal() {
        assert_eq!(
            printable("\x1b[31mred\x1b[0m\r\u{202E}x\u{7}\tok\n"),
            "\u{FFFD}[31mred\u{FFFD}[0m\u{FFFD}\u{FFFD}x\u{FFFD}\tok"
        );
        assert_eq!(printable_bytes(b"caf\xe9\r\nnext"), "caf\u{FFFD}\nnext");
    }

    #[test]
    fn of_a_long_text_the_end_is_shown() {
        let text = format!("start{}end", "é".repeat(MAX_SHOWN_CHARS));
        for shown in [printable(&text), printable_bytes(text.as_bytes())] {
            assert_eq!(shown.chars().count(), MAX_SHOWN_CHARS + 1);
            assert!(shown.starts_with('…') && shown.ends_with("end"));
        }
    }
}
