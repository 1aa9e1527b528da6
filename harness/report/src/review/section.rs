//! A text that has to fit into a place, which is filled in the order of what matters.

/// A part of such a text, of which the first blocks stand there if not all fit.
#[derive(Debug, Default)]
pub struct Section {
    /// Stands before the blocks.
    pub opening: String,
    /// Tables or lines, each with the end of its line.
    pub blocks: Vec<String>,
    /// Stands behind them.
    pub closing: String,
    /// What a block is, if there are several: `cases`.
    pub noun: &'static str,
    /// How full the place may be behind it, in per cent: what comes later has room, too.
    pub until: usize,
}

impl Section {
    /// The same behind a line that opens it. The line is ours, not of others.
    pub fn folded(self, line: &str) -> Self {
        let opening = format!("<details><summary>{line}</summary>\n\n{}", self.opening);
        Self { opening, closing: format!("\n{}</details>\n", self.closing), ..self }
    }

    /// The same below a heading.
    pub fn headed(self, heading: &str) -> Self {
        Self { opening: format!("{heading}\n\n{}", self.opening), ..self }
    }

    /// With the blocks that fit.
    fn within(&self, most: usize) -> String {
        let mut used = self.opening.len() + self.closing.len();
        let fits = |block: &&String| {
            used += block.len();
            used <= most
        };
        let fitting = self.blocks.iter().take_while(fits).count();
        let blocks = self.blocks[..fitting].concat();
        let rest = match self.blocks.len() - fitting {
            0 => String::new(),
            some => format!("\n...and {some} {} more: the verdict (JSON) and the stored run have them.\n", self.noun),
        };
        format!("{}{}\n{rest}{}", self.opening, blocks.trim_end(), self.closing)
    }
}

/// What openings and the lines about what is left out take at most, together.
const RESERVED: usize = 2_000;

/// A text of at most so many bytes, whose head is short.
pub fn fitting(head: &str, sections: &[Section], most: usize) -> String {
    let most = most.saturating_sub(RESERVED);
    let mut text = head.to_owned();
    for section in sections.iter().filter(|section| !section.blocks.is_empty()) {
        let room = (most * section.until / 100).saturating_sub(text.len());
        text += &format!("\n{}", section.within(room));
    }
    text
}

/// The beginning of a text, with `...` where it is cut.
pub fn shortened(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(blocks: usize, bytes: usize, until: usize) -> Section {
        let blocks = vec!["x".repeat(bytes - 1) + "\n"; blocks];
        Section { blocks, noun: "cases", until, ..Section::default() }
    }

    #[test]
    fn what_fits_is_there_and_the_rest_is_counted() {
        let one = || Section { blocks: vec!["one\n".into()], noun: "parts", until: 100, ..Section::default() };
        assert_eq!(
            fitting("head\n", &[one(), Section::default(), one().folded("more")], 10_000),
            "\
head

one

<details><summary>more</summary>

one

</details>
"
        );
        let text = fitting("head\n", &[section(100, 1_000, 50).headed("# x"), section(1, 1_000, 100)], 22_000);
        assert_eq!(text.lines().filter(|line| line.starts_with('x')).count(), 9 + 1, "the last has room, too");
        assert!(text.contains("\n...and 91 cases more: the verdict (JSON) and the stored run have them.\n"), "{text}");
        assert!(text.len() <= 22_000);
        let none = fitting("head\n", &[section(2, 30_000, 50)], 22_000);
        assert!(none.contains("...and 2 cases more") && none.len() < 200, "{none}");
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(shortened("äöü", 3), "äöü");
        assert_eq!(shortened("äöü", 2), "äö...");
    }
}
