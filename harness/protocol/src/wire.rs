use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use thiserror::Error;

use crate::{Event, PROTOCOL_VERSION, Request};

/// Longest line that either side accepts. A line of a 2,048-token conversation is below 100 KB; the bound keeps a
/// runner that prints garbage from filling the memory of the harness.
pub const MAX_LINE_BYTES: u64 = 16 << 20;

/// Characters of an offending line that an error quotes.
const QUOTED_CHARACTERS: usize = 120;

/// Why a line could not be exchanged.
#[derive(Debug, Error)]
pub enum WireError {
    /// The pipe broke.
    #[error("the pipe to the other process failed")]
    Io(#[from] io::Error),
    /// The other side closed its end.
    #[error("the other process closed the pipe before it was done")]
    Closed,
    /// A line above [`MAX_LINE_BYTES`].
    #[error("a line is longer than {MAX_LINE_BYTES} bytes: {quoted:?} ...")]
    TooLong {
        /// Its beginning.
        quoted: String,
    },
    /// A line that is not one of our messages.
    #[error("not a protocol message: {quoted:?}: {reason}")]
    Malformed {
        /// Its beginning.
        quoted: String,
        /// The parser's message.
        reason: String,
    },
    /// Harness and runner were built from different versions.
    #[error("the other process speaks protocol {theirs}, this one speaks {PROTOCOL_VERSION}: rebuild the runner")]
    Version {
        /// The other side's version.
        theirs: u64,
    },
}

/// Writes `message` as one line and flushes it.
pub fn write_message(mut to: impl Write, message: &impl Serialize) -> Result<(), WireError> {
    let mut line = serde_json::to_vec(message).map_err(io::Error::from)?;
    line.push(b'\n');
    to.write_all(&line)?;
    to.flush()?;
    Ok(())
}

/// Reads the request, refusing another protocol version before anything else is looked at.
pub fn read_request(from: impl BufRead) -> Result<Request, WireError> {
    let line = read_line(from)?;
    check_version(&line, |version: Version| version.protocol)?;
    parse(&line)
}

/// Reads the next event; a greeting in another protocol version is refused before its contents are looked at.
pub fn read_event(from: impl BufRead) -> Result<Event, WireError> {
    let line = read_line(from)?;
    check_version(&line, |greeting: Version| greeting.protocol)?;
    parse(&line)
}

/// The part of a request or greeting that stays the same in every version.
#[derive(Deserialize)]
struct Version {
    protocol: Option<u64>,
}

fn check_version<T: DeserializeOwned>(line: &str, version: impl Fn(T) -> Option<u64>) -> Result<(), WireError> {
    match version(parse(line)?) {
        Some(theirs) if theirs != u64::from(PROTOCOL_VERSION) => Err(WireError::Version { theirs }),
        _ => Ok(()),
    }
}

fn read_line(from: impl BufRead) -> Result<String, WireError> {
    let mut bytes = Vec::new();
    let length = from.take(MAX_LINE_BYTES).read_until(b'\n', &mut bytes)?;
    if length == 0 {
        return Err(WireError::Closed);
    }
    let complete = bytes.last() == Some(&b'\n');
    let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
    if !complete && length as u64 == MAX_LINE_BYTES {
        return Err(WireError::TooLong { quoted: quote(&line) });
    }
    Ok(line)
}

fn parse<T: DeserializeOwned>(line: &str) -> Result<T, WireError> {
    serde_json::from_str(line).map_err(|error| WireError::Malformed { quoted: quote(line), reason: error.to_string() })
}

fn quote(line: &str) -> String {
    line.chars().take(QUOTED_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;
    use crate::{BackendInfo, LoadOptions, ModelFiles, Precision, Task, TokenId, Turn, Workload};

    fn request(prompt: Vec<u32>) -> Request {
        Request {
            protocol: PROTOCOL_VERSION,
            model: ModelFiles {
                folder: PathBuf::from("m"),
                weights: PathBuf::from("m/model.safetensors"),
                weights_sha256: "00".into(),
                graph: None,
            },
            options: LoadOptions { threads: 1, precision: Precision::F32, context_tokens: 16 },
            phase_edges: false,
            task: Task::Generate(Workload {
                conversations: vec![vec![Turn {
                    prompt: prompt.into_iter().map(TokenId).collect(),
                    max_output_tokens: 4,
                    grammar: None,
                }]],
                stop_tokens: vec![TokenId(2)],
                token_bytes: None,
                warmup_iterations: 1,
                warmup: None,
                iterations: 2,
                at_least_ms: 0,
                settle_ms: 0,
            }),
        }
    }

    #[test]
    fn greeting_on_the_wire_is_pinned() {
        let backend = BackendInfo {
            name: "fake".into(),
            version: "1".into(),
            engine: "fake".into(),
            engine_version: "1".into(),
            accelerator: "cpu".into(),
            build: "debug".into(),
            platform: None,
        };
        let mut line = Vec::new();
        write_message(&mut line, &Event::Hello { protocol: 1, backend }).unwrap();
        insta::assert_snapshot!(String::from_utf8(line).unwrap(), @r#"{"event":"hello","protocol":1,"backend":{"name":"fake","version":"1","engine":"fake","engine_version":"1","accelerator":"cpu","build":"debug"}}"#);
    }

    #[test]
    fn another_version_is_refused_before_its_fields_are_read() {
        let line = br#"{"protocol":99,"something":"new"}"#;
        let error = read_request(&line[..]).unwrap_err();
        assert!(matches!(error, WireError::Version { theirs: 99 }), "{error}");
        let line = br#"{"event":"hello","protocol":7,"who":"knows"}"#;
        let error = read_event(&line[..]).unwrap_err();
        insta::assert_snapshot!(error, @"the other process speaks protocol 7, this one speaks 4: rebuild the runner");
    }

    #[test]
    fn garbage_and_silence_are_errors() {
        assert!(matches!(read_event(&b"Segmentation fault\n"[..]), Err(WireError::Malformed { .. })));
        assert!(matches!(read_event(&b""[..]), Err(WireError::Closed)));
        let endless = io::repeat(b'x');
        assert!(matches!(read_event(io::BufReader::new(endless)), Err(WireError::TooLong { .. })));
    }

    proptest! {
        #[test]
        fn requests_survive_the_wire(prompt in prop::collection::vec(any::<u32>(), 1..50)) {
            let sent = request(prompt);
            let mut line = Vec::new();
            write_message(&mut line, &sent).unwrap();
            prop_assert_eq!(read_request(&line[..]).unwrap(), sent);
        }

        #[test]
        fn no_line_panics_the_reader(line in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_event(&line[..]);
            let _ = read_request(&line[..]);
        }
    }
}
