//! What every page has: its head, the style and the script, which are kept beside this file and written into each page.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::pages::foreign::Foreign;

/// The style of every page.
pub const STYLE: &str = include_str!("style.css");
/// The script of every page.
pub const SCRIPT: &str = include_str!("script.js");

/// Nothing is loaded from anywhere, whatever a page contains.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; \
                      base-uri 'none'; form-action 'none'";

/// A page of a site loads its style, its scripts and its data from beside it, from a disk as well as from a server, and nothing else.
const SITE_POLICY: &str = "default-src 'none'; style-src 'self' file:; script-src 'self' file:; img-src data:; \
                           base-uri 'none'; form-action 'none'";

/// A page.
pub struct Document<'a> {
    /// Its title, which others may have chosen.
    pub title: &'a str,
    /// What stands in it, headings from `h1` on.
    pub body: Markup,
}

impl Document<'_> {
    /// The whole file.
    pub fn write(&self) -> String {
        let style = html! { style { (PreEscaped(STYLE)) } };
        let script = html! { script { (PreEscaped(SCRIPT)) } };
        shell(self.title, POLICY, &style, &self.body, &script)
    }
}

/// A page of a site, whose pages share `style.css` and `page.js` at its root.
pub struct Page<'a> {
    /// Its title, which others may have chosen.
    pub title: &'a str,
    /// The way to the root of the site: empty, or `../`.
    pub root: &'a str,
    /// Its own scripts, from the root, in their order.
    pub scripts: &'a [String],
    /// What stands in it, headings from `h1` on.
    pub body: Markup,
}

impl Page<'_> {
    /// The whole file.
    pub fn write(&self) -> String {
        let style = html! { link rel="stylesheet" href=(format!("{}style.css", self.root)); };
        let script = html! {
            script src=(format!("{}page.js", self.root)) {}
            @for script in self.scripts { script src=(format!("{}{script}", self.root)) {} }
        };
        shell(self.title, SITE_POLICY, &style, &self.body, &script)
    }
}

fn shell(title: &str, policy: &str, style: &Markup, body: &Markup, script: &Markup) -> String {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(concat!("pocketwatt ", env!("CARGO_PKG_VERSION")));
                meta http-equiv="Content-Security-Policy" content=(policy);
                title { (Foreign(title)) }
                (style)
            }
            body {
                a.skip href="#content" { "Skip to the results" }
                button.theme type="button" hidden { "Light or dark" }
                main id="content" { (body) }
                div.tip role="status" hidden {}
                (script)
            }
        }
    };
    document.into_string()
}

/// What is wider than a phone scrolls by itself, with the keyboard, too. `label` says what it is.
pub fn scrolling(label: &str, content: &Markup) -> Markup {
    html! { div.scroll tabindex="0" role="region" aria-label=(Foreign(label)) { (content) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_everything_that_it_needs() {
        let page = Document { title: "<a> & \u{202e}b", body: html! { h1 { "1" } } }.write();
        assert!(page.contains("<title>&lt;a&gt; &amp; \\u{202e}b</title>"), "{page}");
        for outside in ["http:", "https:", " src=", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(!STYLE.contains("</") && !SCRIPT.contains("</"), "these would end early");
    }
}
