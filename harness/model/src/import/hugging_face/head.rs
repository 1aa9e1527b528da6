//! Whether the output head is the embedding: what the configuration says, and what the files contain.

use std::collections::BTreeMap;

use crate::{ModelError, WeightFile};

const EMBEDDING: &str = "model.embed_tokens.weight";
const HEAD: &str = "lm_head.weight";

/// What is computed, with a note for the user.
pub(super) struct Head {
    pub(super) tied: bool,
    pub(super) note: Option<&'static str>,
}

/// As in transformers 5 and vLLM: a head that differs from the embedding is used, and without a head the embedding
/// is the head, whatever the configuration says. A head that equals the embedding of a tied model is a copy, which a saved
/// file may contain and which is never used: it is removed from `tensors`.
pub(super) fn resolve(
    said_tied: bool,
    files: &[WeightFile],
    tensors: &mut BTreeMap<String, usize>,
) -> Result<Head, ModelError> {
    let (head, embedding) = (tensors.get(HEAD).copied(), tensors.get(EMBEDDING).copied());
    let Some(head) = head else {
        let note =
            (!said_tied).then_some("no head in the files: it is the embedding, though config.json does not say so");
        return Ok(Head { tied: true, note });
    };
    if !said_tied {
        return Ok(Head { tied: false, note: None });
    }
    let is_copy = match embedding {
        Some(embedding) => files[head].holds_same(HEAD, &files[embedding], EMBEDDING)?,
        None => false,
    };
    if is_copy {
        tensors.remove(HEAD);
        return Ok(Head { tied: true, note: None });
    }
    Ok(Head { tied: false, note: Some("head of the files, though config.json says that it is the embedding") })
}
