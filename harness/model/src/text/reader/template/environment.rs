//! The environment that templates expect: transformers' `_compile_jinja_template`, in `utils/chat_template_utils.py`.

use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value, syntax::SyntaxConfig};

use super::{clock::strftime_now, generation::as_plain_blocks, json::tojson, python};

/// Limit of a template's work: a few thousand times more than real ones need.
const FUEL: u64 = 5_000_000;
/// Limit of nested macros, blocks and includes: real templates have a few.
const DEEPEST: usize = 100;

/// A template's text for the template engine: lines end as in Python, and `generation` blocks become plain ones.
pub(super) fn source(text: &str) -> String {
    as_plain_blocks(&text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// Blocks remove their line's white space. There are a function that raises an exception, a clock, and Python's JSON; Python's
/// methods of strings and lists are supported.
///
/// # Errors
/// When the template is malformed.
pub(super) fn environment(source: &str) -> Result<Environment<'_>, Error> {
    let mut environment = Environment::new();
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(false);
    environment.set_syntax(syntax.build()?);
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(DEEPEST);
    python::teach(&mut environment);
    environment.add_function("raise_exception", |message: Value| -> Result<String, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, message.to_string()))
    });
    environment.add_function("strftime_now", |format: &str| strftime_now(format));
    environment.add_filter("tojson", tojson);
    environment.add_template("chat", source)?;
    Ok(environment)
}
