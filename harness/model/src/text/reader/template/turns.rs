//! The text before each answer of a conversation: the difference of two renderings of it, as in llama.cpp's
//! `common_chat_format_single`.

use std::collections::BTreeSet;

/// A placeholder for answers in a rendering. It is neither a tokenizer's special token nor part of a template.
pub(super) const ANSWER: &str = "\u{1}answer\u{2}";
/// Characters that are quoted around the place where two renderings differ.
const SHOWN: usize = 30;

/// The texts between the answers of a conversation that grows turn by turn.
#[derive(Debug, Default)]
pub(super) struct Turns {
    segments: Vec<String>,
    differences: BTreeSet<Difference>,
}

/// White space by which the kept key-value cache may differ from a template's rendering of the whole conversation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Difference {
    /// It is written before an earlier answer, but does not end a prompt. The model decides whether it is there, because in
    /// the vocabularies of such templates it is part of the answer's first token.
    LeftToAnswer(String),
    /// It ends a prompt, but is not written before the answer once that is an earlier one.
    OnlyInPrompt(String),
    /// The white space after an answer changes.
    AfterAnswer {
        /// As it was fed.
        fed: String,
        /// As it is written later.
        written: String,
    },
}

impl Difference {
    /// A sentence for people.
    pub(super) fn remark(&self) -> String {
        match self {
            Self::LeftToAnswer(space) => format!(
                "its chat template writes {space:?} before an earlier answer, which a prompt does not end with: it is taken for \
                 the beginning of the answer, and is missing from the kept cache where an answer begins without it"
            ),
            Self::OnlyInPrompt(space) => format!(
                "its chat template ends a prompt with {space:?}, and leaves that out before an earlier answer: the kept cache \
                 has it all the same"
            ),
            Self::AfterAnswer { fed, written } => format!(
                "its chat template writes {fed:?} behind an answer, and {written:?} once there is a later one: the kept cache has \
                 the former"
            ),
        }
    }
}

impl Turns {
    /// Adds what the rendering with one more turn has after its last answer.
    ///
    /// # Errors
    /// A description of how it differs from earlier renderings in more than white space around the answers.
    pub(super) fn add(&mut self, writing: &str) -> Result<(), String> {
        let parts: Vec<&str> = writing.split(ANSWER).collect();
        let answers = self.segments.len();
        let Some((last, earlier)) = parts.split_last().filter(|(_, earlier)| earlier.len() == answers) else {
            return Err(format!(
                "of the {answers} earlier answers of a conversation it writes {}",
                parts.len().saturating_sub(1)
            ));
        };
        for (turn, (part, fed)) in earlier.iter().zip(&self.segments).enumerate() {
            self.differences.extend(differences(fed, part, turn).ok_or_else(|| {
                let (fed, part) = apart(fed.trim(), part.trim());
                format!(
                    "before answer {} it writes {fed:?} at first, and {part:?} once there are {} turns, so that the key-value \
                     cache cannot be kept",
                    turn + 1,
                    answers + 1
                )
            })?);
        }
        self.segments.push((*last).to_owned());
        Ok(())
    }

    /// The texts, one for each turn.
    pub(super) fn segments(self) -> Vec<String> {
        self.segments
    }

    /// The ways in which the cache may differ from the whole text.
    pub(super) fn differences(&self) -> &BTreeSet<Difference> {
        &self.differences
    }
}

/// The white space in which a turn's text differs from `fed`; `None` where the texts differ otherwise.
fn differences(fed: &str, written: &str, turn: usize) -> Option<Vec<Difference>> {
    let mut found = Vec::new();
    let (begins, wrote) = (leading(fed), leading(written));
    // A text of only white space comes before its answer.
    let body = fed.trim();
    if body != written.trim() || (turn == 0 && begins != wrote && !body.is_empty()) {
        return None;
    }
    if begins != wrote && !body.is_empty() {
        found.push(Difference::AfterAnswer { fed: begins.to_owned(), written: wrote.to_owned() });
    }
    let (fed, written) = if body.is_empty() { (fed, written) } else { (trailing(fed), trailing(written)) };
    match (written.strip_prefix(fed), fed.strip_prefix(written)) {
        (Some(""), _) => {}
        (Some(more), _) => found.push(Difference::LeftToAnswer(more.to_owned())),
        (None, Some(more)) => found.push(Difference::OnlyInPrompt(more.to_owned())),
        (None, None) => {
            found.push(Difference::OnlyInPrompt(fed.to_owned()));
            found.push(Difference::LeftToAnswer(written.to_owned()));
        }
    }
    Some(found)
}

