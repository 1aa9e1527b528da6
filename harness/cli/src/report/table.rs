//! The table on a terminal.

use pocketwatt_record::Run;

use super::{
    Output, Style,
    facts::{Seen, facts, legend},
    results::Results,
    row::{Cell, Row},
    sheet::{Sheet, each_sheet},
};
use crate::{
    columns::{spaces as padding, width as length},
    inert,
};

/// Text below the tables is wrapped here at the latest: longer lines are hard to read.
const TEXT_WIDTH: usize = 100;
const GAP: &str = "  ";

/// Lays out every sheet, then what they have in common.
///
/// # Errors
/// When a record cannot be read or the output not be written.
pub fn render(run: &Run, results: &dyn Results, style: &Style, output: &mut Output) -> anyhow::Result<()> {
    let (mut energy, mut shares, mut seen) = (false, false, Seen::default());
    each_sheet(run, results, &mut seen, |sheet| {
        energy |= sheet.has_energy;
        shares |= sheet.has_shares();
        output(&table_of(sheet, style))
    })?;
    output(&common(run, &seen, results, legend(energy, shares), style))
}

/// What stands below the sheets.
fn common(run: &Run, seen: &Seen, results: &dyn Results, legend: String, style: &Style) -> String {
    let paint = Paint { color: style.color };
    let text_width = style.width.unwrap_or(TEXT_WIDTH).min(TEXT_WIDTH);
    let mut output = paragraph("", &legend, text_width, paint);
    output.push('\n');
    for (name, fact) in facts(run, seen, &results.damaged()) {
        output += &paragraph(&format!("{name:<10} "), &fact, text_width, paint);
    }
    output
}

/// One sheet, and an empty line.
pub fn table_of(sheet: &Sheet, style: &Style) -> String {
    let sheet = &sheet.inert();
    let paint = Paint { color: style.color };
    let text_width = style.width.unwrap_or(TEXT_WIDTH).min(TEXT_WIDTH);
    let mut output = paint.bold(&sheet.title) + "\n";
    output += &columns(sheet, style.width.unwrap_or(usize::MAX), paint);
    for (index, footnote) in sheet.footnotes.iter().enumerate() {
        output += &paragraph(&format!("[{}] ", index + 1), footnote, text_width, paint);
    }
    for note in &sheet.notes {
        output += &paragraph("note: ", note, text_width, paint);
    }
    for (index, line) in sheet.battery.iter().enumerate() {
        output += &paragraph(if index == 0 { "battery: " } else { "         " }, line, text_width, paint);
    }
    output + "\n"
}

/// The columns side by side, as many at a time as fit in `width`.
fn columns(sheet: &Sheet, width: usize, paint: Paint) -> String {
    // A heading runs on over the empty cells beside it.
    let labels = sheet.rows.iter().filter(|row| !row.heading);
    let label_width = labels.map(|row| length(&label(row))).max().unwrap_or(0);
    let widths: Vec<ColumnWidth> = (0..sheet.columns.len()).map(|index| ColumnWidth::of(sheet, index)).collect();
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
        // A column that does not even fit alone is shown all the same: cutting numbers would be worse.
        let end = first + fitting.max(1);
        output += &stripe(sheet, first..end, label_width, &widths, paint);
        first = end;
    }
    output
}

