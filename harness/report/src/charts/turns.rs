//! The cost of a turn over the context before it: time to its first token, its latency, and its energy.

use plotters::{
    prelude::{Circle, PathElement},
    style::Color,
};
use pocketwatt_record::{Outcome, Record, Summary, TurnFigures, Unit, turns_of_conversations};

use crate::{
    charts::{
        canvas::drawing_error,
        chart::Chart,
        reading::{amount, sentences, whose},
        scale::{axis_end, tick, within},
        stack::{Panel, Stack, draw_stacks, simulation},
        subject::Subject,
    },
    output::{inert::one_line, quantity::fixed},
    table::scale,
};

const HEIGHT: i32 = 170;
const MARK: i32 = 4;
/// So many turns of a case have a text each; of more, neighbours share one.
const MOST_SINGLE_TEXTS: usize = 24;

/// A turn: its position, its value, and the ends of its whisker.
#[derive(Clone, Copy)]
struct Mark {
    /// The turn's number in its conversation, from 1.
    turn: usize,
    context: f64,
    value: f64,
    low: f64,
    high: f64,
}

/// What a panel shows.
struct Quantity {
    caption: &'static str,
    unit: Unit,
    of: fn(&TurnFigures) -> Option<(f64, f64, f64)>,
}

const QUANTITIES: [Quantity; 3] = [
    Quantity {
        caption: "time to first token",
        unit: Unit::Nanoseconds,
        of: |turn| turn.time_to_first_token.as_ref().ok().map(whisker),
    },
    Quantity {
        caption: "turn latency, to the last token",
        unit: Unit::Nanoseconds,
        of: |turn| turn.request_latency.as_ref().ok().map(whisker),
    },
    Quantity {
        caption: "energy of a turn, gross",
        unit: Unit::Joules,
        of: |turn| turn.energy.as_ref().ok().map(|(joules, half)| (*joules, joules - half, joules + half)),
    },
];

impl Quantity {
    /// `turn 2, 201 tokens in the context: time to first token 123.4 ms, 120.1 ms to 130.0 ms`.
    fn words(&self, mark: &Mark) -> String {
        let [value, low, high] = [mark.value, mark.low, mark.high].map(|value| amount(value, self.unit));
        let (turn, context, caption) = (mark.turn, fixed(mark.context, 0), self.caption);
        format!("turn {turn}, {context} tokens in the context: {caption} {value} ({low} to {high})")
    }

    /// `14 turns, 96 to 130 tokens in the context: time to first token 120.1 ms to 160.0 ms`.
    fn words_of_many(&self, marks: &[Mark]) -> String {
        let ends = |of: fn(&Mark) -> f64| {
            let values = || marks.iter().map(of);
            (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max))
        };
        let (from, to) = ends(|mark| mark.context);
        let (low, high) = ends(|mark| mark.value);
        let [low, high] = [low, high].map(|value| amount(value, self.unit));
        let (from, to) = (fixed(from, 0), fixed(to, 0));
        format!("{} turns, {from} to {to} tokens in the context: {} {low} to {high}", marks.len(), self.caption)
    }
}

fn whisker(summary: &Summary) -> (f64, f64, f64) {
    (summary.median, summary.p10, summary.p90)
}

/// The turns of one case.
struct Course {
    /// The position of its column among the subject's names.
    index: usize,
    turns: Vec<TurnFigures>,
}

impl Course {
    fn of(record: &Record, index: usize) -> Option<Self> {
        let turns = turns_of_conversations(record);
        let shown = record.outcome == Outcome::Measured && turns.iter().any(|turn| turn.request_latency.is_ok());
        shown.then_some(Self { index, turns })
    }

    fn marks(&self, quantity: &Quantity) -> Vec<Mark> {
        let mark = |turn: &TurnFigures| {
            let (value, low, high) = (quantity.of)(turn)?;
            Some(Mark { turn: turn.number, context: context(turn), value, low, high })
        };
        self.turns.iter().filter_map(mark).collect()
    }

    /// What the first turn costs, and what the last one.
    fn description(&self, subject: &Subject, scenario: &str) -> String {
        let words = |turn: &TurnFigures| {
            let latency =
                turn.time_to_first_token.as_ref().ok().map(|latency| amount(latency.median, Unit::Nanoseconds));
            let latency = latency.unwrap_or_else(|| "an unknown time".into());
            format!("{latency} to the first token of turn {} with {} tokens before it", turn.number, context(turn))
        };
        let ends: Vec<String> = self.turns.first().into_iter().chain(self.turns.last()).map(words).collect();
        let name = subject.names.get(self.index).map_or("", String::as_str);
        whose(name, scenario) + &ends.join(", ")
    }

    /// One conversation is drawn as a line; several as a cloud.
    fn is_single(&self) -> bool {
        self.turns.iter().all(|turn| turn.conversation == self.turns[0].conversation)
    }
}

/// Number of tokens that the turn's answer follows from.
fn context(turn: &TurnFigures) -> f64 {
    turn.context_tokens.median + turn.prompt_tokens.median
}

