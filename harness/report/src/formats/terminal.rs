//! The table on a terminal.

use pocketwatt_record::Run;

use crate::{
    cases::Results,
    facts::{Seen, facts, legend},
    output::{
        Output, Paint, Style,
        columns::{self, spaces},
        paragraph,
    },
    table::{Cell, CellContent, Row, Table},
    tables::each_table,
};

/// Text below the tables is wrapped at this width at most, since longer lines are hard to read.
const TEXT_WIDTH: usize = 100;
const GAP: &str = "  ";

/// Lays out every table, then what they have in common.
///
/// # Errors
/// When a record cannot be read or the output cannot be written.
pub fn render(run: &Run, results: &dyn Results, style: &Style, output: &mut Output) -> anyhow::Result<()> {
    let (mut energy, mut shares, mut seen) = (false, false, Seen::default());
    each_table(run, results, &mut seen, |table| {
        energy |= table.has_energy;
        shares |= table.has_shares();
        output(&table_of(table, style))
    })?;
    output(&common(run, &seen, results, legend(energy, shares), style))
}

/// What stands below the tables.
fn common(run: &Run, seen: &Seen, results: &dyn Results, legend: String, style: &Style) -> String {
    let paint = Paint { color: style.color };
    let text_width = style.width.unwrap_or(TEXT_WIDTH).min(TEXT_WIDTH);
    let mut output = paragraph("", &legend, text_width, paint);
    output.push('\n');
    output + &facts_of(&facts(run, seen, &results.damaged()), style)
}

