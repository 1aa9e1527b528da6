//! Parts of a chat template's text that look like special tokens.

use std::collections::BTreeSet;

/// Letters of the longest name in use.
const LONGEST: usize = 60;
/// Names of tokens that begin and end texts.
const NAMES: [&str; 6] = ["s", "/s", "bos", "eos", "bos_token", "eos_token"];

/// Texts such as `<|name|>` or DeepSeek's `<｜name｜>`, turns such as `<start_of_turn>`, and `<s>` and the like. `[INST]`
/// and `<<SYS>>` are ordinary text to the models that use them.
pub(super) fn markers(text: &str) -> BTreeSet<String> {
    let mut markers = BTreeSet::new();
    for (at, _) in text.match_indices('<') {
        let Some(length) = text[at..].find('>').filter(|length| *length < LONGEST) else { continue };
        let marker = &text[at..=at + length];
        let name = &marker[1..marker.len() - 1];
        let is_piped = ['|', '｜'].iter().any(|bar| {
            name.strip_prefix(*bar).and_then(|name| name.strip_suffix(*bar)).is_some_and(|name| !name.is_empty())
        });
        let is_word = |name: &str| name.chars().all(|letter| letter.is_alphanumeric() || "_-|:｜▁".contains(letter));
        if is_word(name) && (is_piped || name.ends_with("_of_turn")) || NAMES.contains(&name) {
            markers.insert(marker.to_owned());
        }
    }
    markers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_nothing_else_is_one() {
        let text = "<s>if a < b and c > d <|im_start|>user<|im_end|></s>\n<start_of_turn><<SYS>> <tool> <|a b|> <||> <｜User｜>";
        let found: Vec<String> = markers(text).into_iter().collect();
        assert_eq!(found, ["</s>", "<s>", "<start_of_turn>", "<|im_end|>", "<|im_start|>", "<｜User｜>"]);
    }
}
