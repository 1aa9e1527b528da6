//! The same questions among the backends of each precision and number of threads: a surer answer to a smaller question.

use maud::{Markup, html};
use pocketwatt_record::{Case, Outcome, Record};

use crate::{
    cases::{group_by, threads},
    pages::{
        document::scrolling,
        report::card::{
            closeness::of_setting,
            line::Line,
            members::Members,
            wish::{Wish, contests_of, lines},
        },
    },
};

/// A setting, and what is said of it.
struct Setting {
    called: String,
    cells: Vec<Markup>,
    same_tokens: String,
}

/// A line for each setting of a card with this title, if there are several and one of them has several backends.
pub fn by_setting(title: &str, records: &[&Record], asked: &[&Wish], simulated: bool) -> Markup {
    let settings = group_by(records.iter().map(|record| (record.case.precision, record.case.threads)));
    // One case by itself is ahead of nobody.
    let has_rivals =
        |places: &Vec<usize>| places.iter().filter(|&&place| records[place].outcome == Outcome::Measured).count() > 1;
    if settings.len() < 2 || !settings.iter().any(has_rivals) {
        return html! {};
    }
    let cases: Vec<&Case> = records.iter().map(|record| &record.case).collect();
    let has_counts = cases.iter().any(|case| case.threads != cases[0].threads);
    let has_precisions = cases.iter().any(|case| case.precision != cases[0].precision);
    let asked: Vec<&Wish> = asked
        .iter()
        .copied()
        .filter(|wish| records.iter().any(|record| record.summary(wish.metric).is_some()))
        .collect();
    let setting = |places: &Vec<usize>| {
        let alike: Vec<&Record> = places.iter().filter_map(|&place| records.get(place).copied()).collect();
        let case = &alike.first()?.case;
        let parts =
            [has_precisions.then(|| case.precision.name().to_owned()), has_counts.then(|| threads(case.threads))];
        let group = Members::of(&alike, &[]).group;
        let contests = contests_of(&group, &asked);
        let lines = lines(&group, &contests, &asked, simulated);
        let cell = |wish: &&Wish| {
            let line = lines.iter().find(|line: &&Line| line.wanted == wish.wanted);
            line.map_or_else(|| html! { td {} }, |line| line.cell(&group))
        };
        Some(Setting {
            called: parts.into_iter().flatten().collect::<Vec<_>>().join(", "),
            cells: asked.iter().map(cell).collect(),
            same_tokens: of_setting(&group),
        })
    };
    let settings: Vec<Setting> = settings.iter().filter_map(setting).collect();
    let has_tokens = settings.iter().any(|setting| !setting.same_tokens.is_empty());
    let what = if has_precisions { "precision" } else { "number of threads" };
    let table = html! {
        table.settings {
            thead {
                tr {
                    th scope="col" { (what) @if has_tokens { " " small { "same tokens as f32" } } }
                    @for wish in &asked { th scope="col" { (wish.wanted) } }
                }
            }
            tbody {
                @for setting in &settings {
                    tr {
                        th scope="row" {
                            (setting.called)
                            @if !setting.same_tokens.is_empty() { " " small { (setting.same_tokens) } }
                        }
                        @for cell in &setting.cells { (cell) }
                    }
                }
            }
        }
    };
    html! {
        h3 { "Among the backends of each " (what) ", compared by themselves" }
        (scrolling(&format!("{title}: each {what} by itself"), &table))
    }
}
