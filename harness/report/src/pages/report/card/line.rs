//! A line of a card: what is wanted, who has it, how much of it, by how much, and in a word how sure that is.

use maud::{Markup, html};
use pocketwatt_record::MARGIN;

use crate::{
    cases::CaseGroup,
    output::quantity::fixed,
    pages::{
        foreign::{Foreign, name},
        report::card::closeness::same_tokens,
    },
    tables::{Certainty, Standing},
};

/// With so many rivals, all are named; of more, only the strongest, and the others are counted.
const ALL_NAMED: usize = 2;

/// A line.
pub struct Line {
    /// What is wanted: `fast`.
    pub wanted: &'static str,
    /// Of what: `generation`; may be empty.
    pub by: &'static str,
    /// Who has it.
    pub fulfilled: Fulfilled,
}

/// Which case fulfils a wish.
pub enum Fulfilled {
    /// One of these columns.
    By {
        /// The first.
        best: usize,
        /// Those that are not ruled out.
        rivals: Vec<usize>,
        /// `61.2 tokens/s ±0.4`.
        number: String,
        /// How far it is ahead, or why that is not known.
        ahead: Result<Ahead, String>,
    },
    /// No case has a number, for this reason.
    Unknown(String),
    /// All cases are equally bad at it, in words.
    Nobody(String),
}

/// How far the first is ahead of the strongest of the others that may be as good.
pub struct Ahead {
    /// The other one's column.
    pub over: Option<usize>,
    /// How many times as good; absent for shares.
    pub times: Option<(f64, (f64, f64))>,
    /// How sure that is.
    pub certainty: Certainty,
}

impl From<Standing> for Ahead {
    fn from(standing: Standing) -> Self {
        Self {
            over: Some(standing.against),
            times: Some((standing.times, standing.interval)),
            certainty: standing.certainty,
        }
    }
}

impl Line {
    /// How sure it is who is the best, where cases were compared.
    pub fn certainty(&self) -> Option<Certainty> {
        match &self.fulfilled {
            Fulfilled::By { ahead: Ok(ahead), .. } => Some(ahead.certainty),
            _ => None,
        }
    }

    /// What is said of a wish that no case fulfils, however much is measured.
    pub fn nobody(&self) -> Option<String> {
        match &self.fulfilled {
            Fulfilled::Nobody(words) => Some(format!("{}: {words}", self.wanted)),
            _ => None,
        }
    }

    /// The line as a row of a table.
    pub fn row(&self, group: &CaseGroup) -> Markup {
        html! {
            tr {
                th scope="row" { (self.wanted) @if !self.by.is_empty() { " " small { (self.by) } } }
                @match &self.fulfilled {
                    Fulfilled::Unknown(words) => { td colspan="4" { span.pale { "not known: " (Foreign(words)) } } }
                    Fulfilled::Nobody(words) => { td colspan="4" { span.alarm { (Foreign(words)) } } }
                    Fulfilled::By { best, rivals, number, ahead } => {
                        td.who { (who(group, *best, rivals, ahead.as_ref().ok())) }
                        td.much { (number) }
                        @match ahead {
                            Ok(ahead) => {
                                td.much { (ahead.words(group)) }
                                td.much { (sureness(ahead.certainty)) }
                            }
                            Err(reason) => { td colspan="2" { span.pale { "not compared: " (Foreign(reason)) } } }
                        }
                    }
                }
            }
        }
    }

    /// The line as a cell of a table whose rows are settings.
    pub fn cell(&self, group: &CaseGroup) -> Markup {
        html! {
            td {
                @match &self.fulfilled {
                    Fulfilled::Unknown(words) | Fulfilled::Nobody(words) => span.pale { (Foreign(words)) },
                    Fulfilled::By { best, rivals, ahead: Ok(ahead), .. } => {
                        (names(group, *best, rivals, ahead.certainty))
                        @if let Some(times) = ahead.lead() { " " (factor(times)) }
                        " " span.sure { (word(ahead.certainty)) }
                    }
                    Fulfilled::By { best, number, ahead: Err(_), .. } => { (column(group, *best)) " " small { (number) } }
                }
            }
        }
    }
}

impl Ahead {
    /// How many times as good, where that is not open.
    fn lead(&self) -> Option<f64> {
        let (times, _) = self.times?;
        matches!(self.certainty, Certainty::Clear | Certainty::Likely(_)).then_some(times)
    }

