//! One line from the terminal that does not appear on it.

use std::io::{self, BufRead};

use zeroize::Zeroizing;

/// Longer than any password or token that a registry takes.
const LONGEST: usize = 64 * 1024;

const INTERRUPT: u8 = 0x03;
const END_OF_TRANSMISSION: u8 = 0x04;
const BACKSPACE: u8 = 0x08;
const DELETE: u8 = 0x7f;
const KILL_LINE: u8 = 0x15;

/// Reads the keys of one line. The terminal sends each of them as it is, so that editing and interrupting are done here:
/// a signal would end the process and leave the terminal mute.
///
/// # Errors
/// [`io::ErrorKind::Interrupted`] for Ctrl-C; what is no UTF-8, too long, or those of the input.
pub fn read_keys(input: &mut dyn BufRead) -> io::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(Vec::with_capacity(256));
    while let Some(&key) = input.fill_buf()?.first() {
        input.consume(1);
        match key {
            b'\n' | b'\r' | END_OF_TRANSMISSION => break,
            INTERRUPT => return Err(io::ErrorKind::Interrupted.into()),
            BACKSPACE | DELETE => remove_last_character(&mut line),
            KILL_LINE => line.clear(),
            _ if line.len() >= LONGEST => {
                return Err(io::Error::other("the line is too long"));
            }
            key => line.push(key),
        }
    }
    let text = std::str::from_utf8(&line).map_err(|_| io::Error::other("it is not UTF-8"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn remove_last_character(line: &mut Vec<u8>) {
    // The bytes of a character after its first are 10xxxxxx.
    while let Some(byte) = line.pop() {
        if byte & 0xc0 != 0x80 {
            break;
        }
    }
}

/// Standard input as a terminal that shows nothing, until this is dropped.
#[cfg(unix)]
#[derive(Debug)]
pub struct Muted {
    before: rustix::termios::Termios,
}

#[cfg(unix)]
impl Muted {
    /// Mutes the terminal. `None` if standard input is none.
    pub fn terminal() -> Option<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let input = rustix::stdio::stdin();
        let before = tcgetattr(input).ok()?;
        let mut muted = before.clone();
        muted
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(input, OptionalActions::Flush, &muted).ok()?;
        Some(Self { before })
    }
}

#[cfg(unix)]
impl Drop for Muted {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        // There is nobody to tell, and nothing else to try.
        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Flush, &self.before);
    }
}

/// There is no way to mute the terminal here: the line is read as any other.
#[cfg(not(unix))]
#[derive(Debug)]
pub struct Muted;

#[cfg(not(unix))]
impl Muted {
    /// `None`.
    pub fn terminal() -> Option<Self> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[u8]) -> io::Result<String> {
        read_keys(&mut io::BufReader::new(keys)).map(|line| line.to_string())
    }

    #[test]
    fn a_line_ends_with_return_or_with_the_end_of_input() {
        assert_eq!(typed(b"one\rtwo").unwrap(), "one");
        assert_eq!(typed(b"one\x04").unwrap(), "one");
        assert_eq!(typed(b"one").unwrap(), "one");
    }

    #[test]
    fn backspace_takes_a_whole_character_and_ctrl_u_the_line() {
        assert_eq!(typed("aé\u{7f}b\n".as_bytes()).unwrap(), "ab");
        assert_eq!(typed(b"wrong\x15right\n").unwrap(), "right");
        assert_eq!(typed(b"\x7f\x7fx\n").unwrap(), "x");
    }

    #[test]
    fn ctrl_c_interrupts() {
        let error = typed(b"secr\x03").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Interrupted);
    }

    #[test]
    fn a_line_without_end_is_refused() {
        assert!(typed(&vec![b'x'; LONGEST + 1]).is_err());
        assert!(typed(b"\xff\n").is_err());
    }
}
