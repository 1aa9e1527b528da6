//! The table's content as GitHub-flavoured Markdown.

use pocketwatt_record::Run;

use crate::{
    cases::Results,
    facts::{Seen, facts, legend},
    output::{Output, inert},
    table::{Cell, Table},
    tables::each_table,
};

/// One heading and one table for each table, then what they have in common.
///
/// # Errors
/// When a record cannot be read or the output cannot be written.
pub fn render(run: &Run, results: &dyn Results, output: &mut Output) -> anyhow::Result<()> {
    let (mut energy, mut shares, mut seen) = (false, false, Seen::default());
    each_table(run, results, &mut seen, |table| {
        energy |= table.has_energy;
        shares |= table.has_shares();
        output(&table_of(table))
    })?;
    let facts = facts_of(&facts(run, &seen, &results.damaged()));
    output(&format!("{}\n\n{facts}", escape(&legend(energy, shares))))
}

/// A table of names and facts.
pub fn facts_of(facts: &[(&'static str, String)]) -> String {
    let rows: String = facts.iter().map(|(name, fact)| format!("| {name} | {} |\n", escape(fact))).collect();
    format!("| | |\n|---|---|\n{rows}")
}

/// One heading and one table.
pub fn table_of(table: &Table) -> String {
    let table = &table.inert();
    let names: Vec<String> = table.columns.iter().map(|name| escape(&name.replace('\n', ", "))).collect();
    let mut output = format!("### {}\n\n| | {} |\n", escape(&table.title), names.join(" | "));
    output += &format!("|---|{}\n", "---:|".repeat(names.len()));
    for row in &table.rows {
        // Leading spaces do not survive in a Markdown cell.
        let label = match row.label.strip_prefix("  ") {
            _ if row.heading => format!("**{}**", escape(&row.label)),
            Some(part) => format!("&nbsp;&nbsp;{}", escape(part)),
            None => escape(&row.label),
        };
        let unit = if row.unit.is_empty() { String::new() } else { format!(", {}", row.unit) };
        let cells: Vec<String> = row.cells.iter().map(cell).collect();
        output += &format!("| {label}{unit} | {} |\n", cells.join(" | "));
    }
    output.push('\n');
    for line in table.verdicts.iter().chain(&table.gains) {
        output += &format!("- {}\n", escape(line));
    }
    for (index, footnote) in table.footnotes.iter().enumerate() {
        output += &format!("- \\[{}\\] {}\n", index + 1, escape(footnote));
    }
    for note in &table.notes {
        output += &format!("- note: {}\n", escape(note));
    }
    for line in &table.battery {
        output += &format!("- battery: {}\n", escape(line));
    }
    if [&table.verdicts, &table.gains, &table.footnotes, &table.notes, &table.battery]
        .iter()
        .any(|lines| !lines.is_empty())
    {
        output.push('\n');
    }
    output
}

fn cell(cell: &Cell) -> String {
    let mut text = escape(cell.value());
    if !cell.spread().is_empty() {
        text += &format!(" {}", escape(cell.spread()));
    }
    if let Some(number) = cell.footnote {
        text += &format!(" \\[{number}\\]");
    }
    if cell.best { format!("**{text}** \\*") } else { text }
}

/// Stands in the middle of what platforms would make a reference of, and is not seen: they ignore backslashes there.
const BREAK: &str = "<!-- -->";
/// Digits of a commit's name of which GitHub makes a link.
const LINKED_DIGITS: std::ops::RangeInclusive<usize> = 7..=40;
/// So many digits of commits and digests do we print ourselves: they stay whole, so that they can be copied.
const SHOWN_DIGITS: usize = 12;

/// Prevents text from becoming markup, an address, a mention, a reference, or another line. Underscores inside words are not markup in this
/// flavour.
pub fn escape(text: &str) -> String {
    let text = inert::line(text);
    let mut escaped = String::with_capacity(text.len());
    let (mut before, mut break_at) = (' ', None);
    for (place, character) in text.char_indices() {
        let after = text[place + character.len_utf8()..].chars().next().unwrap_or(' ');
        if !is_of_word(before) && is_commit(&text[place..]) {
            // A commit is found by its first seven digits, and not by fewer.
            break_at = Some(place + LINKED_DIGITS.start() / 2);
        }
        if break_at == Some(place) {
            escaped += BREAK;
        }
        let active = match character {
            '|' | '*' | '`' | '<' | '>' | '[' | ']' | '\\' | '~' | '$' | '&' => true,
            '_' => !(before.is_alphanumeric() && after.is_alphanumeric()),
            // `https://` and `www.` become links automatically.
            ':' => after == '/',
            '.' => text.as_bytes()[..place].last_chunk::<3>().is_some_and(|last| last.eq_ignore_ascii_case(b"www")),
            _ => false,
        };
        if active {
            escaped.push('\\');
        }
        escaped.push(character);
        let is_reference = match character {
            // A mention on a repository's page, or an e-mail address.
            '@' => after.is_alphanumeric(),
            // Issues, requests and milestones of GitHub and GitLab.
            '#' | '!' | '%' | '&' | '$' => after.is_ascii_digit(),
            '-' => after.is_ascii_digit() && ends_with_gh(&text[..place]),
            _ => false,
        };
        if is_reference {
            escaped += BREAK;
        }
        before = character;
    }
    escaped
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Whether a text begins with a word that may be a commit. One of decimal digits alone is a number.
fn is_commit(text: &str) -> bool {
    let digits = || text.bytes().take(LINKED_DIGITS.end() + 1).take_while(u8::is_ascii_hexdigit);
    let count = digits().count();
    LINKED_DIGITS.contains(&count)
        && count != SHOWN_DIGITS
        && !digits().all(|digit| digit.is_ascii_digit())
        && !text[count..].chars().next().is_some_and(is_of_word)
}

/// `GH-45` is `#45`.
fn ends_with_gh(text: &str) -> bool {
    let mut last = text.chars().rev();
    last.next().is_some_and(|character| character.eq_ignore_ascii_case(&'h'))
        && last.next().is_some_and(|character| character.eq_ignore_ascii_case(&'g'))
        && !last.next().is_some_and(is_of_word)
}

/// The heading of the text below the tables.
pub fn heading(text: &str) -> String {
    format!("### {}\n\n", escape(text))
}

/// Text without layout, between fences that do not occur in it.
pub fn verbatim(text: &str) -> String {
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}\n{}\n{fence}\n", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_become_a_link_does_not() {
        assert_eq!(escape("Www.a.b, ww.c, version 0.1.0"), "Www\\.a.b, ww.c, version 0.1.0");
        assert_eq!(escape("."), ".");
    }

    #[test]
    fn what_would_become_a_mention_or_a_reference_does_not() {
        assert_eq!(
            escape("fix #123 gh-45 octo/repo#6 !7"),
            "fix #<!-- -->123 gh-<!-- -->45 octo/repo#<!-- -->6 !<!-- -->7"
        );
        assert_eq!(escape("@octocat @org/team a@b.c"), "@<!-- -->octocat @<!-- -->org/team a@<!-- -->b.c");
        let commit = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(escape(commit), "012<!-- -->3456789abcdef0123456789abcdef01234567");
        assert_eq!(escape("(abcdef1)"), "(abc<!-- -->def1)");
        // Neither numbers, nor words, nor what we print ourselves.
        for plain in ["12345678", "deadbeefs", "0123456789ab", "50 %, 3 # 4", "high-5", "abcdef", &"ab".repeat(32)] {
            assert_eq!(escape(plain), plain);
        }
    }

    #[test]
    fn a_long_text_is_written_in_time_that_grows_with_it() {
        for text in ["0.1".repeat(300_000), "a".repeat(1_000_000)] {
            assert_eq!(escape(&text), text);
        }
    }
}
