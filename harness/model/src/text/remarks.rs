use super::{ChatTemplate, TextTokenizer};
use crate::{ModelError, ModelFolder};

/// What whoever imports a model should know of how its text becomes tokens: which of several templates is used, tokens that
/// are never fed, and marks of a template that its tokenizer does not know.
///
/// # Errors
/// When the tokenizer or the template cannot be read.
pub fn text_remarks(folder: &ModelFolder) -> Result<Vec<String>, ModelError> {
    let tokenizer = TextTokenizer::open(folder)?;
    let template = ChatTemplate::open(folder)?;
    let mut remarks = [template.remarks(), tokenizer.remarks()].concat();
    for marker in template.markers() {
        match tokenizer.encode(marker) {
            Ok(tokens) if tokens.len() == 1 => {}
            Ok(tokens) => remarks.push(format!(
                "its chat template writes {marker:?}, which is no token of its tokenizer: it is fed as {} tokens",
                tokens.len()
            )),
            Err(error @ ModelError::Text { .. }) => return Err(error),
            Err(refusal) => {
                remarks.push(format!("its chat template writes {marker:?}, which cannot be fed: {refusal}"))
            }
        }
    }
    Ok(remarks)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{Preset, generate_seeded};

    #[test]
    fn a_mark_that_is_no_token_is_told() {
        let root = tempfile::tempdir().unwrap();
        let config = Preset::find("tiny").unwrap().config();
        let folder = generate_seeded(&config, "tiny", 42, &root.path().join("tiny")).unwrap();
        fs::write(folder.path().join("chat_template.jinja"), "<|im_start|>{{ messages[0].content }}").unwrap();
        let remarks = text_remarks(&folder).unwrap();
        assert!(remarks[0].contains("writes \"<|im_start|>\", which is no token"), "{remarks:?}");
        fs::write(folder.path().join("added_tokens.json"), r#"{"<|im_start|>": 512}"#).unwrap();
        let remarks = text_remarks(&folder).unwrap();
        assert!(remarks[0].contains("beyond the embedding of 512 rows"), "{remarks:?}");
        assert!(remarks[1].contains("which cannot be fed"), "{remarks:?}");
    }
}
