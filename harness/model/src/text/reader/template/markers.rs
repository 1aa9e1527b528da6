//! Texts in a template that look like special tokens.

use std::collections::BTreeSet;

/// Letters of the longest that is in use.
const LONGEST: usize = 60;

/// What a template writes as `<|name|>`, and turns as `<start_of_turn>`. `[INST]` and `<<SYS>>` are plain words to the models
/// that have them.
pub(super) fn markers(source: &str) -> Vec<String> {
    let mut markers = BTreeSet::new();
    for (at, _) in source.match_indices('<') {
        let Some(length) = source[at..].find('>').filter(|length| *length < LONGEST) else { continue };
        let marker = &source[at..=at + length];
        let name = &marker[1..marker.len() - 1];
        let is_piped = name.len() > 2 && name.starts_with('|') && name.ends_with('|');
        let is_word = name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-|:".contains(letter));
        if is_word && (is_piped || name.ends_with("_of_turn")) {
            markers.insert(marker.to_owned());
        }
    }
    markers.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_nothing_else_is_one() {
        let source = "{% if a < b and c > d %}<|im_start|>{{ '<|im_end|>' }}<start_of_turn><<SYS>> <tool> <|a b|> <|x {{ y }}|><||>";
        assert_eq!(markers(source), ["<start_of_turn>", "<|im_end|>", "<|im_start|>"]);
    }
}
