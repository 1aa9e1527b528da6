//! Tract's errors in one readable line.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use anyhow::{Error, Result, anyhow};

/// Longest part of an error that is kept, in characters: tract prints whole nodes, tensors included.
const MOST_CHARACTERS: usize = 200;

/// Runs a part of tract. On contradictory graphs it panics in places, and a runner must still answer.
pub fn guarded<R>(aim: &str, work: impl FnOnce() -> Result<R>) -> Result<R> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(outcome) => outcome.map_err(|error| shortened(aim, &error)),
        Err(panic) => Err(anyhow!("tract cannot {aim}: it panicked: {}", clipped(panic_message(&*panic)))),
    }
}

/// The first and the last link of the chain: what was being done, and what was wrong. The links between them are optimiser passes.
fn shortened(aim: &str, error: &Error) -> Error {
    let links: Vec<String> = error.chain().map(|link| clipped(&link.to_string())).collect();
    match links.as_slice() {
        [only] => anyhow!("tract cannot {aim}: {only}"),
        [first, .., last] => anyhow!("tract cannot {aim}: {first}: {last}"),
        [] => anyhow!("tract cannot {aim}"),
    }
}

fn clipped(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{} ...", &line[..end]),
        None => line,
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, bail};

    use super::*;

    #[test]
    fn a_chain_becomes_one_line_with_its_cause() {
        let error: Result<()> = guarded("prepare the graph", || {
            Err(anyhow!("no\n  such operator")).context("pass 7").context("translating node #3")
        });
        assert_eq!(
            error.unwrap_err().to_string(),
            "tract cannot prepare the graph: translating node #3: no such operator"
        );
    }

    #[test]
    fn a_tensor_in_an_error_is_clipped() {
        let error: Result<()> = guarded("run", || bail!("{}", "0.5 ".repeat(9000)));
        let text = error.unwrap_err().to_string();
        assert!(text.len() < 250 && text.ends_with(" ..."), "{text}");
    }

    #[test]
    fn a_panic_becomes_an_error() {
        let error: Result<()> = guarded("run", || panic!("index {} out of bounds", 3));
        assert_eq!(error.unwrap_err().to_string(), "tract cannot run: it panicked: index 3 out of bounds");
    }
}
