//! Text that others wrote, in a page.

use maud::{Markup, Render, html};

use crate::output::inert;

/// The longest name that a heading or a cell shows; the record has all of it.
const LONGEST_NAME: usize = 160;

/// A text of others on one line: what would act invisibly is made visible, and markup is escaped.
pub struct Foreign<'a>(pub &'a str);

impl Render for Foreign<'_> {
    fn render_to(&self, buffer: &mut String) {
        inert::line(self.0).as_str().render_to(buffer);
    }
}

/// A name that others chose, cut if it is very long. It cannot change the order of the text beside it, in whatever direction it is
/// written.
pub fn name(name: &str) -> Markup {
    let shown = inert::one_line(name);
    match shown.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => html! { bdi { (&shown[..end]) "…" } },
        None => html! { bdi { (shown) } },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_markup() {
        let shown = name("</script><img src=x onerror=\"a('b')\">\u{202e}\u{1b}[2J").into_string();
        assert_eq!(shown, "<bdi>&lt;/script&gt;&lt;img src=x onerror=&quot;a('b')&quot;&gt;\\u{202e}\\u{1b}[2J</bdi>");
        assert!(name(&"a".repeat(10_000)).into_string().len() < 200);
    }
}
