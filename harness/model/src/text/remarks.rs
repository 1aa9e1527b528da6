use super::{ChatTemplate, TextTokenizer, trial::Trial};
use crate::{ModelError, ModelFolder};

/// What a user should know about how a model's text becomes tokens: which of several templates is used,
/// which conversations it refuses, where the kept key-value cache may differ from the whole text, which tokens are never fed,
/// and which marks of a template its tokenizer does not know. To find out, tokenizer and template are tried on every kind of
/// text and conversation.
///
/// # Errors
/// When the tokenizer or the template cannot be read, or nothing that is tried works.
pub fn text_remarks(folder: &ModelFolder) -> Result<Vec<String>, ModelError> {
    let tokenizer = TextTokenizer::open(folder)?;
    tokenizer.try_all()?;
    let template = ChatTemplate::open(folder)?;
    let trial = Trial::run(&template)?;
    let mut remarks = [template.remarks(), tokenizer.remarks(), &trial.remarks].concat();
    let mut in_pieces = Vec::new();
    for marker in trial.markers {
        match tokenizer.encode(&marker) {
            Ok(tokens) if tokens.len() == 1 => {}
            Ok(tokens) => in_pieces.push(format!("{marker:?} ({})", tokens.len())),
            Err(error @ ModelError::Text { .. }) => return Err(error),
            Err(refusal) => {
                remarks.push(format!("its chat template writes {marker:?}, which cannot be fed: {}", refusal.reason()));
            }
        }
    }
    if !in_pieces.is_empty() {
        remarks.push(format!(
            "its chat template writes what looks like special tokens and are none of its tokenizer, which makes several of each: {}",
            in_pieces.join(", ")
        ));
    }
    Ok(remarks)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{Preset, generate_seeded};

    #[test]
    fn a_mark_that_is_no_token_is_reported() {
        let root = tempfile::tempdir().unwrap();
        let config = Preset::find("tiny").unwrap().config();
        let folder = generate_seeded(&config, "tiny", 42, &root.path().join("tiny")).unwrap();
        fs::write(folder.path().join("chat_template.jinja"), "<|im_start|>{{ messages[0].content }}").unwrap();
        let remarks = text_remarks(&folder).unwrap();
        assert!(remarks.last().unwrap().contains("which makes several of each: \"<|im_start|>\" ("), "{remarks:?}");
        fs::write(folder.path().join("added_tokens.json"), r#"{"<|im_start|>": 512}"#).unwrap();
        let remarks = text_remarks(&folder).unwrap();
        assert!(remarks[0].contains("beyond the embedding of 512 rows"), "{remarks:?}");
        assert!(remarks.iter().any(|remark| remark.contains("which cannot be fed")), "{remarks:?}");
    }
}