fn leading(text: &str) -> &str {
    &text[..text.len() - text.trim_start().len()]
}

fn trailing(text: &str) -> &str {
    &text[text.trim_end().len()..]
}

/// The places where two texts differ, with their surroundings.
fn apart<'a>(one: &'a str, other: &'a str) -> (String, String) {
    let common = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let from = common.saturating_sub(SHOWN / 2);
    let shown = |text: &'a str| {
        let mut letters = text.chars().skip(from);
        let shown: String = letters.by_ref().take(SHOWN).collect();
        let more = if letters.next().is_some() { "…" } else { "" };
        format!("{}{shown}{more}", if from > 0 { "…" } else { "" })
    };
    (shown(one), shown(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(writings: &[&str]) -> Result<(Vec<String>, Vec<Difference>), String> {
        let mut turns = Turns::default();
        for writing in writings {
            turns.add(&writing.replace('@', ANSWER))?;
        }
        let differences = turns.differences().iter().cloned().collect();
        Ok((turns.segments(), differences))
    }

    #[test]
    fn a_space_before_an_earlier_answer_is_left_to_the_answer() {
        let (segments, differences) = turns(&[
            "[INST] a [/INST]",
            "[INST] a [/INST] @ </s>[INST] b [/INST]",
            "[INST] a [/INST] @ </s>[INST] b [/INST] @ </s>[INST] c [/INST]",
        ])
        .unwrap();
        assert_eq!(segments, ["[INST] a [/INST]", " </s>[INST] b [/INST]", " </s>[INST] c [/INST]"]);
        assert_eq!(differences, [Difference::LeftToAnswer(" ".into())]);
        assert!(differences[0].remark().contains("writes \" \" before an earlier answer"));
    }

    #[test]
    fn white_space_that_the_cache_has_and_the_whole_text_has_not_is_reported() {
        let (segments, differences) = turns(&["a:\n", "a:@\nb:\n", "a:@ \nb:@\nc:\n"]).unwrap();
        assert_eq!(segments, ["a:\n", "\nb:\n", "\nc:\n"]);
        let after = Difference::AfterAnswer { fed: "\n".into(), written: " \n".into() };
        assert_eq!(differences, [Difference::OnlyInPrompt("\n".into()), after]);
        let (_, differences) = turns(&["a: ", "a:\n@b"]).unwrap();
        assert_eq!(differences, [Difference::LeftToAnswer("\n".into()), Difference::OnlyInPrompt(" ".into())]);
    }

    #[test]
    fn texts_of_nothing_but_white_space_stand_before_their_answer() {
        assert_eq!(turns(&["", "@"]).unwrap(), (vec![String::new(); 2], Vec::new()));
        let (segments, differences) = turns(&["\n", "@\n", "@\n@\n"]).unwrap();
        assert_eq!(segments, ["\n", "\n", "\n"]);
        assert_eq!(differences, [Difference::OnlyInPrompt("\n".into())]);
    }

    #[test]
    fn another_text_is_shown_where_it_begins() {
        let refusal = turns(&["<s>user: a, assistant: <think>", "<s>user: a, assistant: @user: b"]).unwrap_err();
        assert!(refusal.contains("\"…: a, assistant: <think>\" at first, and \"…: a, assistant:\" once"), "{refusal}");
        assert!(turns(&[" a", "a@b"]).unwrap_err().contains("before answer 1"), "the text begins with another token");
        assert!(turns(&["a", "ab"]).unwrap_err().contains("of the 1 earlier answers of a conversation it writes 0"));
        assert!(turns(&["a@"]).unwrap_err().contains("of the 0 earlier answers"));
    }
}
