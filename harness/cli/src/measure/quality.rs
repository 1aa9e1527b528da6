//! How close each backend's answers are to those in f32: one text, scored once for every backend, precision and graph.

use std::{collections::BTreeMap, env, fs, time::Duration};

use pocketwatt_files::{PartialFolder, sha256};
use pocketwatt_model::TextTokenizer;
use pocketwatt_protocol::{
    Event, GraphKind, LoadOptions, PROTOCOL_VERSION, Precision, Request, ScoreTask, Task, TokenId,
};
use pocketwatt_record::{Absent, AbsentKind, Case, Logits, Quality};

use super::{Mailbox, RunnerProgram, ask};
use crate::plan::{Backend, PreparedModel};

/// The text, written for this project.
const TEXT: &str = include_str!("../../../../scenarios/quality.txt");
/// Tokens that are processed at once; the others follow one by one.
const PROMPT_TOKENS: usize = 17;
/// Positions that are compared.
const POSITIONS: usize = 256;
/// The same for seeded weights, for which the only question is whether the engines agree.
const SEEDED_POSITIONS: usize = 48;

/// What was scored: a model on a backend.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    model: String,
    backend: String,
    precision: Precision,
    graph: Option<GraphKind>,
}

/// Logits row after row, or why there are none.
type Answer = Result<Vec<f32>, String>;

/// Scores texts, and keeps the results.
#[derive(Debug, Default)]
pub struct Scorer {
    known: BTreeMap<Key, Quality>,
    /// The reference of the current model: cases of one model are neighbours.
    reference: Option<(String, Reference)>,
}

#[derive(Debug)]
struct Reference {
    name: String,
    key: Key,
    text: Result<Text, String>,
    answer: Answer,
}

#[derive(Clone, Debug)]
struct Text {
    sha256: String,
    tokens: Vec<TokenId>,
}

/// A backend that can be asked.
#[derive(Clone, Debug)]
pub struct Respondent<'a> {
    /// The backend.
    pub backend: &'a Backend,
    /// Its runner.
    pub program: RunnerProgram,
}

/// The question of a quality.
#[derive(Debug)]
pub struct Question<'a> {
    /// The case.
    pub case: &'a Case,
    /// Its model.
    pub model: &'a PreparedModel,
    /// Its backend.
    pub respondent: Respondent<'a>,
    /// The backend whose f32 is the reference.
    pub reference: Result<Respondent<'a>, String>,
    /// A runner that writes nothing for this long is killed.
    pub silence: Duration,
}

impl Scorer {
    /// The quality of a case's backend in its precision; scored on the first call.
    pub fn quality(&mut self, question: &Question, mailbox: &mut Mailbox) -> Quality {
        let case = question.case;
        if question.model.passport.seeded && case.precision != Precision::F32 {
            return Quality::Absent(AbsentKind::SeededWeights.into());
        }
        let key = Key {
            model: case.model.clone(),
            backend: case.backend.clone(),
            precision: case.precision,
            graph: case.graph,
        };
        if let Some(quality) = self.known.get(&key) {
            return quality.clone();
        }
        let quality = self.compare(question, &key, mailbox).unwrap_or_else(Quality::Absent);
        self.known.insert(key, quality.clone());
        quality
    }

