//! Function calls: what a model may call, what it called, and what it should have called.

mod accepted;
mod bfcl;
mod case;
mod check;
mod file;
mod grammar;
mod literal;
mod parse;
mod prompt;
mod schema;

use std::{
    collections::BTreeMap,
    fmt::{self, Display},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use accepted::{AcceptedArgument, AcceptedCall, AcceptedValue, ExpectedAnswer, same_value};
pub use bfcl::{BfclAnswer, BfclArgument, BfclCall, BfclFile, read_bfcl};
pub use case::{CallCase, CallMessage, CallTurn, Reply};
pub use file::{FUNCTIONS_FILE, is_call_cases, read_call_cases};
pub use grammar::call_grammar;
pub use literal::CallSyntaxError;
pub use parse::{ParsedCall, parse_call};
pub use prompt::example_turns;
pub use schema::{ArgumentKind, FunctionExample, FunctionSchema, Parameter};

/// The answer that says that no function fits.
pub const NO_CALL: &str = "no_call";

/// One call of a function with named arguments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The function's name; it may have dots.
    pub function: String,
    /// The value of each parameter; the order in which they were written is not kept, since it means nothing.
    pub arguments: BTreeMap<String, Value>,
}

impl Display for Call {
    /// The call as the prompt asks for it: `set_timer(label="nap", minutes=20)`.
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        write!(to, "{}(", self.function)?;
        for (index, (name, value)) in self.arguments.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(to, "{separator}{name}={}", Written(value))?;
        }
        to.write_str(")")
    }
}

/// A value as it appears in a call: JSON, with a space after each comma and colon.
struct Written<'a>(&'a Value);

impl Display for Written<'_> {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match self.0 {
            Value::Array(elements) => {
                to.write_str("[")?;
                for (index, element) in elements.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(to, "{separator}{}", Written(element))?;
                }
                to.write_str("]")
            }
            Value::Object(fields) => {
                to.write_str("{")?;
                for (index, (name, value)) in fields.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(to, "{separator}{}: {}", Value::from(name.as_str()), Written(value))?;
                }
                to.write_str("}")
            }
            plain => Display::fmt(plain, to),
        }
    }
}
