//! Messages between the harness and a text process: frames of a length and that many bytes.

use std::io::{self, Read};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::TextEnd;

/// Bytes of the longest answer: the bytes of a quarter of a million tokens take a third of that.
pub(super) const MOST_ANSWER_BYTES: usize = 32 << 20;
/// Bytes of the longest file: Gemma's tokenizer, the largest in use, has a quarter of that.
pub(super) const MOST_FILE_BYTES: u64 = 128 << 20;
pub(super) const LENGTH_BYTES: usize = size_of::<u64>();

/// What a text process opens; the first message. The files follow, one frame each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Subject {
    pub kind: SubjectKind,
    pub files: Vec<TextFile>,
}

/// The kind of reader for the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum SubjectKind {
    /// A tokenizer, for a model with embeddings for this many tokens.
    Tokenizer {
        vocabulary: usize,
    },
    Template,
}

impl Subject {
    /// The main file of the subject.
    pub(super) fn file(&self) -> TextFile {
        match self.kind {
            SubjectKind::Tokenizer { .. } => TextFile::Tokenizer,
            SubjectKind::Template if self.files.contains(&TextFile::Template) => TextFile::Template,
            SubjectKind::Template => TextFile::Configuration,
        }
    }
}

/// A file of a model that affects its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum TextFile {
    Tokenizer,
    Configuration,
    SpecialTokens,
    AddedTokens,
    Template,
}

impl TextFile {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Tokenizer => "tokenizer.json",
            Self::Configuration => "tokenizer_config.json",
            Self::SpecialTokens => "special_tokens_map.json",
            Self::AddedTokens => "added_tokens.json",
            Self::Template => "chat_template.jinja",
        }
    }
}

/// The files of a subject by their names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Files<'a> {
    names: &'a [TextFile],
    contents: &'a [Vec<u8>],
}

impl<'a> Files<'a> {
    pub(super) fn new(names: &'a [TextFile], contents: &'a [Vec<u8>]) -> Self {
        Self { names, contents }
    }

    /// A file's bytes, if it is among them.
    pub(super) fn get(self, file: TextFile) -> Option<&'a [u8]> {
        self.names.iter().zip(self.contents).find(|(name, _)| **name == file).map(|(_, bytes)| bytes.as_slice())
    }
}

/// A question to a reader that has opened its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Question {
    /// [`Answer::Tokens`], for each text.
    Encode(Vec<String>),
    /// [`Answer::Tokens`], for each of several texts that follow one another with answers between them.
    EncodeTurns(Vec<String>),
    /// [`Answer::Texts`], for each list of tokens.
    Decode(Vec<Vec<u32>>),
    /// [`Answer::Texts`]: the text of the first `n` tokens, for each `n` from `from` to before `until`.
    DecodePrefixes { tokens: Vec<u32>, from: usize, until: usize },
    /// [`Answer::Found`]: the tokens with exactly these texts.
    Find(Vec<String>),
    /// [`Answer::Bytes`]: what each token adds to a text.
    TokenBytes,
    /// [`Answer::Done`], when the tokenizer can do all of the above with every kind of text.
    TryAll,
    /// [`Answer::Written`]: see [`crate::ChatTemplate::segments`].
    Segments { system: Option<String>, examples: Vec<(String, String)>, user_turns: Vec<String> },
}

impl Question {
    /// What the reader does in the meantime, for people.
    pub(super) fn doing(&self) -> &'static str {
        match self {
            Self::Encode(_) | Self::EncodeTurns(_) => "turning text into tokens",
            Self::Decode(_) | Self::DecodePrefixes { .. } => "turning tokens into text",
            Self::Find(_) | Self::TokenBytes => "looking tokens up",
            Self::TryAll => "trying it on every kind of text",
            Self::Segments { .. } => "writing a conversation",
        }
    }
}

/// A reader's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Answer {
    /// A tokenizer was opened. It knows this many tokens; `remarks` are for the user.
    Tokenizer {
        vocabulary: usize,
        remarks: Vec<String>,
    },
    Template(Opened),
    /// The text before each answer of a conversation, and the white space by which the kept cache may differ from the whole text.
    Written {
        segments: Vec<String>,
        differences: Vec<String>,
    },
    Tokens(Vec<Vec<u32>>),
    Texts(Vec<String>),
    Found(Vec<Option<u32>>),
    Bytes(Vec<Vec<u8>>),
    Done,
}

/// A template that was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Opened {
    pub is_default: bool,
    /// Texts of tokens that end an answer.
    pub end_markers: Vec<String>,
    /// Remarks about it for the user.
    pub remarks: Vec<String>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Failure {
    /// The file itself raises an error, or is malformed.
    Invalid { file: TextFile, reason: String },
    /// Reading it failed.
    Ended(TextEnd),
}

/// A message as a frame.
///
/// # Errors
/// When it cannot be written as JSON.
pub(super) fn frame<T: Serialize>(message: &T) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; LENGTH_BYTES];
    serde_json::to_writer(&mut frame, message)?;
    let length = (frame.len() - LENGTH_BYTES) as u64;
    frame[..LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
    Ok(frame)
}

/// The length that precedes a file's bytes.
pub(super) fn file_head(file: &[u8]) -> [u8; LENGTH_BYTES] {
    (file.len() as u64).to_le_bytes()
}

/// The next frame's bytes; `None` when the other side is gone between two frames.
///
/// # Errors
/// When it is gone within a frame, or the frame is longer than `most`.
pub(super) fn read_frame(stream: &mut impl Read, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut head = [0; LENGTH_BYTES];
    match stream.read(&mut head[..1])? {
        0 => return Ok(None),
        _ => stream.read_exact(&mut head[1..])?,
    }
    let length = u64::from_le_bytes(head);
    if length > most {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a message of {length} bytes")));
    }
    // Memory grows as bytes arrive, not by the announced length.
    let mut bytes = Vec::new();
    if stream.take(length).read_to_end(&mut bytes)? as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(bytes))
}

/// A frame's message.
///
/// # Errors
/// When it is malformed.
pub(super) fn parse<T: DeserializeOwned>(frame: &[u8]) -> io::Result<T> {
    Ok(serde_json::from_slice(frame)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_arrive_as_they_were_sent_and_only_whole() {
        let question = Question::Encode(vec!["Grüße\n".into(), String::new()]);
        let mut bytes = frame(&question).unwrap();
        bytes.extend(file_head(b"{}"));
        bytes.extend(b"{}");
        let mut stream = bytes.as_slice();
        let first = read_frame(&mut stream, 100).unwrap().unwrap();
        assert_eq!(parse::<Question>(&first).unwrap(), question);
        assert_eq!(read_frame(&mut stream, 100).unwrap().unwrap(), b"{}");
        assert_eq!(read_frame(&mut stream, 100).unwrap(), None);
        assert!(read_frame(&mut &bytes[..bytes.len() - 1], 100).is_ok());
        assert!(read_frame(&mut &bytes[..20], 100).is_err(), "cut off");
        assert!(read_frame(&mut bytes.as_slice(), 5).is_err(), "too long");
        assert!(parse::<Question>(b"{}").is_err());
    }
}
