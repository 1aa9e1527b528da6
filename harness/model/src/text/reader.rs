//! Reads tokenizers and chat templates with other crates, which run what an untrusted file says. That code may panic,
//! abort, never end or use too much memory, so the harness runs it in a process of its own: see [`super::process`].

mod configuration;
mod special;
mod spelling;
mod template;
mod tokenizer;

use self::{template::TemplateReader, tokenizer::TokenizerReader};
use super::{
    TextEnd,
    message::{Answer, Failure, Files, Question, SubjectKind, TextFile},
};

/// An open tokenizer or template.
#[derive(Debug)]
pub(super) enum Reader {
    Tokenizer(Box<TokenizerReader>),
    Template(TemplateReader),
}

impl Reader {
    /// Opens the files of a subject, and describes them.
    ///
    /// # Errors
    /// When a file is malformed, or does not fit the model.
    pub(super) fn open(kind: SubjectKind, files: Files) -> Result<(Self, Answer), Failure> {
        Ok(match kind {
            SubjectKind::Tokenizer { vocabulary } => {
                let (reader, remarks) = TokenizerReader::open(files, vocabulary)?;
                let opened = Answer::Tokenizer { vocabulary: reader.vocabulary(), remarks };
                (Self::Tokenizer(Box::new(reader)), opened)
            }
            SubjectKind::Template => {
                let reader = TemplateReader::open(files)?;
                let opened = Answer::Template(reader.opened());
                (Self::Template(reader), opened)
            }
        })
    }

    /// Answers a question.
    ///
    /// # Errors
    /// When the tokenizer or template cannot answer it.
    pub(super) fn answer(&self, question: &Question) -> Result<Answer, Failure> {
        match (self, question) {
            (Self::Tokenizer(reader), question) => reader.answer(question),
            (Self::Template(reader), Question::Segments { system, examples, user_turns }) => {
                reader.segments(system.as_deref(), examples, user_turns)
            }
            (Self::Template(_), question) => Err(unanswerable(question)),
        }
    }
}

fn unanswerable(question: &Question) -> Failure {
    Failure::Ended(TextEnd::Broken { seen: format!("was asked for {}, which it does not do", question.doing()) })
}

fn invalid(file: TextFile, reason: impl Into<String>) -> Failure {
    Failure::Invalid { file, reason: reason.into() }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