    /// `1.53× [1.28, 1.82] over onnxruntime int8`.
    fn words(&self, group: &CaseGroup) -> Markup {
        html! {
            @if let Some((times, interval)) = self.times {
                @if times < 1.0 { "no lead: over the blocks it is " }
                (times_words(times, interval))
            }
            @if let Some(over) = self.over { " " small { "over " (column(group, over)) } }
        }
    }
}

/// The best, and whoever may be as good, each with what its precision costs.
fn who(group: &CaseGroup, best: usize, rivals: &[usize], ahead: Option<&Ahead>) -> Markup {
    let certainty = ahead.map(|ahead| ahead.certainty);
    let shown = std::iter::once(best).chain(others(rivals, certainty).iter().copied());
    html! {
        @for (place, member) in shown.enumerate() {
            @if place > 0 { " or " }
            span class=[(place == 0).then(|| emphasis(certainty)).flatten()] { (column(group, member)) }
            @if let Some(share) = group.columns.get(member).and_then(|column| same_tokens(column.record)) {
                " " small { "(" (share) " same tokens as f32)" }
            }
        }
        (more(rivals, certainty))
    }
}

/// The same without what it costs.
fn names(group: &CaseGroup, best: usize, rivals: &[usize], certainty: Certainty) -> Markup {
    html! {
        span class=[emphasis(Some(certainty))] { (column(group, best)) }
        @for rival in others(rivals, Some(certainty)) { " or " (column(group, *rival)) }
        (more(rivals, Some(certainty)))
    }
}

/// The rivals that are named. Whoever is likely the best is named alone.
fn others(rivals: &[usize], certainty: Option<Certainty>) -> &[usize] {
    match certainty {
        Some(Certainty::Open(_) | Certainty::Equal) if rivals.len() > ALL_NAMED => &rivals[..1],
        Some(Certainty::Open(_) | Certainty::Equal) => rivals,
        _ => &[],
    }
}

fn more(rivals: &[usize], certainty: Option<Certainty>) -> Markup {
    let more = match certainty {
        Some(Certainty::Open(_) | Certainty::Equal) => rivals.len() - others(rivals, certainty).len(),
        _ => 0,
    };
    html! { @if more > 0 { " or one of " (more) " others" } }
}

fn emphasis(certainty: Option<Certainty>) -> Option<&'static str> {
    match certainty? {
        Certainty::Clear => Some("best"),
        Certainty::Likely(_) => Some("likely"),
        Certainty::Equal | Certainty::Open(_) => None,
    }
}

/// In a word.
pub fn word(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Clear => "clear",
        Certainty::Likely(_) => "likely",
        Certainty::Equal => "equal",
        Certainty::Open(_) => "open",
    }
}

/// The word, and what would make it surer.
fn sureness(certainty: Certainty) -> Markup {
    let more = match certainty {
        Certainty::Likely(Some(more)) | Certainty::Open(Some(more)) => Some(more),
        _ => None,
    };
    let (verb, class) = match certainty {
        Certainty::Clear => ("", Some("best")),
        Certainty::Likely(_) => ("may prove it", Some("likely")),
        _ => ("may decide", None),
    };
    html! {
        span class=[class] { (word(certainty)) }
        @if certainty == Certainty::Equal { small { " within " (fixed(MARGIN * 100.0, 0)) " %" } }
        @if let Some(more) = more {
            " " small { (more) @if more == 1 { " block" } @else { " blocks" } " more " (verb) }
        }
    }
}

fn column(group: &CaseGroup, place: usize) -> Markup {
    html! { @if let Some(column) = group.columns.get(place) { (name(&column.name)) } }
}

/// `1.53×`.
fn factor(times: f64) -> String {
    format!("{}×", fixed(times, if times < 10.0 { 2 } else { 1 }))
}

/// `1.53× [1.28, 1.82]`.
fn times_words(times: f64, (low, high): (f64, f64)) -> String {
    let decimals = if times < 10.0 { 2 } else { 1 };
    // Close to one, two decimals would hide which side of it an end is on.
    let decimals = if (high - low) < 0.05 { 3 } else { decimals };
    format!("{}× [{}, {}]", fixed(times, decimals), fixed(low, decimals), fixed(high, decimals))
}
