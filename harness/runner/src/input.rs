use pocketwatt_protocol::TokenId;
use thiserror::Error;

/// Tokens that no session accepts. Every backend reports them in the same words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InputError {
    /// There is nothing to process.
    #[error("no tokens were given: a forward pass needs at least one")]
    Empty,
    /// The embedding has no such row.
    #[error("token {token} is outside the vocabulary of {vocabulary} entries: does the tokenizer fit the model?")]
    UnknownToken {
        /// The token.
        token: u32,
        /// Entries of the vocabulary.
        vocabulary: usize,
    },
    /// The cache is full.
    #[error("{length} cached and {added} new positions exceed the {capacity} that the session was opened for")]
    TooLong {
        /// Positions in the cache.
        length: usize,
        /// Tokens to append.
        added: usize,
        /// Positions that fit.
        capacity: usize,
    },
}

/// Refuses tokens that would read outside the embedding or write outside the cache. Every backend's
/// [`crate::Session::forward`] begins with it.
///
/// # Errors
/// See [`InputError`].
pub fn check_tokens(tokens: &[TokenId], length: usize, capacity: usize, vocabulary: usize) -> Result<(), InputError> {
    if tokens.is_empty() {
        return Err(InputError::Empty);
    }
    if let Some(token) = tokens.iter().find(|token| token.0 as usize >= vocabulary) {
        return Err(InputError::UnknownToken { token: token.0, vocabulary });
    }
    if tokens.len() > capacity.saturating_sub(length) {
        return Err(InputError::TooLong { length, added: tokens.len(), capacity });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_free_position_is_usable_and_the_next_is_not() {
        let tokens = [TokenId(1), TokenId(9)];
        assert_eq!(check_tokens(&tokens, 6, 8, 10), Ok(()));
        assert_eq!(check_tokens(&tokens, 7, 8, 10), Err(InputError::TooLong { length: 7, added: 2, capacity: 8 }));
        assert_eq!(check_tokens(&tokens, 0, 8, 9), Err(InputError::UnknownToken { token: 9, vocabulary: 9 }));
        assert_eq!(check_tokens(&[], 0, 8, 9), Err(InputError::Empty));
    }
}
