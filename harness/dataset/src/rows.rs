//! Files of rows: JSON Lines, or one JSON array.

mod encoding;
mod not_numbers;

use std::{
    borrow::Cow,
    fmt::{self, Display},
    io::{self, ErrorKind},
    ops::Range,
    path::{Path, PathBuf},
};

use pocketwatt_files::{read_bounded, sha256};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use thiserror::Error;

/// Longest row that is read, in bytes. The longest published conversations have some hundred kilobytes.
const MAX_ROW_BYTES: usize = 4 << 20;
/// Largest file that is read, in bytes: its rows are kept in memory.
const MAX_FILE_BYTES: u64 = 1 << 30;
/// Longest reason why a row cannot be used: it may quote the row itself.
const MAX_REASON_CHARACTERS: usize = 300;
/// The mark that some editors write before the first row.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A file that cannot be used at all.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The file could not be read.
    #[error("cannot read the data set {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is too large to be kept in memory.
    #[error("the data set {path} has more than {MAX_FILE_BYTES} bytes: split it")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It has none of the formats, or no usable row.
    #[error("{path} is not a data set: {reason}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What was found instead.
        reason: String,
    },
}

/// A row that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// The file.
    pub path: PathBuf,
    /// The line on which the row begins, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

impl RowError {
    /// Creates an error; a reason that is too long is cut.
    pub fn new(path: &Path, line: usize, reason: String) -> Self {
        Self { path: path.to_owned(), line, reason: shortened(&reason, MAX_REASON_CHARACTERS).into_owned() }
    }
}

/// The first characters of a text, marked if there were more.
pub(crate) fn shortened(text: &str, most_characters: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most_characters) {
        Some((end, _)) => format!("{}...", &text[..end]).into(),
        None => text.into(),
    }
}

impl Display for RowError {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        write!(to, "{}:{}: {}", self.path.display(), self.line, self.reason)
    }
}

/// The contents of a file.
#[derive(Clone, Debug)]
pub struct Rows<T> {
    /// The rows that can be used, each with the line on which it begins.
    pub rows: Vec<(usize, T)>,
    /// The rows that cannot be used.
    pub errors: Vec<RowError>,
    /// SHA-256 of the whole file in lower-case hexadecimal.
    pub sha256: String,
}

impl<T> Rows<T> {
    /// Converts each row; a row that cannot be converted becomes an error.
    pub fn and_then<U>(self, path: &Path, mut make: impl FnMut(T) -> Result<U, String>) -> Rows<U> {
        let mut errors = self.errors;
        let mut rows = Vec::with_capacity(self.rows.len());
        for (line, row) in self.rows {
            match make(row) {
                Ok(made) => rows.push((line, made)),
                Err(reason) => errors.push(RowError::new(path, line, reason)),
            }
        }
        errors.sort_by_key(|error| error.line);
        Rows { rows, errors, sha256: self.sha256 }
    }
}

/// Reads a file with one JSON object on each line, or with one JSON array of objects. Empty lines are skipped. `NaN` and
/// infinities, as Python writes them, are accepted where their value makes no difference to the row.
///
/// # Errors
/// When the file cannot be read or is too large, is in UTF-16 or UTF-32, or is an array that is not valid JSON.
pub fn read_rows<T: DeserializeOwned + PartialEq>(path: &Path) -> Result<Rows<T>, DatasetError> {
    let contents = read_bounded(path, MAX_FILE_BYTES).map_err(|source| match source.kind() {
        ErrorKind::FileTooLarge => DatasetError::TooLarge { path: path.to_owned() },
        _ => DatasetError::Io { path: path.to_owned(), source },
    })?;
    let sha256 = sha256(&contents);
    if let Some(encoding) = encoding::wide(&contents) {
        let reason = format!("it is written in {encoding}: save it as UTF-8");
        return Err(DatasetError::Unusable { path: path.to_owned(), reason });
    }
    let text = contents.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&contents);
    let raw = match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => elements(path, text)?,
        _ => lines(text),
    };
    let raw = Rows { rows: raw, errors: Vec::new(), sha256 };
    Ok(raw.and_then(path, parse))
}

/// The elements of a JSON array.
fn elements<'a>(path: &Path, text: &'a [u8]) -> Result<Vec<(usize, &'a [u8])>, DatasetError> {
    let unusable = |reason: String| DatasetError::Unusable { path: path.to_owned(), reason };
    let text = str::from_utf8(text).map_err(|error| {
        let line = line_of(&text[..error.valid_up_to()]);
        unusable(format!("line {line} {}", encoding::not_utf8(text, &error)))
    })?;
    let places = places_of_elements(text).or_else(|error| match not_numbers::replaced(text, "0") {
        Some(replaced) => places_of_elements(&replaced),
        None => Err(error),
    });
    let (mut line, mut from) = (1, 0);
    let rows = places.map_err(|error| unusable(error.to_string()))?.into_iter().map(|place| {
        line += line_of(&text.as_bytes()[from..place.start]) - 1;
        from = place.start;
        (line, &text.as_bytes()[place])
    });
    Ok(rows.collect())
}

fn places_of_elements(text: &str) -> Result<Vec<Range<usize>>, serde_json::Error> {
    let elements: Vec<&RawValue> = serde_json::from_str(text)?;
    let places = elements.into_iter().map(|element| {
        let at = element.get().as_ptr().addr() - text.as_ptr().addr();
        at..at + element.get().len()
    });
    Ok(places.collect())
}

/// The line, counted from 1, on which the text after `text` begins.
fn line_of(text: &[u8]) -> usize {
    1 + text.iter().filter(|byte| **byte == b'\n').count()
}

