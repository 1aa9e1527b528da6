//! Commands for a phone's shell, and answers of which the end is known.
//!
//! adb joins its arguments with blanks, and the phone's shell parses the result: `'a  b' '$HOME'` arrives as `a b /`. So words are
//! quoted here. If the connection ends in the middle of an answer, adb's exit status is 0: the answer counts only if its last line
//! is the marker that was sent with the command.

use std::{
    process,
    sync::atomic::{AtomicU64, Ordering},
};

/// What a command on a phone wrote, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Standard output; of phones without shell v2, standard error as well.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The exit status of the command.
    pub status: i32,
}

/// A word that arrives in the phone's shell as it is, whatever it holds.
pub fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A command line of words that arrive as they are.
pub fn command_line(words: &[impl AsRef<str>]) -> String {
    words.iter().map(|word| quoted(word.as_ref())).collect::<Vec<_>>().join(" ")
}

/// A command whose answer ends with a marker and the exit status.
#[derive(Debug)]
pub(super) struct Marked {
    command: String,
    marker: String,
}

impl Marked {
    pub(super) fn new(command: &str) -> Self {
        static CALLS: AtomicU64 = AtomicU64::new(0);
        // The marker differs from call to call, so that a text with an old one in it does not end an answer.
        let marker = format!("pocketwatt-end-{}-{}", process::id(), CALLS.fetch_add(1, Ordering::Relaxed));
        // In a shell of its own, because a command may exit; the answer may not end with a line end.
        Self { command: format!("(\n{command}\n)\nstatus=$?\necho\necho {marker} $status"), marker }
    }

    pub(super) fn command(&self) -> &str {
        &self.command
    }

    /// What the last line begins with; the exit status follows.
    pub(super) fn end(&self) -> String {
        format!("{} ", self.marker)
    }

    /// The answer; `None` if it has no end.
    pub(super) fn answer(&self, stdout: &str, stderr: &str) -> Option<Answer> {
        // Phones before Android 7 have a terminal in between, which ends lines in its own way.
        let stdout = stdout.replace("\r\n", "\n");
        let (text, end) = stdout.rsplit_once(&format!("\n{}", self.end()))?;
        let status = end.strip_suffix('\n')?.parse().ok()?;
        Some(Answer { stdout: text.to_owned(), stderr: stderr.replace("\r\n", "\n"), status })
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    /// As adb and a phone do it: arguments joined with blanks, parsed by a shell.
    fn sh(command: &str) -> String {
        let output = Command::new("sh").args(["-c", command]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn an_answer_is_what_the_command_wrote_and_its_status() {
        for (command, stdout, status) in
            [("echo a", "a\n", 0), ("printf a", "a", 0), ("exit 7", "", 7), ("echo a\nfalse", "a\n", 1), (":", "", 0)]
        {
            let marked = Marked::new(command);
            let answer = marked.answer(&sh(marked.command()), "").expect(command);
            assert_eq!((&*answer.stdout, answer.status), (stdout, status), "{command}");
            let terminal = sh(marked.command()).replace('\n', "\r\n");
            assert_eq!(marked.answer(&terminal, ""), Some(answer));
        }
    }

    #[test]
    fn an_answer_that_was_cut_off_anywhere_is_none() {
        let marked = Marked::new("printf 'first\nsecond'");
        let whole = sh(marked.command());
        for end in 0..whole.len() {
            assert_eq!(marked.answer(&whole[..end], ""), None, "{:?}", &whole[..end]);
        }
        assert_eq!(Marked::new(":").answer(&whole, ""), None, "the marker of another call");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn words_arrive_as_they_are(words in prop::collection::vec("[^\0]{0,12}", 1..4)) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let shown = sh(&command_line(&[&["printf", "<%s>"], &words[..]].concat()));
            prop_assert_eq!(shown, words.iter().map(|word| format!("<{word}>")).collect::<String>());
        }
    }

    #[test]
    fn quotes_blanks_and_commands_are_words() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
        let words = ["a  b", "$HOME", "$(id)", "`id`", "'", "\"", "\\", "*", "\n", "; exit 3", ""];
        let shown = sh(&command_line(&[&["printf", "%s|"], &words[..]].concat()));
        assert_eq!(shown, words.join("|") + "|");
    }
}