/// Draws the chart; `None` if no conversation has two turns.
///
/// # Errors
/// When the drawing library fails.
pub fn draw(subject: &Subject) -> anyhow::Result<Option<Chart>> {
    let groups: Vec<(&str, Vec<Course>)> = subject
        .scenarios
        .iter()
        .map(|scenario| {
            let course = |(index, name): (usize, &String)| Course::of(subject.record(scenario, name)?, index);
            (*scenario, subject.names.iter().enumerate().filter_map(course).collect::<Vec<_>>())
        })
        .filter(|(_, courses)| !courses.is_empty())
        .collect();
    if groups.is_empty() {
        return Ok(None);
    }
    let stacks: Vec<Stack> = groups.iter().map(|(scenario, courses)| stack(subject, scenario, courses)).collect();
    let has_energy = stacks.iter().any(|stack| stack.panels.len() == QUANTITIES.len());
    let simulated = has_energy && subject.run.energy.sysfs_root.is_some();
    let question = if simulated {
        "Turns over the growing context (less is better; simulated meters)"
    } else {
        "Turns over the growing context (less is better)"
    };
    let courses = || groups.iter().flat_map(|(_, courses)| courses);
    let mut remark = if simulated { simulation(subject) } else { String::new() };
    remark += "Mark: median; whisker: 10th to 90th percentile over iterations.";
    if has_energy {
        remark += " Energy: mean, whisker: 95 % interval.";
    } else if let Some(absent) = courses().flat_map(|course| &course.turns).find_map(|turn| turn.energy.as_ref().err())
    {
        remark += &format!(" No energy of turns: {}.", one_line(&absent.to_string()));
    }
    if courses().any(Course::is_single) {
        remark += " +N: tokens of the turn's own prompt.";
    }
    let said: Vec<String> = groups
        .iter()
        .flat_map(|(scenario, courses)| courses.iter().map(|course| course.description(subject, scenario)))
        .collect();
    let drawing = draw_stacks(subject, question, &remark, &stacks)?;
    Ok(Some(Chart { title: question.into(), description: sentences(&said), drawing }))
}

fn stack<'a>(subject: &'a Subject, scenario: &'a str, courses: &'a [Course]) -> Stack<'a> {
    let last = courses.iter().flat_map(|course| &course.turns).map(context).fold(1.0, f64::max);
    let name = |turn: &TurnFigures| {
        (context(turn), format!("turn {} (+{})", turn.number, fixed(turn.prompt_tokens.median, 0)))
    };
    let names = courses.first().filter(|course| course.is_single());
    Stack {
        title: one_line(scenario),
        note: String::new(),
        across: 0.0..axis_end(last),
        words: "tokens in the context, the turn's prompt included".into(),
        number: Box::new(|value| fixed(value, 0)),
        names: names.map(|course| course.turns.iter().map(name).collect()).unwrap_or_default(),
        panels: QUANTITIES.iter().filter_map(|quantity| panel(subject, scenario, courses, quantity)).collect(),
    }
}

fn panel<'a>(
    subject: &'a Subject,
    scenario: &'a str,
    courses: &'a [Course],
    quantity: &'a Quantity,
) -> Option<Panel<'a>> {
    let highest = courses.iter().flat_map(|course| course.marks(quantity)).map(|mark| mark.high).reduce(f64::max)?;
    let scale = scale(quantity.unit, highest);
    let end = axis_end(highest * scale.factor);
    Some(Panel {
        caption: format!("{}, {}", quantity.caption, scale.symbol),
        height: HEIGHT,
        up: 0.0..end,
        number: Box::new(move |value| tick(value, end)),
        draw: Box::new(move |plot, texts| {
            for course in courses {
                let ink = subject.inks.of(course.index);
                let marks = course.marks(quantity);
                let at = |mark: &Mark, value: f64| (mark.context, within(0.0, end, value * scale.factor));
                if course.is_single() {
                    let line: Vec<(f64, f64)> = marks.iter().map(|mark| at(mark, mark.value)).collect();
                    plot.draw_series([PathElement::new(line, ink.mix(0.5).stroke_width(2))]).map_err(drawing_error)?;
                }
                let whisker =
                    |mark: &Mark| PathElement::new(vec![at(mark, mark.low), at(mark, mark.high)], ink.stroke_width(2));
                plot.draw_series(marks.iter().map(whisker)).map_err(drawing_error)?;
                let circle = |mark: &Mark| Circle::new(at(mark, mark.value), MARK, ink.filled());
                plot.draw_series(marks.iter().map(circle)).map_err(drawing_error)?;
                let whose = subject.names.get(course.index).map(|name| whose(name, scenario)).unwrap_or_default();
                if marks.len() <= MOST_SINGLE_TEXTS {
                    for mark in &marks {
                        texts.point(
                            plot.backend_coord(&at(mark, mark.value)),
                            format!("{whose}{}", quantity.words(mark)),
                        );
                    }
                } else {
                    let mut marks = marks;
                    marks.sort_by(|left, right| left.context.total_cmp(&right.context));
                    let pixels: Vec<(i32, i32)> =
                        marks.iter().map(|mark| plot.backend_coord(&at(mark, mark.value))).collect();
                    texts.along(&pixels, 1, |piece| format!("{whose}{}", quantity.words_of_many(&marks[piece])));
                }
            }
            Ok(())
        }),
    })
}

#[cfg(test)]
mod tests;
