//! What each number is: the formula of every metric that the report shows.

use std::collections::HashSet;

use maud::{Markup, html};
use pocketwatt_record::{Direction, MetricId, catalogue};

use crate::pages::document::scrolling;

/// A line for each of the metrics, in the order of the catalogue.
pub fn formulas(known: &HashSet<MetricId>) -> Markup {
    let table = html! {
        table {
            thead { tr { th scope="col" { "metric" } th.text scope="col" { "unit" } th.text scope="col" { "better" } th.text scope="col" { "formula of an observation" } } }
            tbody {
                @for metric in catalogue().iter().filter(|metric| known.contains(metric)).map(|metric| metric.definition()) {
                    tr {
                        th scope="row" { (metric.full_label()) " " small { (metric.name) } }
                        td.text { (metric.unit.symbol()) }
                        td.text { (better(metric.direction)) }
                        td.text { code { (metric.formula) } }
                    }
                }
            }
        }
    };
    html! {
        section id="formulas" {
            h2 { "What each number is" }
            details.printed {
                summary { "The formulas of all metrics" }
                (scrolling("The formulas of all metrics", &table))
            }
        }
    }
}

fn better(direction: Direction) -> &'static str {
    match direction {
        Direction::HigherIsBetter => "more",
        Direction::LowerIsBetter => "less",
        Direction::Informative => "neither",
    }
}
