//! What a file of a scenario or study may ask for.

/// Longest file of a scenario or study that is read.
pub(crate) const MOST_DOCUMENT_BYTES: u64 = 4 << 20;
/// Most tokens of a prompt or an answer: more than the context of any model.
pub(crate) const MOST_TOKENS: u32 = 1 << 20;

/// Longest file of a stored scenario, which has its data in it.
pub(crate) const MOST_STORED_BYTES: u64 = 1 << 30;
