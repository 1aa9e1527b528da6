//! The data set `tokens`: a row for each token that was generated in an iteration that counts. These are the raw samples, also where a
//! number made of them is withheld.

use std::rc::Rc;

use pocketwatt_protocol::{Iteration, TurnTrace};
use pocketwatt_record::{Outcome, Record, Run};

use super::{
    columns::{Column, Values, column},
    identity::Identity,
};

/// Name of the data set.
pub const DATASET: &str = "tokens";

/// A generated token. Numbers count from 1.
pub struct Row {
    case: Rc<Identity>,
    iteration: usize,
    conversation: u32,
    turn: usize,
    token: usize,
    /// In the key-value cache, from 0.
    position: u64,
    since_request_ns: u64,
    gap_ns: Option<u64>,
}

/// The columns, as docs/formats.md explains them.
pub const COLUMNS: &[Column<Row>] = &[
    column("run", Values::Text(|row| Some(row.case.run.clone()))),
    column("measured_in", Values::Text(|row| Some(row.case.measured_in.clone()))),
    column("device_name", Values::Text(|row| Some(row.case.device_name.clone()))),
    column("case_name", Values::Text(|row| Some(row.case.case.clone()))),
    column("scenario", Values::Text(|row| Some(row.case.scenario.clone()))),
    column("model", Values::Text(|row| Some(row.case.model.clone()))),
    column("backend", Values::Text(|row| Some(row.case.backend.clone()))),
    column("precision", Values::Text(|row| Some(row.case.precision.clone()))),
    column("threads", Values::Whole(|row| Some(row.case.threads))),
    column("iteration", Values::Whole(|row| i64::try_from(row.iteration).ok())),
    column("conversation", Values::Whole(|row| Some(i64::from(row.conversation) + 1))),
    column("turn", Values::Whole(|row| i64::try_from(row.turn).ok())),
    column("token", Values::Whole(|row| i64::try_from(row.token).ok())),
    column("position", Values::Count(|row| i64::try_from(row.position).ok())),
    column("since_request_ns", Values::Count(|row| i64::try_from(row.since_request_ns).ok())),
    column("gap_ns", Values::Count(|row| i64::try_from(row.gap_ns?).ok())),
];

/// Those of a record, in the order in which they were generated; none of a case that was not measured.
pub fn rows<'a>(run: &Run, record: &'a Record) -> impl Iterator<Item = Row> + 'a {
    let case = Identity::of(run, record);
    let counted = record.samples.counted().take_while(|_| record.outcome == Outcome::Measured);
    counted.enumerate().flat_map(move |(place, iteration)| of_iteration(&case, place + 1, iteration))
}

fn of_iteration<'a>(
    case: &Rc<Identity>,
    number: usize,
    iteration: &'a Iteration,
) -> impl Iterator<Item = Row> + use<'a> {
    let case = Rc::clone(case);
    let turns = iteration.turns.iter().enumerate();
    turns.flat_map(move |(place, turn)| {
        let (case, conversation) = (Rc::clone(&case), iteration.conversation);
        of_turn(turn).map(move |token| Row {
            case: Rc::clone(&case),
            iteration: number,
            conversation,
            turn: place + 1,
            token: token.number,
            position: token.position,
            since_request_ns: token.since_request_ns,
            gap_ns: token.gap_ns,
        })
    })
}

struct Token {
    number: usize,
    position: u64,
    since_request_ns: u64,
    gap_ns: Option<u64>,
}

fn of_turn(turn: &TurnTrace) -> impl Iterator<Item = Token> {
    let before = u64::from(turn.context_tokens) + u64::from(turn.prompt_tokens);
    let gaps = std::iter::once(None).chain(turn.gaps().map(Some));
    turn.token_times.iter().zip(gaps).enumerate().map(move |(place, (at, gap_ns))| Token {
        number: place + 1,
        position: before + place as u64,
        since_request_ns: at.since(turn.start),
        gap_ns,
    })
}
