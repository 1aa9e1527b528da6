//! Colours of a terminal, and the only escape sequences that reach one.

use crate::output::{Style, inert};

/// Escape sequences, or nothing if colour is off. They surround text that was already made safe.
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

/// Everything that [`Paint`] writes between `\x1b[` and `m`.
const CODES: [&str; 5] = ["0", "1", "2", "1;32", "31"];

/// The last check of a text on its way to a terminal: only escape sequences of [`Paint`] pass, and those only if
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
