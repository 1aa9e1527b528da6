//! Where a tokenizer or a template is read: in a process of its own, or in this one.

use std::{
    io::ErrorKind,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use pocketwatt_files::read_bounded;

use super::{
    TextEnd,
    message::{Answer, Failure, Files, MOST_FILE_BYTES, Question, Subject, SubjectKind, TextFile},
    process::{TextProcess, program},
    reader::Reader,
};
use crate::{ModelError, ModelFolder};

/// The files of a subject, opened by a reader in either place.
#[derive(Debug)]
pub(super) struct Access {
    folder: PathBuf,
    file: TextFile,
    place: Mutex<Place>,
}

#[derive(Debug)]
enum Place {
    Here(Reader),
    Process(TextProcess),
}

impl Access {
    /// Passes the `files` that a model has to a reader, which describes them.
    ///
    /// # Errors
    /// When a file cannot be read or is malformed, or the reader cannot be started or fails.
    pub(super) fn open(
        folder: &ModelFolder,
        kind: SubjectKind,
        files: &[TextFile],
    ) -> Result<(Self, Answer), ModelError> {
        let mut subject = Subject { kind, files: Vec::new() };
        let mut bytes = Vec::new();
        for file in files {
            if let Some(read) = contents(folder, *file)? {
                subject.files.push(*file);
                bytes.push(read);
            }
        }
        let (folder, file) = (folder.path().to_owned(), subject.file());
        let (place, opened) = match program() {
            None => match Reader::open(kind, Files::new(&subject.files, &bytes)) {
                Ok((reader, answer)) => (Place::Here(reader), Ok(answer)),
                Err(failure) => return Err(error(&folder, file, "opening it", failure)),
            },
            Some(program) => {
                let mut process = TextProcess::start(program).map_err(ModelError::io("start", program))?;
                let opened = process.open(&subject, &bytes);
                (Place::Process(process), opened)
            }
        };
        let answer = opened.map_err(|failure| error(&folder, file, "opening it", failure))?;
        Ok((Self { folder, file, place: Mutex::new(place) }, answer))
    }

    /// Asks the reader.
    ///
    /// # Errors
    /// When it refuses with a reason, or fails.
    pub(super) fn ask(&self, question: &Question) -> Result<Answer, ModelError> {
        let answer = match &mut *self.place.lock().unwrap_or_else(PoisonError::into_inner) {
            Place::Here(reader) => reader.answer(question),
            Place::Process(process) => process.ask(question),
        };
        answer.map_err(|failure| error(&self.folder, self.file, question.doing(), failure))
    }

    /// The error for a reader whose answer does not fit the question.
    pub(super) fn confused(&self, question: &Question) -> ModelError {
        let failure = Failure::Ended(TextEnd::Broken { seen: "answered something else than it was asked".into() });
        error(&self.folder, self.file, question.doing(), failure)
    }
}

/// The bytes of a model's file; `None` where it does not exist.
///
/// # Errors
/// When it cannot be read, is not a regular file, or is larger than any in use.
fn contents(folder: &ModelFolder, file: TextFile) -> Result<Option<Vec<u8>>, ModelError> {
    let path = folder.path().join(file.name());
    match read_bounded(&path, MOST_FILE_BYTES) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ModelError::io("read", path)(error)),
    }
}

fn error(folder: &std::path::Path, read: TextFile, doing: &'static str, failure: Failure) -> ModelError {
    match failure {
        Failure::Invalid { file, reason } => ModelError::invalid(folder.join(file.name()), reason),
        Failure::Ended(end) => ModelError::Text { path: folder.join(read.name()), doing, end },
    }
}
