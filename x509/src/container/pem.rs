//! PEM, read leniently (text around the blocks, any line length, CR LF) as files in the field are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::Error;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
/// RFC 7468 §2.
const LINE_LEN: usize = 64;

/// One block. The contents may be a private key, so they are wiped.
pub(crate) struct Block {
    pub(crate) label: String,
    /// Whether the block has headers (RFC 1421), such as those of an encrypted key.
    pub(crate) has_headers: bool,
    pub(crate) contents: Zeroizing<Vec<u8>>,
}

/// Whether `bytes` look like PEM rather than DER.
pub(crate) fn is_pem(bytes: &[u8]) -> bool {
    bytes.windows(BEGIN.len()).any(|window| window == BEGIN.as_bytes())
        // DER starts with the tag of a SEQUENCE, and binary may contain the words by chance.
        && std::str::from_utf8(bytes).is_ok()
}

/// All blocks, in order.
///
/// # Errors
/// [`Error::Malformed`] if a block does not end or is not base64.
pub(crate) fn blocks(bytes: &[u8]) -> Result<Vec<Block>, Error> {
    let malformed = |reason| Error::malformed_because("PEM", reason);
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("it is not text"))?;
    let mut blocks = Vec::new();
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let Some(label) = line
            .strip_prefix(BEGIN)
            .and_then(|rest| rest.strip_suffix(DASHES))
        else {
            continue;
        };
        let mut base64 = Zeroizing::new(String::new());
        let mut has_headers = false;
        loop {
            let line = lines
                .next()
                .ok_or_else(|| malformed("a BEGIN line has no END line"))?;
            if let Some(end) = line
                .strip_prefix(END)
                .and_then(|rest| rest.strip_suffix(DASHES))
            {
                if end != label {
                    return Err(malformed("the labels of a BEGIN and an END line differ"));
                }
                break;
            }
            if line.contains(':') {
                has_headers = true;
            } else {
                base64.push_str(line);
            }
        }
        let contents = match STANDARD.decode(base64.as_bytes()) {
            Ok(contents) => Zeroizing::new(contents),
            // What is encrypted is refused by its label or headers, whatever it looks like.
            Err(_) if has_headers => Zeroizing::default(),
            // The decoder's message quotes a character of the input, which may be a key.
            Err(_) => return Err(malformed("a block is not base64")),
        };
        blocks.push(Block {
            label: label.to_owned(),
            has_headers,
            contents,
        });
    }
    Ok(blocks)
}

/// One block as RFC 7468 writes it.
pub(crate) fn encode(label: &str, contents: &[u8]) -> String {
    let base64 = STANDARD.encode(contents);
    let mut text = format!("{BEGIN}{label}{DASHES}\n");
    for (index, character) in base64.chars().enumerate() {
        if index > 0 && index % LINE_LEN == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push('\n');
    text.push_str(&format!("{END}{label}{DASHES}\n"));
    text
}
