//! Makes untrusted text safe to show. Names, messages and answers come from models, scenarios, runners and records of
//! others: they may contain sequences that control a terminal, or marks that reorder or hide the text beside them. Those become
//! visible here; our own colours are added afterwards.

use std::fmt::Write;

use pocketwatt_files::is_invisible;

/// A text on one line: line ends and tabs become spaces.
pub fn line(text: &str) -> String {
    made_of(text, |character, shown| {
        if is_break(character) {
            shown.push(' ');
        } else {
            show(character, shown);
        }
    })
}

/// Untrusted text on one line, without repeated spaces.
pub fn one_line(text: &str) -> String {
    line(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text that keeps its lines. All lines after the first are indented, so that none of them looks like one of ours.
pub fn lines(text: &str) -> String {
    const INDENT: &str = "    ";
    let mut lines = text.trim_end().lines();
    let mut shown = lines.next().map(line).unwrap_or_default();
    for next in lines {
        shown.push('\n');
        shown += format!("{INDENT}{}", line(next)).trim_end();
    }
    shown
}

/// A text of many lines: a document, or an answer that the user asked for.
pub fn text(text: &str) -> String {
    made_of(text, |character, shown| match character {
        '\n' => shown.push('\n'),
        // XML may not contain these, not even as a number.
        '\u{fffe}' | '\u{ffff}' => shown.extend(character.escape_unicode()),
        character => show(character, shown),
    })
}

/// A JSON document with the same content. What could act on a terminal occurs only within strings, where JSON has an escape
/// for every character.
pub fn json(document: &str) -> String {
    made_of(document, |character, shown| match character {
        '\n' => shown.push('\n'),
        character if is_active(character) => {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        }
        character => shown.push(character),
    })
}

/// Passes each character that may have an invisible effect to `add`; the others, which are most, are copied.
fn made_of(text: &str, mut add: impl FnMut(char, &mut String)) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    let is_special = |byte: u8| !matches!(byte, b' '..=b'~');
    while let Some((plain, special)) = rest.bytes().position(is_special).and_then(|place| rest.split_at_checked(place))
    {
        shown += plain;
        let mut characters = special.chars();
        characters.by_ref().take(1).for_each(|character| add(character, &mut shown));
        rest = characters.as_str();
    }
    shown + rest
}

fn show(character: char, shown: &mut String) {
    if is_active(character) {
        shown.extend(character.escape_unicode());
    } else {
        shown.push(character);
    }
}

fn is_break(character: char) -> bool {
    matches!(character, '\t'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether a character must not reach a terminal unchanged. The joiners U+200C and U+200D may: Persian and emoji are written
/// with them.
pub fn is_active(character: char) -> bool {
    is_invisible(character) && !matches!(character, '\u{200c}' | '\u{200d}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_becomes_visible() {
        assert_eq!(line("a\u{1b}[2Jb\r\nc\td"), "a\\u{1b}[2Jb  c d");
        assert_eq!(line("\u{202e}gpj.exe \u{9b}31m\u{7f}"), "\\u{202e}gpj.exe \\u{9b}31m\\u{7f}");
        assert_eq!(line("Grüße 👩\u{200d}🔬 ✓"), "Grüße 👩\u{200d}🔬 ✓");
    }

    #[test]
    fn no_line_of_others_looks_like_one_of_ours() {
        assert_eq!(lines("cannot read x\npocketwatt: all well\n\n"), "cannot read x\n    pocketwatt: all well");
        assert_eq!(lines("one\u{2028}two\rthree"), "one two three");
    }

    #[test]
    fn json_says_the_same_in_other_words() {
        let text = "a\u{1b}\u{9b}\u{7f}\u{202e}\u{e0041} \"\\ ü\n";
        let document = serde_json::to_string(text).unwrap();
        let shown = json(&document);
        assert!(!shown.contains(is_active), "{shown}");
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
    }
}
