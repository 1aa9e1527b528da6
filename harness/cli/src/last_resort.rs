//! Handles faults of pocketwatt itself: a panic ends in an error message and an exit status, like any other failure.

use std::{
    panic::{self, AssertUnwindSafe, PanicHookInfo},
    sync::{Mutex, PoisonError},
    thread,
};

use crate::exit::Exit;

/// What is stored, and how to continue.
static UNFINISHED: Mutex<Option<String>> = Mutex::new(None);

/// While this lives, users get `advice` if the program panics.
#[derive(Debug)]
pub struct Unfinished(());

impl Unfinished {
    /// Sets the advice from now on.
    pub fn new(advice: String) -> Self {
        remember(Some(advice));
        Self(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // During a panic, everything is dropped before the message is shown.
        if !thread::panicking() {
            remember(None);
        }
    }
}

fn remember(advice: Option<String>) {
    *UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner) = advice;
}

/// Runs the program. A panic in any thread is reported as a message; one in this thread ends the program with the status of a
/// failure.
pub fn guard(program: impl FnOnce() -> Exit) -> Exit {
    panic::set_hook(Box::new(report));
    // Nothing of the program is used afterwards.
    panic::catch_unwind(AssertUnwindSafe(program)).unwrap_or_else(|_| {
        if let Some(advice) = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).take() {
            notice!("pocketwatt: {advice}");
        }
        Exit::Broken
    })
}

fn report(panic: &PanicHookInfo) {
    let thread = thread::current();
    let place = panic.location().map_or_else(String::new, |place| format!(" at {place}"));
    notice!(
        "pocketwatt: this is a fault of pocketwatt itself, please report it: {} (thread {}{place}, version {})",
        panic.payload_as_str().unwrap_or("a panic without a message"),
        thread.name().unwrap_or("without a name"),
        env!("CARGO_PKG_VERSION"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_something_that_broke() {
        let before = panic::take_hook();
        let exit = guard(|| {
            let _unfinished = Unfinished::new("1 of 2 cases is stored".into());
            panic!("out of ideas")
        });
        panic::set_hook(before);
        assert_eq!(exit, Exit::Broken);
        assert!(UNFINISHED.lock().unwrap().is_none(), "what is stored was told");
        drop(Unfinished::new("more".into()));
        assert!(UNFINISHED.lock().unwrap().is_none(), "what is finished is not told");
    }
}
