//! `pocketwatt conformance`: do the backends compute the same model? Only then are their speeds worth comparing.

mod table;

use std::{env, fs, path::Path, time::Duration};

use anyhow::{Context, Result};
use clap::{Args, value_parser};
use pocketwatt_files::PartialFolder;
use pocketwatt_model::TextTokenizer;
use pocketwatt_protocol::{
    Event, GraphKind, LoadOptions, PROTOCOL_VERSION, Precision, Request, ScoreTask, Task, TokenId, Turn, Workload,
};

use self::table::{Compared, Row};
use super::{
    beside::BesideArguments,
    output,
    selection::{CacheArguments, DEFAULT_MODEL, RegistryArguments},
};
use crate::{
    exit::Exit,
    measure::{Build, Entered, Mailbox, Programs, RunnerProgram, ask},
    plan::{Backend, PreparedModel, default_names, default_reference},
    refusal::Refusal,
};

/// The text whose logits are compared, written for this project.
const TEXT: &str = "The harbour of the small town lies on the sheltered side of the island. In the morning the boats come \
    back with herring and crab, and the people from the hotels walk down to buy them from the deck. An old man sells \
    coffee and warm bread from a blue van. He says that he has not missed a day in thirty years, except for the winter \
    in which the sea froze and the children walked across to the lighthouse.";
/// Tokens that are processed at once; the others follow one by one.
const PROMPT_TOKENS: usize = 17;
/// Positions whose logits are compared: after the prompt and after each further token.
const POSITIONS: usize = 64;
/// Tokens that are then generated from the whole text.
const GENERATED: u32 = 64;

/// Which model and backends to compare.
#[derive(Args, Debug)]
pub struct ConformanceArguments {
    /// Model: a name in the library, or a preset, which is generated with seeded weights.
    #[arg(long, value_name = "NAME", default_value = DEFAULT_MODEL)]
    model: String,
    #[arg(long, value_name = "NAME", value_delimiter = ',',
        help = format!("Backend, with every graph that it loads [default: {}]", default_names()))]
    backend: Vec<String>,
    #[arg(long, value_name = "NAME",
        help = format!("The backend that the others are compared with [default: {}]", default_reference()))]
    reference: Option<String>,
    /// Number of threads that compute.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u32).range(1..=1024))]
    threads: u32,
    /// Kill a runner that writes nothing for this many seconds.
    #[arg(long, value_name = "S", default_value_t = 600, value_parser = value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    #[command(flatten)]
    beside: BesideArguments,
    #[command(flatten)]
    cache: CacheArguments,
    #[command(flatten)]
    registry: RegistryArguments,
}

/// Compares the backends, and shows which ones conform.
///
/// # Errors
/// When a name is unknown, the model cannot be read, or another process measures. A backend that fails is a row.
pub fn run(arguments: ConformanceArguments) -> Result<Exit> {
    let mut device = arguments.beside.device();
    device.foresee()?;
    let registry = arguments.registry.open()?;
    let reference = registry.find_or_reference(arguments.reference.as_deref(), "--reference")?;
    let mut backends = registry.select(&arguments.backend)?;
    backends.retain(|backend| backend.name != reference.name);
    let library = arguments.cache.library()?;
    let model = PreparedModel::prepare(&library, &arguments.model, &[Precision::F32])?;
    let tokenizer = TextTokenizer::open(&model.folder)?;
    let mut tokens = tokenizer.encode(TEXT)?;
    let wanted = PROMPT_TOKENS + POSITIONS - 1;
    let context = model.folder.config().context;
    if tokens.len() < wanted || context < wanted + GENERATED as usize {
        return Err(Refusal::error(format!(
            "the comparison needs {wanted} tokens of text and a context of {}; model {:?} makes {} tokens of it and has a \
             context of {context}",
            wanted + GENERATED as usize,
            arguments.model,
            tokens.len()
        )));
    }
    tokens.truncate(wanted);

    let scratch = PartialFolder::begin(&env::temp_dir()).context("cannot make a folder for the logits")?;
    let cache = arguments.cache.root()?;
    let mut comparison = Comparison {
        arguments: &arguments,
        model: &model,
        tokens: &tokens,
        scratch: scratch.path(),
        programs: Programs::new(&cache),
        mailbox: Mailbox::with_signals()?,
    };
    // No time is measured here, but other measurements would be disturbed.
    if device.enter(&mut comparison.mailbox)? == Entered::Interrupted {
        return Ok(Exit::Interrupted);
    }
    let expected = comparison.answer(reference, reference.graphs.first().copied());
    let mut rows = vec![Row::reference(&reference.name, reference.graphs.first().copied(), &expected)];
    for backend in backends {
        for graph in graphs(backend) {
            if comparison.mailbox.interrupted() {
                return Ok(Exit::Interrupted);
            }
            let answer = comparison.answer(backend, graph);
            rows.push(Row::compare(&backend.name, graph, &expected, &answer));
        }
    }
    let text = expected.as_ref().ok().and_then(|answer| tokenizer.decode(&answer.greedy).ok());
    output::write(&table::render(&model.passport, &rows, text.as_deref()))?;
    Ok(if rows.iter().all(Row::conforms) { Exit::Success } else { Exit::Incomplete })
}

