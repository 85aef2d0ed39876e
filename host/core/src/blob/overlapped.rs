//! Hashing while reading: one thread reads ahead, this one hashes, and the buffers go round between them.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use apostille_artifact::{Digest, DigestAlgorithm, Digester};

/// Large enough that the system calls cost nothing beside the hashing, small enough for the processor's cache.
const BUFFER_LEN: usize = 512 * 1024;
/// One that is filled, one that is hashed, and one in between for whoever is faster.
const BUFFERS: usize = 3;

/// The digest and the length of everything that `reader` gives. At most [`BUFFERS`] buffers are in memory.
pub(super) fn digest(
    mut reader: impl Read + Send,
    algorithm: DigestAlgorithm,
) -> io::Result<(Digest, u64)> {
    let mut digester = algorithm.digester();
    let mut first = vec![0; BUFFER_LEN];
    let filled = fill(&mut reader, &mut first)?;
    let mut length = add(&mut digester, &first, filled)?;
    // A file that fits into one buffer is not worth a thread.
    if filled == BUFFER_LEN {
        length += digest_rest(reader, first, &mut digester)?;
    }
    Ok((digester.finish(), length))
}

/// A buffer and how much of it is filled.
type Filled = io::Result<(Vec<u8>, usize)>;

fn digest_rest(
    reader: impl Read + Send,
    first: Vec<u8>,
    digester: &mut Digester,
) -> io::Result<u64> {
    let (to_hash, filled_ones) = sync_channel::<Filled>(BUFFERS);
    let (to_fill, empty_ones) = sync_channel::<Vec<u8>>(BUFFERS);
    let spare = (1..BUFFERS).map(|_| vec![0; BUFFER_LEN]);
    for buffer in spare.chain([first]) {
        // The channel holds them all, and its other end is still here.
        to_fill.send(buffer).map_err(io::Error::other)?;
    }
    thread::scope(move |scope| {
        thread::Builder::new()
            .name("blob reader".to_owned())
            .spawn_scoped(scope, move || read_ahead(reader, &empty_ones, &to_hash))?;
        let mut length = 0;
        // Ends when the reader has said that there is no more, or has failed.
        for filled in filled_ones {
            let (buffer, len) = filled?;
            length += add(digester, &buffer, len)?;
            // The reader may have finished already.
            let _ = to_fill.send(buffer);
        }
        Ok(length)
    })
}

/// Fills buffers until the end, an error, or until nobody wants them any more.
fn read_ahead(mut reader: impl Read, empty: &Receiver<Vec<u8>>, to_hash: &SyncSender<Filled>) {
    for mut buffer in empty {
        let filled = fill(&mut reader, &mut buffer);
        let more = matches!(filled, Ok(len) if len == buffer.len());
        let wanted = to_hash.send(filled.map(|len| (buffer, len))).is_ok();
        if !more || !wanted {
            return;
        }
    }
}

/// Reads until `buffer` is full or there is no more.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn add(digester: &mut Digester, buffer: &[u8], filled: usize) -> io::Result<u64> {
    let bytes = buffer.get(..filled).ok_or(io::ErrorKind::InvalidData)?;
    digester.update(bytes);
    u64::try_from(filled).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes in pieces of changing sizes, and stumbles now and then.
    struct Stumbling<'a> {
        bytes: &'a [u8],
        turn: usize,
    }

    impl Read for Stumbling<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.turn += 1;
            if self.turn.is_multiple_of(5) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let len = (self.turn * 7919).min(self.bytes.len()).min(buffer.len());
            let (now, later) = self.bytes.split_at(len);
            buffer[..len].copy_from_slice(now);
            self.bytes = later;
            Ok(len)
        }
    }

    struct Failing(usize);

    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::Error::other("the disk is gone"));
            }
            self.0 -= 1;
            Ok(buffer.len())
        }
    }

    #[test]
    fn every_length_around_the_buffers_gives_the_digest_of_the_whole() {
        let bytes: Vec<u8> = (0..BUFFER_LEN * 5).map(|at| (at % 251) as u8).collect();
        let edges = [0, BUFFER_LEN, BUFFER_LEN * BUFFERS, BUFFER_LEN * 5 - 1];
        for edge in edges {
            for len in [edge.saturating_sub(1), edge, edge + 1] {
                let content = &bytes[..len];
                for algorithm in DigestAlgorithm::ALL {
                    let expected = (Digest::of(algorithm, content), len as u64);
                    assert_eq!(digest(content, algorithm).unwrap(), expected);
                }
            }
        }
    }

    #[test]
    fn a_reader_that_gives_little_and_is_interrupted_loses_nothing() {
        let bytes: Vec<u8> = (0..BUFFER_LEN * 2 + 77)
            .map(|at| (at % 253) as u8)
            .collect();
        let reader = Stumbling {
            bytes: &bytes,
            turn: 0,
        };
        let (found, len) = digest(reader, DigestAlgorithm::Sha384).unwrap();
        assert_eq!(found, Digest::of(DigestAlgorithm::Sha384, &bytes));
        assert_eq!(len, bytes.len() as u64);
    }

    #[test]
    fn an_error_anywhere_is_an_error_and_no_digest() {
        for good_reads in [0, 1, BUFFERS, BUFFERS * 4] {
            let error = digest(Failing(good_reads), DigestAlgorithm::Sha256).unwrap_err();
            assert_eq!(error.to_string(), "the disk is gone");
        }
    }
}
