//! The answer for a scenario and a model: which case is best at what, by how much, and how sure that is.

use maud::{Markup, html};
use pocketwatt_record::{MetricId, Record, Run, has_same_lengths};

use crate::{
    cases::{CaseGroup, Column, group_by, model, threads},
    facts::disturbances,
    pages::{
        foreign::{Foreign, name},
        report::{
            cost::cost,
            wish::{Best, Certainty, Fulfilled, Wish, wishes},
        },
        tables::notes,
    },
    tables::{Contests, grid::short_labels},
};

/// The card of a scenario and a model: all its cases, whatever their precision and threads.
pub fn answer(records: &[&Record], run: &Run) -> Markup {
    let group = together(records);
    let is_same_work = is_same_work(&group);
    let asked = wishes(is_same_work);
    let contests = contests_of(&group, asked);
    let Some(first) = records.first() else { return html! {} };
    html! {
        section.card {
            h2 { (name(&first.case.scenario)) " · " (Foreign(&model(first))) }
            @if contests.has_baselines() {
                (beside_baselines(&contests))
            } @else {
                (fulfilled(&group, &contests, asked))
                (within_settings(records, asked))
            }
            @if !is_same_work {
                p.pale { "The answers differ in length, so that whole requests are not compared: they were not the same work." }
            }
            (cost(&group, run))
            (how_sure(&group))
        }
    }
}

/// The contests of the wishes' metrics.
fn contests_of<'a>(group: &'a CaseGroup<'a>, asked: &[Wish]) -> Contests<'a> {
    let metrics: Vec<MetricId> = asked.iter().map(|wish| wish.metric).collect();
    Contests::about(group, &metrics)
}

/// Which case fulfils each wish.
fn fulfilments<'w>(group: &CaseGroup, contests: &Contests, asked: &'w [Wish]) -> Vec<(&'w Wish, Fulfilled)> {
    asked.iter().filter_map(|wish| Some((wish, wish.fulfilled(group, contests)?))).collect()
}

/// All cases as columns, named by what sets them apart.
fn together<'a>(records: &[&'a Record]) -> CaseGroup<'a> {
    let names = short_labels(&records.iter().map(|record| &record.case).collect::<Vec<_>>());
    CaseGroup { columns: records.iter().zip(names).map(|(&record, name)| Column { name, record }).collect() }
}

/// Whether all measured cases gave answers of the same lengths.
fn is_same_work(group: &CaseGroup) -> bool {
    let mut measured = group.columns.iter().filter(|column| column.measured()).map(|column| column.record);
    let Some(first) = measured.next() else { return true };
    measured.all(|other| has_same_lengths(first, other))
}

fn beside_baselines(contests: &Contests) -> Markup {
    let told = contests.told();
    html! {
        @if told.is_empty() { p.answer { "Nothing can be said about the two builds: no case has blocks of both." } }
        @else { p.answer { "Each runner beside its baseline:" } (notes(&told)) }
    }
}

fn fulfilled(group: &CaseGroup, contests: &Contests, asked: &[Wish]) -> Markup {
    let fulfilled = fulfilments(group, contests, asked);
    let is_any = fulfilled.iter().any(|(_, fulfilled)| matches!(fulfilled, Fulfilled::By(_)));
    if !is_any {
        return html! { p.answer.alarm { "No case of this scenario and model has a number: the tables below say why." } };
    }
    html! {
        (sentence(group, &fulfilled))
        table.verdicts {
            thead {
                tr {
                    th scope="col" { "If you want" }
                    th scope="col" { "the best is" }
                    th scope="col" { "with" }
                    th scope="col" { "ahead of the next by" }
                    th scope="col" { "how sure" }
                }
            }
            tbody { @for (wish, fulfilled) in &fulfilled { (row(group, wish, fulfilled)) } }
        }
    }
}

/// `onnxruntime int4 decodes fastest (1.24× [1.18, 1.30]) and answers first (...).`
fn sentence(group: &CaseGroup, fulfilled: &[(&Wish, Fulfilled)]) -> Markup {
    let winners = winners(fulfilled);
    html! {
        p.answer {
            @if winners.is_empty() { (without_winner(group, fulfilled)) }
            (praise(group, &winners))
            @if !winners.is_empty() { (open_questions(group, fulfilled)) }
        }
    }
}

/// `Not decided: fast generation (onnxruntime int4 or onnxruntime int8).`, so that a winner of one wish does not look like that of all.
fn open_questions(group: &CaseGroup, fulfilled: &[(&Wish, Fulfilled)]) -> Markup {
    let open: Vec<(&Wish, usize, usize)> = fulfilled
        .iter()
        .filter_map(|(wish, found)| match found {
            Fulfilled::By(Best { column, ahead: Some(ahead), .. }) => {
                matches!(ahead.certainty, Certainty::Undecided(_)).then_some((*wish, *column, ahead.next))
            }
            _ => None,
        })
        .collect();
    html! {
        @if !open.is_empty() {
            "Not decided: "
            @for (place, (wish, first, second)) in open.iter().enumerate() {
                @if place > 0 { ", " }
                (wish.wanted) small { " (" (column(group, *first)) " or " (column(group, *second)) ")" }
            }
            "."
        }
    }
}

