//! All numbers of each case, exactly, with what they were computed from.

use maud::{Markup, html};
use pocketwatt_record::{
    CheckVerdict, Estimate, MetricId, MetricValue, Record, Statistic, Summary, Value, block_values,
};

use crate::{
    cases::{combination, shortcoming},
    facts::scope_name,
    output::{
        address::component,
        quantity::{exact, significant},
    },
    pages::{
        document::scrolling,
        foreign::{Foreign, name},
    },
};

/// Blocks whose numbers are listed.
const LISTED: usize = 12;
/// Cases beyond this many would make a page that no browser likes to open.
const MOST_CASES: usize = 300;

/// Where a case is in the page, if it has all its numbers there.
pub fn anchor(number: usize, place: usize) -> Option<String> {
    (place < MOST_CASES).then(|| format!("case-{number}-{}", place + 1))
}

/// The part of a case, closed until somebody asks; none beyond the most cases. The record has its readings.
pub fn part(record: &Record, address: Option<&str>, number: usize, place: usize, is_simulated: bool) -> Option<Markup> {
    anchor(number, place).map(|anchor| {
        html! {
            details id=(anchor) {
                summary { (name(&record.case.backend)) " · " (name(&record.case.scenario)) " · " (Foreign(&combination(record))) }
                (one(record, address, is_simulated))
            }
        }
    })
}

/// The address of a case's record, in the folder of its run.
pub fn record_address(run: &str, record: &Record) -> String {
    format!("{run}cases/{}.json", component(&record.case.id))
}

fn one(record: &Record, address: Option<&str>, is_simulated: bool) -> Markup {
    let id = &record.case.id;
    html! {
        @if let Some((word, reason)) = shortcoming(&record.outcome) { p.alarm { (word) (Foreign(&reason)) } }
        @if let Some(address) = address {
            p { "Record: " a href=(record_address(address, record)) { (name(id)) ".json" } }
        }
        @if !record.metrics.is_empty() {
            (scrolling(&format!("All numbers of {id}"), &numbers(record, is_simulated)))
        }
        @if !record.checks.is_empty() {
            ul.notes {
                @for check in &record.checks {
                    li { (Foreign(&check.name)) ": " (verdict(check.verdict)) ", " (Foreign(&check.detail)) }
                }
            }
        }
    }
}

fn verdict(verdict: CheckVerdict) -> &'static str {
    match verdict {
        CheckVerdict::Passed => "possible",
        CheckVerdict::Failed => "impossible, and therefore withheld",
        CheckVerdict::NotApplicable => "not checked",
    }
}

fn numbers(record: &Record, is_simulated: bool) -> Markup {
    html! {
        table.numbers {
            thead {
                tr {
                    th scope="col" { "metric" }
                    th scope="col" { "value" }
                    th scope="col" { "unit" }
                    th scope="col" { "95 % interval" }
                    th scope="col" { "observations" }
                    th scope="col" { "blocks" }
                }
            }
            tbody { @for value in &record.metrics { (line(record, value, is_simulated)) } }
        }
    }
}

fn line(record: &Record, value: &MetricValue, is_simulated: bool) -> Markup {
    let Some(metric) = value.metric.id() else { return html! {} };
    let definition = metric.definition();
    let scope = value.scope.as_ref().map(|scope| scope_name(scope, is_simulated));
    let head = html! {
        th scope="row" { (definition.full_label()) @if let Some(scope) = &scope { small { " of the " (Foreign(scope)) } } }
    };
    match &value.value {
        Value::Absent(absent) => html! { tr { (head) td colspan="5" { span.pale { (Foreign(&absent.words)) } } } },
        Value::Measured(summary) => {
            let preferred = record.value(metric).is_some_and(|first| std::ptr::eq(first, value));
            let estimate = if preferred {
                pocketwatt_record::estimate(record, metric, Statistic::Median)
            } else {
                value.estimate()
            };
            html! {
                tr {
                    (head)
                    @match &estimate {
                        Ok(estimate) => {
                            td { (exact(estimate.value)) }
                            td { (definition.unit.symbol()) }
                            td { (range(estimate)) }
                        }
                        Err(absent) => { td colspan="3" { (Foreign(&absent.words)) } }
                    }
                    td { (observations(summary)) }
                    td { @if preferred { (blocks(record, metric).unwrap_or_default()) } }
                }
            }
        }
    }
}

fn range(estimate: &Estimate) -> String {
    estimate.range.map_or_else(String::new, |(low, high)| format!("{} to {}", significant(low), significant(high)))
}

fn observations(summary: &Summary) -> String {
    match summary.count {
        1 => "1".to_owned(),
        count => format!("{count}, {} to {}", significant(summary.minimum), significant(summary.maximum)),
    }
}

/// The number of each block: `31.6, 31.9, ...`.
fn blocks(record: &Record, metric: MetricId) -> Option<String> {
    let values = block_values(record, metric, Statistic::Median).ok()?;
    let shown: Vec<String> = values.values().take(LISTED).map(|(value, _)| significant(*value)).collect();
    let more = values.len().saturating_sub(LISTED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(shown.join(", ") + &more)
}

/// The exact number with its interval and the numbers of its blocks.
pub fn exact_words(record: &Record, metric: MetricId, estimate: &Estimate) -> String {
    let blocks = blocks(record, metric).map(|blocks| format!("; blocks: {blocks}"));
    let observed = record.summary(metric).map(|summary| match summary.count {
        1 => "; 1 observation".to_owned(),
        count => format!("; {count} observations"),
    });
    [Some(words_of(metric, estimate)), observed, blocks].into_iter().flatten().collect()
}

/// The exact number with its interval.
pub fn words_of(metric: MetricId, estimate: &Estimate) -> String {
    let number = format!("{} {}", exact(estimate.value), metric.definition().unit.symbol());
    let range = estimate.range.map(|(low, high)| format!("; 95 % interval {} to {}", exact(low), exact(high)));
    number.trim_end().to_owned() + &range.unwrap_or_default()
}
