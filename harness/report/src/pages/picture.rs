//! A chart in a page.

use maud::{Markup, PreEscaped, html};

use crate::{
    charts::NamedChart,
    pages::{document::scrolling, foreign::Foreign},
};

/// What the drawing library writes on every line: values that are the default anyway, or that the style of the page sets once.
const REPEATED: [&str; 3] = [" opacity=\"1\"", " stroke-width=\"1\"", " font-family=\"sans-serif\""];

/// The chart, and what it shows in words.
pub fn picture(chart: &NamedChart) -> Markup {
    let label = format!("{}, {}", chart.title, chart.about);
    html! {
        figure {
            (scrolling(&label, &PreEscaped(without_repetition(&chart.svg))))
            figcaption { (Foreign(&chart.description)) }
        }
    }
}

fn without_repetition(svg: &str) -> String {
    REPEATED.iter().fold(svg.to_owned(), |svg, repeated| svg.replace(repeated, ""))
}
