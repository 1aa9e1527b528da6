//! A table of finished cells in a page.

use maud::{Markup, html};

use crate::{
    pages::document::scrolling,
    table::{Cell, CellContent, Row, Table},
};

/// The table, and below it what it says in words.
pub fn table(table: &Table) -> Markup {
    let table = &table.inert();
    let cells = html! {
        table {
            thead {
                tr {
                    th scope="col" { span.pale { "metric" } }
                    @for column in &table.columns { th scope="col" { bdi { (column.replace('\n', ", ")) } } }
                }
            }
            tbody { @for row in &table.rows { (line(row)) } }
        }
    };
    html! {
        h3 { (table.title) }
        (scrolling(&table.title, &cells))
        (notes(&table.verdicts))
        (notes(&table.gains))
        @if !table.footnotes.is_empty() {
            ol.notes { @for footnote in &table.footnotes { li { (footnote) } } }
        }
        @for line in &table.notes { p.pale { "Note: " (line) } }
        @if !table.battery.is_empty() { p { "Of a battery:" } (notes(&table.battery)) }
    }
}

/// Lines below each other.
pub fn notes(lines: &[String]) -> Markup {
    html! { @if !lines.is_empty() { ul.notes { @for line in lines { li { (line) } } } } }
}

fn line(row: &Row) -> Markup {
    if row.heading && row.cells.iter().all(|cell| cell.content == CellContent::Empty) {
        return html! { tr.heading { th scope="rowgroup" colspan=(row.cells.len() + 1) { (row.label) } } };
    }
    html! {
        tr {
            th scope="row" {
                @if row.label.starts_with("  ") { "\u{2003}" }
                (row.label.trim_start())
                @if !row.unit.is_empty() { small { ", " (row.unit) } }
            }
            @for cell in &row.cells { td.number { (content(cell)) } }
        }
    }
}

/// What is in a cell, which was made inert.
pub fn content(cell: &Cell) -> Markup {
    html! {
        @if cell.best { span.best { (cell.value()) " ★" } }
        @else if cell.alarm { span.alarm { (cell.value()) } }
        @else { (cell.value()) }
        @if !cell.spread().is_empty() { " " small { (cell.spread()) } }
        @if let Some(number) = cell.footnote { sup { "[" (number) "]" } }
    }
}