    fn compare(&mut self, question: &Question, key: &Key, mailbox: &mut Mailbox) -> Result<Quality, Absent> {
        let failed = |words: String| Absent::new(AbsentKind::ComparisonFailed, words);
        let no_reference = |words: String| Absent::new(AbsentKind::NoReference, words);
        let own_reference =
            question.reference.as_ref().is_ok_and(|reference| reference_key(question, reference) == *key);
        if own_reference && question.model.passport.seeded {
            return Err(AbsentKind::SeededWeights.into());
        }
        if self.reference.as_ref().is_none_or(|(model, _)| *model != key.model) {
            self.reference = Some((key.model.clone(), reference(question, mailbox).map_err(no_reference)?));
        }
        let Some((_, reference)) = &self.reference else { return Err(AbsentKind::NoReference.into()) };
        let text = reference.text.as_ref().map_err(|words| failed(words.clone()))?;
        let expected = reference.answer.as_ref().map_err(|words| format!("no reference, {}: {words}", reference.name));
        let expected = expected.map_err(no_reference)?;
        let is_reference = reference.key == *key;
        let scored = match is_reference {
            true => None,
            false => Some(score(question, &question.respondent, key, text, mailbox).map_err(failed)?),
        };
        let logits = Logits {
            vocabulary: question.model.folder.config().vocabulary,
            reference: expected,
            found: scored.as_ref().unwrap_or(expected),
            next: &text.tokens[PROMPT_TOKENS..],
        };
        let mut figures = logits.compare();
        figures.text_sha256.clone_from(&text.sha256);
        figures.reference.clone_from(&reference.name);
        figures.is_reference = is_reference;
        Ok(Quality::Compared(figures))
    }
}

fn reference(question: &Question, mailbox: &mut Mailbox) -> Result<Reference, String> {
    let respondent = question.reference.as_ref().map_err(Clone::clone)?;
    let key = reference_key(question, respondent);
    let text = text(question.model);
    let answer = text.clone().and_then(|text| score(question, respondent, &key, &text, mailbox));
    Ok(Reference { name: format!("{} f32", key.backend), key, text, answer })
}

fn reference_key(question: &Question, respondent: &Respondent) -> Key {
    Key {
        model: question.case.model.clone(),
        backend: respondent.backend.name.clone(),
        precision: Precision::F32,
        graph: respondent.backend.graphs.first().copied(),
    }
}

fn text(model: &PreparedModel) -> Result<Text, String> {
    let line = |error| format!("{:#}", anyhow::Error::from(error));
    let mut tokens = TextTokenizer::open(&model.folder).and_then(|tokenizer| tokenizer.encode(TEXT)).map_err(line)?;
    let positions = if model.passport.seeded { SEEDED_POSITIONS } else { POSITIONS };
    let context = model.folder.config().context;
    tokens.truncate((PROMPT_TOKENS + positions - 1).min(context));
    if tokens.len() <= PROMPT_TOKENS {
        return Err(format!("the text has {} tokens, more than {PROMPT_TOKENS} are needed", tokens.len()));
    }
    let sha256 = sha256(TEXT);
    Ok(Text { sha256, tokens })
}

fn score(
    question: &Question,
    respondent: &Respondent,
    key: &Key,
    text: &Text,
    mailbox: &mut Mailbox,
) -> Result<Vec<f32>, String> {
    let scratch = PartialFolder::begin(&env::temp_dir())
        .map_err(|error| format!("cannot make a folder for the logits: {error}"))?;
    let logits_path = scratch.path().join("logits");
    let task = ScoreTask {
        tokens: text.tokens.clone(),
        prompt_tokens: PROMPT_TOKENS as u32,
        logits_path: logits_path.clone(),
    };
    let request = Request {
        protocol: PROTOCOL_VERSION,
        model: question.model.files(key.precision, key.graph)?,
        options: LoadOptions {
            threads: question.case.threads,
            precision: key.precision,
            context_tokens: text.tokens.len() as u32,
        },
        task: Task::Score(task),
        phase_edges: false,
    };
    question.model.ensure_unchanged(key.precision)?;
    let events = ask(&respondent.program, respondent.backend, request, mailbox, question.silence)?;
    question.model.ensure_unchanged(key.precision)?;
    let vocabulary = question.model.folder.config().vocabulary;
    let rows = text.tokens.len() - PROMPT_TOKENS + 1;
    let scored = events.iter().find_map(|event| match event {
        Event::Scored(scored) => Some((scored.rows as usize, scored.vocabulary as usize)),
        _ => None,
    });
    let bytes = fs::read(&logits_path).map_err(|error| format!("its logits cannot be read: {error}"))?;
    if scored != Some((rows, vocabulary)) || bytes.len() != rows * vocabulary * size_of::<f32>() {
        return Err(format!("it computed {scored:?} logits in {} bytes, expected {rows} rows", bytes.len()));
    }
    Ok(bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}
