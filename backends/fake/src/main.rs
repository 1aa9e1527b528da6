//! A backend without an engine: deterministic, with scripted delays and faults. For tests, and to see the output of the harness
//! without waiting for a model.
//!
//! Its logits are a pure function of the tokens so far. It reads the model's configuration and the header of the weight
//! file, never the weights. Answers always have their full length: an end-of-text token is never the most probable one.
//!
//! # `POCKETWATT_FAKE`
//!
//! Words separated by commas, each at most once:
//!
//! | word | meaning |
//! |---|---|
//! | `name=twin` | the name in its greeting, so that it can take the part of several backends |
//! | `load=20ms` | duration of loading |
//! | `prefill=50us` | duration of each token of a prompt |
//! | `decode=1ms` | duration of each output token after the first |
//! | `fault=WORD` | what goes wrong, see below |
//! | `iteration=3` | in which iteration, warm-up included, faults after loading happen; 1 by default |
//! | `starts=PATH` | appends a line with the process number to that file at every start |
//! | `start=2` | the fault happens only in that start, as counted by `starts` |
//!
//! Durations have one of the units `ns`, `us`, `ms` and `s`. The faults:
//!
//! | fault | meaning |
//! |---|---|
//! | `crash@start`, `@load`, `@prefill`, `@decode` | aborts without a message |
//! | `hang@start`, `@load`, `@prefill`, `@decode`, `@end` | does nothing more; at the end: does not exit |
//! | `fail@start`, `@load`, `@prefill`, `@decode` | reports an error |
//! | `garbage@start`, `garbage@iteration` | writes a line that is not a message in place of the greeting or an iteration |
//! | `other-protocol` | greets in the next version of the protocol |
//! | `endless-line` | writes a line without an end in place of an iteration |
//! | `early-iteration` | reports an iteration before it reports the model as loaded |
//! | `missing-iteration`, `extra-iteration` | leaves an iteration out, or reports it twice |
//! | `backwards-time` | an iteration's last time lies before its first |
//! | `unknown-token` | an iteration's first token is outside the vocabulary |
//! | `closed-output` | closes its output in place of an iteration, and lives on |
//! | `quit` | exits with status 0 in place of the last message |

mod backend;
mod fault;
mod output;
mod script;

use std::process::ExitCode;

use pocketwatt_protocol::MonotonicClock;

use crate::{
    backend::FakeBackend,
    fault::{Moment, hang},
    output::ScriptedOutput,
    script::Script,
};

fn main() -> ExitCode {
    pocketwatt_runner::die_with_the_harness();
    let backend = FakeBackend::new(Script::from_environment());
    let script = backend.script();
    let output = ScriptedOutput::new(std::io::stdout().lock(), script);
    let exit = pocketwatt_runner::serve_with(&backend, &MonotonicClock, std::io::stdin().lock(), output);
    if script.fault.is_some_and(|fault| fault.hangs_at(Moment::End)) {
        hang();
    }
    exit
}