fn stripe(
    sheet: &Sheet,
    range: std::ops::Range<usize>,
    label_width: usize,
    widths: &[ColumnWidth],
    paint: Paint,
) -> String {
    let width = label_width + range.clone().map(|index| GAP.len() + widths[index].total()).sum::<usize>();
    let rule = paint.dim(&"─".repeat(width)) + "\n";
    let mut output = String::new();
    let lines = range.clone().map(|index| sheet.columns[index].lines().count()).max().unwrap_or(0);
    for line in 0..lines {
        let mut header = " ".repeat(label_width);
        for index in range.clone() {
            let name = sheet.columns[index].lines().nth(line).unwrap_or("");
            header += GAP;
            header += &padding(widths[index].total(), length(name));
            header += &paint.bold(name);
        }
        output += header.trim_end();
        output.push('\n');
    }
    output += &rule;
    for row in &sheet.rows {
        if row.heading && row.cells[range.clone()].iter().all(|cell| cell.value.is_empty()) {
            output += &paint.bold(&row.label);
            output.push('\n');
            continue;
        }
        let mut line = row.label.clone();
        if !row.unit.is_empty() {
            line += &paint.dim(&format!(", {}", row.unit));
        }
        line += &padding(label_width, length(&label(row)));
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

/// A column's parts: numbers end, and spreads begin, at the same place in every row.
struct ColumnWidth {
    value: usize,
    spread: usize,
    /// Of words and the name, which take the whole cell.
    whole: usize,
}

impl ColumnWidth {
    fn of(sheet: &Sheet, index: usize) -> Self {
        let mut width =
            Self { value: 0, spread: 0, whole: sheet.columns[index].lines().map(length).max().unwrap_or(0) };
        for cell in sheet.rows.iter().map(|row| &row.cells[index]) {
            if cell.is_number() {
                width.value = width.value.max(length(&cell.value));
                width.spread = width.spread.max(length(&cell.spread));
            } else {
                width.whole = width.whole.max(length(&word(cell)));
            }
        }
        width
    }

    fn total(&self) -> usize {
        self.number().max(self.whole)
    }

    /// Value, spread and mark.
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
        let text = word(cell);
        let room = width.total().saturating_sub(length(&text));
        // The dash stands where the last digit would, if its footnote finds room behind it.
        let dash = (width.total() - width.number() + width.value).saturating_sub(1);
        let before = if cell.value == "-" { room.min(dash) } else { room };
        return padding(before, 0) + &if cell.alarm { paint.alarm(&text) } else { text } + &padding(room, before);
    }
    let mut output = padding(width.total() - width.number() + width.value, length(&cell.value));
    output += &if cell.best { paint.best(&cell.value) } else { cell.value.clone() };
    if width.spread > 0 {
        output.push(' ');
        output += &paint.dim(&cell.spread);
        output += &padding(width.spread, length(&cell.spread));
    }
    output += &if cell.best { paint.best(" *") } else { GAP.to_owned() };
    output
}

fn word(cell: &Cell) -> String {
    match cell.footnote {
        Some(number) => format!("{} [{number}]", cell.value),
        None => cell.value.clone(),
    }
}

/// `text` after `head`, wrapped at `width`, its further lines indented as far as the first.
pub fn paragraph(head: &str, text: &str, width: usize, paint: Paint) -> String {
    let (head, text) = (inert::line(head), inert::line(text));
    let indent = length(&head);
    let mut output = paint.dim(&head);
    let mut used = indent;
    for (index, word) in text.split_whitespace().enumerate() {
        if index > 0 && used + 1 + length(word) > width {
            output.push('\n');
            output += &" ".repeat(indent);
            used = indent;
        } else if index > 0 {
            output.push(' ');
            used += 1;
        }
        output += word;
        used += length(word);
    }
    output + "\n"
}

/// Escape sequences, or nothing where colour is off. They are put around what is safe to show already.
#[derive(Clone, Copy)]
pub struct Paint {
    /// Whether there are any.
    pub color: bool,
}

impl Paint {
    /// For titles.
    pub fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// For what matters less.
    pub fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// For what is good.
    pub fn best(self, text: &str) -> String {
        self.wrap("1;32", text)
    }

    /// For what is wrong.
    pub fn alarm(self, text: &str) -> String {
        self.wrap("31", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        debug_assert!(CODES.contains(&code), "a colour that no output lets pass");
        if self.color && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// All that [`Paint`] writes behind `\x1b[` and before `m`.
const CODES: [&str; 5] = ["0", "1", "2", "1;32", "31"];

/// The last look at a text on its way to a terminal: no escape sequence passes but those of [`Paint`], and those only where
/// the style has colours.
pub fn strip_foreign_escapes(text: &str, style: &Style) -> String {
    let mut parts = text.split('\x1b');
    let mut shown = parts.next().map(inert::text).unwrap_or_default();
    for part in parts {
        let own = CODES.iter().find_map(|code| part.strip_prefix('[')?.strip_prefix(code)?.strip_prefix('m'));
        match own.filter(|_| style.color) {
            Some(rest) => shown += &format!("\x1b{}{}", &part[..part.len() - rest.len()], inert::text(rest)),
            None => shown += &inert::text(&format!("\x1b{part}")),
        }
    }
    shown
}
