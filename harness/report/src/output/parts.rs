//! Outputs that are written part by part.

/// Takes an output in parts.
pub type Output<'a> = dyn FnMut(&str) -> anyhow::Result<()> + 'a;

/// All parts of an output, as a text.
///
/// # Errors
/// Those of `write`.
pub fn text_of(write: impl FnOnce(&mut Output) -> anyhow::Result<()>) -> anyhow::Result<String> {
    let mut text = String::new();
    write(&mut |part| {
        text += part;
        Ok(())
    })?;
    Ok(text)
}
