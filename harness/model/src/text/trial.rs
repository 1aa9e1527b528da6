//! Renders conversations of every shape that scenarios have, as a trial.

use std::collections::BTreeSet;

use super::{ChatTemplate, markers::markers};
use crate::ModelError;

const QUESTIONS: [&str; 3] = ["What is 3 × 7?", "世界 👋\n\n```\ncode\n```", "Why?"];
/// Requests and answers that come first: one with white space around it, and one with a thought.
const EXAMPLES: [(&str, &str); 2] = [("Who are you?", SPACED), ("Think.", THOUGHTFUL)];
const SPACED: &str = "\tA <b>model</b>.\t";
const THOUGHTFUL: &str = "<think>\nHm.\n</think>\n\nSo.";

/// A shape of conversations, with the name of those that have it and no earlier shape.
struct Shape {
    name: &'static str,
    system: Option<&'static str>,
    has_example: bool,
    turns: usize,
}

const SHAPES: [Shape; 7] = [
    Shape { name: "of one question", system: None, has_example: false, turns: 1 },
    Shape { name: "of two turns", system: None, has_example: false, turns: 2 },
    Shape { name: "of three turns", system: None, has_example: false, turns: 3 },
    Shape { name: "with an example before", system: None, has_example: true, turns: 2 },
    Shape { name: "with a system message", system: Some("Be brief."), has_example: false, turns: 1 },
    Shape { name: "with a system message and several turns", system: Some("Be brief."), has_example: false, turns: 3 },
    Shape { name: "with a system message and an example", system: Some("Be brief."), has_example: true, turns: 2 },
];

/// The results.
#[derive(Debug, Default)]
pub(super) struct Trial {
    /// Remarks for the user.
    pub remarks: Vec<String>,
    /// What it wrote that looks like a special token.
    pub markers: BTreeSet<String>,
}

impl Trial {
    /// Renders a conversation of each shape. A remark says which of them the template refuses with a reason, as many do with a
    /// system message.
    ///
    /// # Errors
    /// When it can render none of them; [`ModelError::Text`] when the process fails.
    pub(super) fn run(template: &ChatTemplate) -> Result<Self, ModelError> {
        let mut trial = Self::default();
        let mut refusals: Vec<(&str, ModelError)> = Vec::new();
        let (mut differences, mut changes) = (BTreeSet::new(), BTreeSet::new());
        for shape in SHAPES {
            let users: Vec<String> = QUESTIONS[..shape.turns].iter().map(ToString::to_string).collect();
            let examples = EXAMPLES.map(|(user, answer)| (user.to_owned(), answer.to_owned()));
            let examples = if shape.has_example { &examples[..] } else { &[] };
            match template.written(shape.system, examples, &users) {
                Ok((segments, found)) => {
                    differences.extend(found);
                    if shape.has_example {
                        changes.extend(changes_of_answers(&segments.concat()));
                    }
                    trial.markers.extend(segments.iter().flat_map(|segment| markers(segment)));
                }
                Err(error @ ModelError::Text { .. }) => return Err(error),
                Err(refusal) => refusals.push((shape.name, refusal)),
            }
        }
        if refusals.len() == SHAPES.len() {
            return Err(refusals.swap_remove(0).1);
        }
        let mut known = BTreeSet::new();
        for (shape, refusal) in refusals {
            let reason = refusal.reason();
            if known.insert(reason.clone()) {
                trial.remarks.push(format!("conversations {shape} are refused: {reason}"));
            }
        }
        trial.remarks.extend(differences.into_iter().chain(changes.into_iter().map(str::to_owned)));
        Ok(trial)
    }
}

/// What a template changes in earlier answers, by its text of the examples.
fn changes_of_answers(text: &str) -> Vec<&'static str> {
    let mut changes = Vec::new();
    if !text.contains(SPACED) {
        changes.push(
            "its chat template takes the white space off the ends of earlier answers: the kept cache has them as the model gave \
             them",
        );
    }
    if !text.contains("Hm.") {
        changes
            .push("its chat template leaves out of earlier answers what stands within <think>: the kept cache has it");
    }
    changes
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{Preset, generate_seeded};

    fn trial(template: &str) -> Result<Trial, ModelError> {
        let root = tempfile::tempdir().unwrap();
        let config = Preset::find("tiny").unwrap().config();
        let folder = generate_seeded(&config, "tiny", 42, &root.path().join("tiny")).unwrap();
        fs::write(folder.path().join("chat_template.jinja"), template).unwrap();
        Trial::run(&ChatTemplate::open(&folder).unwrap())
    }

    /// Like Qwen 3's, and many others that strip.
    #[test]
    fn what_becomes_of_earlier_answers_is_reported() {
        let turns = |answer: &str| {
            format!(
                "{{% for m in messages %}}{{% if m.role == 'assistant' %}}{{{{ {answer} }}}}{{% else %}}[{{{{ m.content }}}}]\
                 {{% endif %}}{{% endfor %}}"
            )
        };
        let changes = |answer: &str| trial(&turns(answer)).unwrap().remarks.join("; ");
        assert_eq!(changes("m.content"), "");
        assert!(changes("m.content | trim").contains("takes the white space off the ends of earlier answers"));
        let thoughtless = changes("m.content.split('</think>')[-1]");
        assert!(thoughtless.contains("what stands within <think>") && !thoughtless.contains("off the ends"));
    }

    #[test]
    fn shapes_that_are_refused_are_reported_once() {
        let gemma = "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}\
                     <start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content }}<end_of_turn>\n{% endfor %}{{ '<start_of_turn>model\n' }}";
        let trial = trial(gemma).unwrap();
        let markers: Vec<&str> = trial.markers.iter().map(String::as_str).collect();
        assert_eq!(markers, ["<end_of_turn>", "<start_of_turn>"]);
        assert_eq!(trial.remarks.len(), 1, "{:?}", trial.remarks);
        assert!(trial.remarks[0].starts_with("conversations with a system message are refused: "));
        assert!(trial.remarks[0].contains("no system role"));
    }
}