fn lines(text: &[u8]) -> Vec<(usize, &[u8])> {
    // Old Macs ended lines this way, and Python accepts it.
    let end = if text.contains(&b'\n') { b'\n' } else { b'\r' };
    let lines = text.split(|byte| *byte == end).map(<[u8]>::trim_ascii).enumerate();
    lines.filter(|(_, row)| !row.is_empty()).map(|(index, row)| (index + 1, row)).collect()
}

fn parse<T: DeserializeOwned + PartialEq>(row: &[u8]) -> Result<T, String> {
    if row.len() > MAX_ROW_BYTES {
        return Err(format!("the row has {} bytes, more than {MAX_ROW_BYTES}", row.len()));
    }
    let text = str::from_utf8(row)
        .map_err(|error| format!("byte {} {}", error.valid_up_to() + 1, encoding::not_utf8(row, &error)))?;
    if !text.starts_with('{') {
        let first: String = text.chars().take(1).collect();
        return Err(format!("it is not a JSON object: it begins with {first:?}, not with \"{{\""));
    }
    // The parser counts from the row's start; in a file of lines, its line is always 1.
    let in_words = |error: serde_json::Error| error.to_string().replace(" at line 1 column ", " at column ");
    serde_json::from_str(text).or_else(|error| not_numbers::read(text).unwrap_or_else(|| Err(in_words(error))))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Greeting {
        text: String,
    }

    fn read(contents: &[u8]) -> Result<Rows<Greeting>, DatasetError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("greetings.jsonl");
        fs::write(&path, contents).unwrap();
        read_rows(&path)
    }

    type Numbered = Vec<(usize, String)>;

    fn outcome(contents: &[u8]) -> (Numbered, Numbered) {
        let rows = read(contents).unwrap();
        let errors = rows.errors.into_iter().map(|error| (error.line, error.reason)).collect();
        (rows.rows.into_iter().map(|(line, row)| (line, row.text)).collect(), errors)
    }

    #[test]
    fn bad_rows_do_not_hide_good_ones() {
        let long = format!("{{\"text\":\"{}\"}}\n", "x".repeat(MAX_ROW_BYTES));
        let mut file =
            b"\xef\xbb\xbf{\"text\":\"a\"}\n\n{\"txt\":\"b\"}\r\n{\"text\":3}\n{\"text\":\"\xff\"}\n{oops\n".to_vec();
        file.extend(long.as_bytes());
        file.extend(b"{\"text\":\"z\"}");
        let (rows, errors) = outcome(&file);
        assert_eq!(rows, [(1, "a".to_owned()), (8, "z".to_owned())]);
        insta::assert_debug_snapshot!(errors, @r#"
        [
            (
                3,
                "missing field `text` at column 11",
            ),
            (
                4,
                "invalid type: integer `3`, expected a string at column 9",
            ),
            (
                5,
                "byte 10 is not UTF-8 (it is 0xFF, perhaps Windows-1252 or Latin-1): save the file as UTF-8",
            ),
            (
                6,
                "key must be a string at column 2",
            ),
            (
                7,
                "the row has 4194315 bytes, more than 4194304",
            ),
        ]
        "#);
    }

    #[test]
    fn lines_end_as_on_any_system() {
        for end in ["\n", "\r\n", "\r"] {
            let (rows, errors) = outcome(format!("{{\"text\":\"a\"}}{end}{end}{{\"text\":\"b\"}}").as_bytes());
            assert_eq!((rows, errors), (vec![(1, "a".to_owned()), (3, "b".to_owned())], vec![]));
        }
    }

    #[test]
    fn an_array_is_rows_too() {
        let (rows, errors) = outcome(b"[\n  {\"text\": \"a\"},\n\n  {\"text\": null}, {\"text\":\n \"c\"}\n]\n");
        assert_eq!(rows, [(2, "a".to_owned()), (4, "c".to_owned())]);
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].0, 4);
    }

    #[test]
    fn broken_arrays_and_missing_files_are_refused() {
        let error = read(b"[{\"text\":\"a\"},").unwrap_err().to_string();
        assert!(error.contains("is not a data set: EOF while parsing"), "{error}");
        let error = read(b"[\n\"\xff\"]").unwrap_err().to_string();
        assert!(error.contains("line 2 is not UTF-8 (it is 0xFF"), "{error}");
        let error = read_rows::<Greeting>(Path::new("nowhere.jsonl")).unwrap_err().to_string();
        assert_eq!(error, "cannot read the data set nowhere.jsonl");
    }

    #[test]
    fn what_a_reason_quotes_is_cut() {
        let long = format!("{{\"text\":[\"{}\"], \"text\":1}}\n{{\"{}\":1}}", "x".repeat(9), "é".repeat(500_000));
        let (_, errors) = outcome(long.as_bytes());
        assert!(errors.iter().all(|(_, reason)| reason.chars().count() <= MAX_REASON_CHARACTERS + 3), "{errors:?}");
        let reason = RowError::new(Path::new("x"), 1, "é".repeat(1000)).reason;
        assert_eq!((reason.chars().count(), reason.ends_with("...")), (MAX_REASON_CHARACTERS + 3, true));
    }

    #[test]
    fn pipes_and_devices_are_no_data_sets() {
        for path in ["/dev/zero", "/dev", "/proc/self/fd/0/nothing"] {
            let error = read_rows::<Greeting>(Path::new(path)).unwrap_err();
            assert!(matches!(&error, DatasetError::Io { .. }), "{error}");
        }
    }

    #[test]
    fn nothing_is_no_rows() {
        assert_eq!(outcome(b" \n"), (vec![], vec![]));
    }
}
