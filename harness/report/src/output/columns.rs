//! Texts side by side on a terminal, where letters of some scripts take two columns and accents take none.

use unicode_width::UnicodeWidthStr;

/// Number of columns that a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Pads a text on the right.
pub fn left(text: &str, columns: usize) -> String {
    text.to_owned() + &spaces(columns, width(text))
}

/// Pads a text on the left.
pub fn right(text: &str, columns: usize) -> String {
    spaces(columns, width(text)) + text
}

/// Padding of a text that uses some of `columns`.
pub fn spaces(columns: usize, used: usize) -> String {
    " ".repeat(columns.saturating_sub(used))
}

/// Number of columns of the widest text.
pub fn widest<'a>(texts: impl IntoIterator<Item = &'a str>) -> usize {
    texts.into_iter().map(width).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_in_every_script() {
        for text in ["abc", "日", "e\u{301}te\u{301}", "👩\u{200d}🔬", ""] {
            assert_eq!(width(&left(text, 8)), 8, "{text}");
            assert_eq!(width(&right(text, 8)), 8, "{text}");
        }
        assert_eq!(widest(["a", "日本"]), 4);
    }
}
