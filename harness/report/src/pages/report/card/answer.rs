//! A card from its parts.

use maud::{Markup, html};
use pocketwatt_record::{Case, Record, Run};

use crate::{
    cases::model_of,
    pages::{
        foreign::{Foreign, name},
        report::card::{
            baselines::beside_baselines,
            closeness, cost,
            coverage::{blocks, coverage, disturbed},
            line::{Line, word},
            members::Members,
            right_calls,
            settings::by_setting,
            wish::{contests_of, lines, wishes},
        },
    },
    tables::{Certainty, Contests},
};

/// Fewer blocks than a run has by default: where they decide nothing, that is why.
const ENOUGH_BLOCKS: usize = 5;

/// The card of a scenario and model: all its cases, whatever their precision and threads. There is at least one, with a record or without.
pub fn answer(records: &[&Record], planned: &[&Case], run: &Run) -> Markup {
    let members = Members::of(records, planned);
    let is_same_work = members.is_same_work();
    let asked: Vec<_> = wishes(is_same_work).iter().collect();
    let simulated = run.energy.sysfs_root.is_some();
    let contests = contests_of(&members.group, &asked);
    let Some(case) = records.iter().map(|record| &record.case).chain(planned.iter().copied()).next() else {
        return html! {};
    };
    let mut lines = lines(&members.group, &contests, &asked, simulated);
    lines.extend(right_calls::line(&members.group));
    let model = model_of(case, records.first().copied());
    let settings = || by_setting(&format!("{}, {model}", case.scenario), records, &asked, simulated);
    let too_few = too_few(&members, &lines);
    html! {
        section.card {
            h2 { (name(&case.scenario)) " · " (Foreign(&model)) }
            @if contests.has_baselines() {
                (beside_baselines(&members.group, &contests))
            } @else if let Some(words) = &too_few {
                p.answer { (words) }
                @for words in lines.iter().filter_map(Line::nobody) { p.alarm { (Foreign(&words)) } }
                details.printed {
                    summary { "The numbers so far" }
                    (of_wishes(&members, &lines, &contests))
                    (settings())
                }
            } @else {
                (of_wishes(&members, &lines, &contests))
            }
            (closeness::sentence(&members.group))
            (coverage(&members))
            @if !contests.has_baselines() && too_few.is_none() { (settings()) }
            (details(&members, &contests, is_same_work, run))
        }
    }
}

/// A line for each wish, or why there is no answer.
fn of_wishes(members: &Members, lines: &[Line], contests: &Contests) -> Markup {
    let table = html! {
        table.verdicts.wishes {
            thead {
                tr {
                    th scope="col" { "if you want" }
                    th scope="col" { "take" }
                    th scope="col" { "it has" }
                    th scope="col" { "ahead by" }
                    th scope="col" { "how sure" }
                }
            }
            tbody { @for line in lines { (line.row(&members.group)) } }
        }
        (legend(lines, contests))
    };
    match members.measured().count() {
        0 => html! { p.answer.alarm { "No case of this scenario and model has a number." } },
        1 => html! { p.answer { "Only one case was measured, so that there is nothing to choose from." } (table) },
        _ => table,
    }
}

/// What is said where so few blocks of several cases were measured that they decide nothing.
fn too_few(members: &Members, lines: &[Line]) -> Option<Markup> {
    let most = *blocks(members).filter(|_| members.measured().count() > 1)?.end();
    let open: Vec<Option<u32>> = lines
        .iter()
        .filter_map(|line| match line.certainty()? {
            Certainty::Open(more) => Some(more),
            _ => None,
        })
        .collect();
    let is_decided = lines.iter().filter_map(Line::certainty).count() > open.len();
    if is_decided || open.is_empty() || most >= ENOUGH_BLOCKS {
        return None;
    }
    let more = open.into_iter().flatten().min().map_or(0, |more| most + more as usize);
    let blocks = more.max(ENOUGH_BLOCKS);
    Some(html! {
        "Too few blocks (" (most) ") to decide anything. Measure it with "
        code { "--blocks " (blocks) " --iterations " (blocks) } " or more."
    })
}

/// How to read the numbers of the lines.
fn legend(lines: &[Line], contests: &Contests) -> Markup {
    let has = |wanted: &str| lines.iter().filter_map(Line::certainty).any(|certainty| word(certainty) == wanted);
    html! {
        @if lines.iter().any(|line| line.certainty().is_some()) {
            p.legend {
                "2×: twice as good; in [ ] the 95 % interval. "
                @if has("clear") { b { "Clear" } ": proven against each other case. " }
                @if has("likely") { b { "Likely" } ": not yet proven, since " (compared(contests)) " comparisons share an error of 1 %. " }
                @if has("equal") { b { "Equal" } ": no difference of 1 %. " }
                @if has("open") { b { "Open" } ": any of those named may be the best." }
            }
        }
    }
}

/// Comparisons that have a verdict.
fn compared(contests: &Contests) -> usize {
    contests.compared().iter().filter(|one| one.ratio.is_ok()).count()
}

/// What a reader asks next.
fn details(members: &Members, contests: &Contests, is_same_work: bool, run: &Run) -> Markup {
    html! {
        details.printed {
            summary { "How sure this is, energy, closeness to f32, disturbances" }
            @if compared(contests) > 0 && !contests.has_baselines() {
                p {
                    "± is half of a 95 % interval, and so are the ends in [ ]: of each number by itself. A case is clearly the best if it is better than each \
                     other one by more than 1 %, by verdicts that all " (compared(contests)) " comparisons of this card share: a card without a \
                     true difference has such a case once in a hundred times at most. It is likely the best if each of its intervals is beyond 1 %, \
                     but not all of these verdicts are reached."
                }
            }
            @if !is_same_work {
                p.pale { "The answers differ in length, so that whole requests are not compared: they were not the same work." }
            }
            (cost::cost(&members.group, is_same_work, run))
            (closeness::divergence(&members.group))
            (disturbed(members))
        }
    }
}
