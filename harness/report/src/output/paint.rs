//! Colours of a terminal, and the only escape sequences that reach one.

use crate::output::{Style, inert};

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