/// The columns that are clearly the best at something, and at what.
fn winners<'a>(fulfilled: &'a [(&'a Wish, Fulfilled)]) -> Vec<(usize, Vec<(&'a Wish, &'a Best)>)> {
    let clear: Vec<(&Wish, &Best)> =
        fulfilled.iter().filter_map(|(wish, found)| Some((*wish, clear(found)?))).collect();
    let mut winners: Vec<(usize, Vec<(&Wish, &Best)>)> = Vec::new();
    for (wish, best) in clear {
        match winners.iter_mut().find(|(column, _)| *column == best.column) {
            Some((_, wins)) => wins.push((wish, best)),
            None => winners.push((best.column, vec![(wish, best)])),
        }
    }
    winners
}

/// A sentence for each winner.
fn praise(group: &CaseGroup, winners: &[(usize, Vec<(&Wish, &Best)>)]) -> Markup {
    html! {
        @for (winner, wins) in winners {
            b { (column(group, *winner)) } " "
            @for (place, (wish, best)) in wins.iter().enumerate() {
                @if place > 0 { @if place + 1 == wins.len() { " and " } @else { ", " } }
                (wish.does)
                @if let Some(ahead) = &best.ahead { small { " (" (ahead.times) ")" } }
            }
            ". "
        }
    }
}

/// The same among the cases of each precision and number of threads, which is a surer answer to a smaller question.
fn within_settings(records: &[&Record], asked: &[Wish]) -> Markup {
    let settings = group_by(records.iter().map(|record| (record.case.precision, record.case.threads)));
    if settings.len() < 2 {
        return html! {};
    }
    let alike = settings.iter().map(|places| places.iter().filter_map(|&place| records.get(place).copied()).collect());
    let praised = |alike: Vec<&Record>| {
        let group = together(&alike);
        let fulfilled = fulfilments(&group, &contests_of(&group, asked), asked);
        let winners = winners(&fulfilled);
        let case = &alike.first()?.case;
        let setting = format!("{}, {}", case.precision.name(), threads(case.threads));
        (!winners.is_empty()).then(|| html! { li { (setting) ": " (praise(&group, &winners)) } })
    };
    let lines: Vec<Markup> = alike.filter_map(praised).collect();
    html! {
        @if !lines.is_empty() {
            p { "Among the backends of one setting, each compared by itself:" }
            ul.notes { @for line in &lines { (line) } }
        }
    }
}

/// What is said where no case is clearly better at anything.
fn without_winner(group: &CaseGroup, fulfilled: &[(&Wish, Fulfilled)]) -> Markup {
    let is_compared = fulfilled.iter().any(|(_, found)| matches!(found, Fulfilled::By(Best { ahead: Some(_), .. })));
    let measured = group.columns.iter().filter(|column| column.measured()).count();
    html! {
        @if measured == 1 { "Only one case was measured, so that there is nothing to choose from." }
        @else if is_compared { "No case is clearly better than all others at anything: choose by what is not measured here, or measure more blocks." }
        @else { "The cases did not take turns, so that nothing is said about who leads: the numbers stand below." }
    }
}

fn clear(found: &Fulfilled) -> Option<&Best> {
    match found {
        Fulfilled::By(best) => {
            Some(best).filter(|best| best.ahead.as_ref().is_some_and(|ahead| ahead.certainty == Certainty::Clear))
        }
        Fulfilled::Unknown(_) => None,
    }
}

fn row(group: &CaseGroup, wish: &Wish, fulfilled: &Fulfilled) -> Markup {
    match fulfilled {
        Fulfilled::Unknown(absent) => html! {
            tr {
                th scope="row" { (wish.wanted) }
                td colspan="4" { span.pale { "not known: " (Foreign(&absent.words)) } }
            }
        },
        Fulfilled::By(best) => html! {
            tr {
                th scope="row" { (wish.wanted) }
                td data-label="best" {
                    @if clear(fulfilled).is_some() { span.best { (column(group, best.column)) } }
                    @else { (column(group, best.column)) }
                    @if let Some(ahead) = &best.ahead {
                        @if ahead.certainty != Certainty::Clear { " or " (column(group, ahead.next)) }
                    }
                }
                td data-label="with" { span.number { (best.number) } }
                @match &best.ahead {
                    Some(ahead) => {
                        td data-label="ahead by" { span.number { (ahead.times) } " " small { "over " (column(group, ahead.next)) } }
                        td data-label="how sure" { (ahead.certainty.words(ahead.blocks)) }
                    }
                    None => { td colspan="2" { span.pale { "not compared" } } }
                }
            }
        },
    }
}

fn column(group: &CaseGroup, place: usize) -> Markup {
    html! { @if let Some(column) = group.columns.get(place) { (name(&column.name)) } }
}

/// On what the verdicts rest, and what disturbed the measurement.
fn how_sure(group: &CaseGroup) -> Markup {
    let measured: Vec<&Column> = group.columns.iter().filter(|column| column.measured()).collect();
    let blocks: Vec<usize> = measured.iter().map(|column| column.record.samples.counted_blocks().count()).collect();
    let (fewest, most) = (blocks.iter().min().copied().unwrap_or(0), blocks.iter().max().copied().unwrap_or(0));
    let disturbed = disturbances(group);
    html! {
        p.pale {
            (measured.len()) " of " (group.columns.len()) " cases were measured"
            @if most > 0 {
                ", in " @if fewest == most { (most) } @else { (fewest) " to " (most) } " blocks in which they took turns. \
                 [ ] are 95 % intervals. \"Clear\" is better than each other case by more than 1 %; a card without a true difference \
                 says it once in a hundred runs at most."
            } @else { "." }
        }
        @if !disturbed.is_empty() {
            details.printed {
                summary { "What disturbed the measurement (" (disturbed.len()) ")" }
                (notes(&disturbed))
            }
        }
    }
}