/// What every backend is asked for.
struct Comparison<'a> {
    arguments: &'a ConformanceArguments,
    model: &'a PreparedModel,
    tokens: &'a [TokenId],
    scratch: &'a Path,
    programs: Programs,
    mailbox: Mailbox,
}

impl Comparison<'_> {
    /// Logits and greedy tokens of a backend, or why there are none.
    fn answer(&mut self, backend: &Backend, graph: Option<GraphKind>) -> Result<Compared, String> {
        let program = self.programs.find(backend, Build::Own)?;
        let logits_path = self.scratch.join("logits");
        let score = ScoreTask {
            tokens: self.tokens.to_vec(),
            prompt_tokens: PROMPT_TOKENS as u32,
            logits_path: logits_path.clone(),
        };
        let events = self.ask(&program, backend, graph, Task::Score(score))?;
        let vocabulary = self.model.folder.config().vocabulary;
        let scored = events.iter().find_map(|event| match event {
            Event::Scored(scored) => Some((scored.rows as usize, scored.vocabulary as usize)),
            _ => None,
        });
        if scored != Some((POSITIONS, vocabulary)) {
            return Err(format!("it computed {scored:?} logits, expected {POSITIONS} rows of {vocabulary}"));
        }
        let bytes = fs::read(&logits_path).map_err(|error| format!("its logits cannot be read: {error}"))?;
        if bytes.len() != POSITIONS * vocabulary * 4 {
            return Err(format!("it wrote {} bytes of logits for {POSITIONS} rows of {vocabulary}", bytes.len()));
        }
        let logits = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();

        let turn = Turn { prompt: self.tokens.to_vec(), max_output_tokens: GENERATED, grammar: None };
        let workload = Workload {
            conversations: vec![vec![turn]],
            stop_tokens: Vec::new(),
            token_bytes: None,
            warmup_iterations: 0,
            warmup: None,
            iterations: 1,
            at_least_ms: 0,
            settle_ms: 0,
        };
        let events = self.ask(&program, backend, graph, Task::Generate(workload))?;
        let greedy = events.into_iter().find_map(|event| match event {
            Event::Iteration(iteration) => iteration.turns.into_iter().next().map(|turn| turn.tokens),
            _ => None,
        });
        let greedy = greedy.filter(|tokens| tokens.len() == GENERATED as usize);
        Ok(Compared { vocabulary, logits, greedy: greedy.ok_or("it generated too few tokens")? })
    }

    fn ask(
        &mut self,
        program: &RunnerProgram,
        backend: &Backend,
        graph: Option<GraphKind>,
        task: Task,
    ) -> Result<Vec<Event>, String> {
        let request = Request {
            protocol: PROTOCOL_VERSION,
            model: self.model.files(Precision::F32, graph)?,
            options: LoadOptions {
                threads: self.arguments.threads,
                precision: Precision::F32,
                context_tokens: self.tokens.len() as u32 + GENERATED,
            },
            task,
            phase_edges: false,
        };
        let silence = Duration::from_secs(self.arguments.timeout);
        ask(program, backend, request, &mut self.mailbox, silence)
    }
}

/// Every graph that the backend loads; `None` once for a backend that loads none.
fn graphs(backend: &Backend) -> Vec<Option<GraphKind>> {
    if backend.graphs.is_empty() { vec![None] } else { backend.graphs.iter().copied().map(Some).collect() }
}
