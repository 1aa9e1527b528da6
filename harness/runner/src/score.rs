use std::{
    fs::File,
    io::{BufWriter, Write},
};

use anyhow::{Context, Result, ensure};
use pocketwatt_protocol::{ScoreTask, Scored};

use crate::Model;

/// Writes the logits after the prompt and after each further token of a fixed text. See [`ScoreTask`].
pub(crate) fn score(model: &mut dyn Model, task: &ScoreTask) -> Result<Scored> {
    let prompt_tokens = task.prompt_tokens as usize;
    ensure!(
        (1..=task.tokens.len()).contains(&prompt_tokens),
        "prompt_tokens is {prompt_tokens}, but the text has {} tokens",
        task.tokens.len()
    );
    let vocabulary = model.info().vocabulary;
    let mut session = model.session()?;
    let file =
        File::create(&task.logits_path).with_context(|| format!("cannot create {}", task.logits_path.display()))?;
    let mut out = BufWriter::new(file);
    let mut logits = Vec::new();
    let (prompt, rest) = task.tokens.split_at(prompt_tokens);
    let mut rows = 0;
    for tokens in std::iter::once(prompt).chain(rest.chunks(1)) {
        session.forward(tokens, &mut logits)?;
        session.synchronize()?;
        ensure!(
            logits.len() == vocabulary as usize,
            "the backend returned {} logits for a vocabulary of {vocabulary}",
            logits.len()
        );
        for value in &logits {
            out.write_all(&value.to_le_bytes())?;
        }
        rows += 1;
    }
    out.flush().with_context(|| format!("cannot write {}", task.logits_path.display()))?;
    Ok(Scored { rows, vocabulary })
}