/// Names and facts below each other.
pub fn facts_of(facts: &[(&'static str, String)], style: &Style) -> String {
    let paint = Paint { color: style.color };
    let text_width = style.width.unwrap_or(TEXT_WIDTH).min(TEXT_WIDTH);
    facts.iter().map(|(name, fact)| paragraph(&format!("{name:<10} "), fact, text_width, paint)).collect()
}

/// One table, and an empty line.
pub fn table_of(table: &Table, style: &Style) -> String {
    let table = &table.inert();
    let paint = Paint { color: style.color };
    let text_width = style.width.unwrap_or(TEXT_WIDTH).min(TEXT_WIDTH);
    let mut output = paint.bold(&table.title) + "\n";
    output += &side_by_side(table, style.width.unwrap_or(usize::MAX), paint);
    for (index, line) in table.verdicts.iter().enumerate() {
        output += &paragraph(if index == 0 { "leads: " } else { "       " }, line, text_width, paint);
    }
    for (index, line) in table.gains.iter().enumerate() {
        output += &paragraph(if index == 0 { "gains: " } else { "       " }, line, text_width, paint);
    }
    for (index, footnote) in table.footnotes.iter().enumerate() {
        output += &paragraph(&format!("[{}] ", index + 1), footnote, text_width, paint);
    }
    for note in &table.notes {
        output += &paragraph("note: ", note, text_width, paint);
    }
    for (index, line) in table.battery.iter().enumerate() {
        output += &paragraph(if index == 0 { "battery: " } else { "         " }, line, text_width, paint);
    }
    output + "\n"
}

/// The columns side by side, as many at a time as fit into `width`.
fn side_by_side(table: &Table, width: usize, paint: Paint) -> String {
    // A heading extends over the empty cells beside it.
    let labels = table.rows.iter().filter(|row| !row.heading);
    let label_width = labels.map(|row| columns::width(&label(row))).max().unwrap_or(0);
    let widths: Vec<ColumnWidth> = (0..table.columns.len()).map(|index| ColumnWidth::of(table, index)).collect();
    let mut output = String::new();
    let mut first = 0;
    while first < widths.len() {
        let mut used = label_width;
        let fitting = widths[first..]
            .iter()
            .take_while(|column| {
                used += GAP.len() + column.total();
                used <= width
            })
            .count();
        // A column that does not even fit alone is shown anyway: cutting numbers would be worse.
        let end = first + fitting.max(1);
        output += &stripe(table, first..end, label_width, &widths, paint);
        first = end;
    }
    output
}

fn stripe(
    table: &Table,
    range: std::ops::Range<usize>,
    label_width: usize,
    widths: &[ColumnWidth],
    paint: Paint,
) -> String {
    let width = label_width + range.clone().map(|index| GAP.len() + widths[index].total()).sum::<usize>();
    let rule = paint.dim(&"─".repeat(width)) + "\n";
    let mut output = String::new();
    let lines = range.clone().map(|index| table.columns[index].lines().count()).max().unwrap_or(0);
    for line in 0..lines {
        let mut header = " ".repeat(label_width);
        for index in range.clone() {
            let name = table.columns[index].lines().nth(line).unwrap_or("");
            header += GAP;
            header += &spaces(widths[index].total(), columns::width(name));
            header += &paint.bold(name);
        }
        output += header.trim_end();
        output.push('\n');
    }
    output += &rule;
    for row in &table.rows {
        if row.heading && row.cells[range.clone()].iter().all(|cell| cell.content == CellContent::Empty) {
            output += &paint.bold(&row.label);
            output.push('\n');
            continue;
        }
        let mut line = row.label.clone();
        if !row.unit.is_empty() {
            line += &paint.dim(&format!(", {}", row.unit));
        }
        line += &spaces(label_width, columns::width(&label(row)));
        for index in range.clone() {
            line += GAP;
            line += &cell(&row.cells[index], &widths[index], paint);
        }
        output += line.trim_end();
        output.push('\n');
    }
    output + &rule
}

fn label(row: &Row) -> String {
    if row.unit.is_empty() { row.label.clone() } else { format!("{}, {}", row.label, row.unit) }
}

/// The widths of a column's parts: numbers end, and spreads begin, at the same position in every row.
struct ColumnWidth {
    value: usize,
    spread: usize,
    /// Width of words and the name, which use the whole cell.
    whole: usize,
}

impl ColumnWidth {
    fn of(table: &Table, index: usize) -> Self {
        let mut width =
            Self { value: 0, spread: 0, whole: table.columns[index].lines().map(columns::width).max().unwrap_or(0) };
        for cell in table.rows.iter().map(|row| &row.cells[index]) {
            if cell.is_number() {
                width.value = width.value.max(columns::width(cell.value()));
                width.spread = width.spread.max(columns::width(cell.spread()));
            } else {
                width.whole = width.whole.max(columns::width(&cell_text(cell)));
            }
        }
        width
    }

    fn total(&self) -> usize {
        self.number().max(self.whole)
    }

    /// Width of value, spread and mark.
    fn number(&self) -> usize {
        match (self.value, self.spread) {
            (0, _) => 0,
            (value, 0) => value + 2,
            (value, spread) => value + 1 + spread + 2,
        }
    }
}

fn cell(cell: &Cell, width: &ColumnWidth, paint: Paint) -> String {
    if !cell.is_number() {
        let text = cell_text(cell);
        let room = width.total().saturating_sub(columns::width(&text));
        // The dash is where the last digit would be, if its footnote fits after it.
        let dash = (width.total() - width.number() + width.value).saturating_sub(1);
        let before = if cell.content == CellContent::Absent { room.min(dash) } else { room };
        return spaces(before, 0) + &if cell.alarm { paint.alarm(&text) } else { text } + &spaces(room, before);
    }
    let mut output = spaces(width.total() - width.number() + width.value, columns::width(cell.value()));
    output += &if cell.best { paint.best(cell.value()) } else { cell.value().to_owned() };
    if width.spread > 0 {
        output.push(' ');
        output += &paint.dim(cell.spread());
        output += &spaces(width.spread, columns::width(cell.spread()));
    }
    output += &if cell.best { paint.best(" *") } else { GAP.to_owned() };
    output
}

fn cell_text(cell: &Cell) -> String {
    match cell.footnote {
        Some(number) => format!("{} [{number}]", cell.value()),
        None => cell.value().to_owned(),
    }
}
