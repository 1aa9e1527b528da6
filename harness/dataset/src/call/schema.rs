use serde::{Deserialize, Serialize};
use std::fmt::{self, Display};

use serde_json::Value;

use super::{Written, literal::MAX_DEPTH};

/// What a function does and which parameters it has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunctionSchema {
    /// Its name; it may have dots.
    pub name: String,
    /// What it does, in one or two sentences.
    pub description: String,
    /// Its parameters, in the order of the prompt.
    pub parameters: Vec<Parameter>,
    /// An example of its use, for the prompt; other people's files have none.
    pub example: Option<FunctionExample>,
}

/// One parameter of a function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// The kind of its values.
    pub kind: ArgumentKind,
    /// Whether it must be given.
    pub required: bool,
    /// The value when it is omitted; an optional parameter may have none.
    pub default: Option<Value>,
    /// The only values that may be given, or, for a list, its only elements; empty without such a limit.
    pub allowed: Vec<Value>,
    /// Its meaning; empty when the function's description explains it.
    pub description: String,
}

/// The kind of a parameter's values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ArgumentKind {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// True or false.
    Boolean,
    /// Any count of values of one kind.
    List(Box<ArgumentKind>),
    /// Named values.
    Object,
    /// Anything.
    Any,
}

/// A request and the call that answers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionExample {
    /// What the user says.
    pub user: String,
    /// The call, as a model should write it.
    pub call: String,
}

impl FunctionSchema {
    /// The compact form for prompts: the parameters with their types and defaults, on the next line the description, and the
    /// descriptions of those parameters that have one. An optional parameter without a default has
    /// a question mark.
    ///
    /// ```text
    /// get_weather(city: string, day: string = "today", unit: "celsius" | "fahrenheit" = "celsius")
    ///     The forecast for a city. day is "today", "tomorrow" or a date such as 2026-05-17.
    /// ```
    pub fn signature(&self) -> String {
        let parameters: Vec<String> = self.parameters.iter().map(Parameter::to_string).collect();
        let mut text = format!("{}({})", self.name, parameters.join(", "));
        let mut add = |line: String| {
            text.push_str("\n    ");
            text.push_str(&line);
        };
        if !self.description.is_empty() {
            add(one_line(&self.description));
        }
        for parameter in self.parameters.iter().filter(|parameter| !parameter.description.is_empty()) {
            add(format!("{}: {}", parameter.name, one_line(&parameter.description)));
        }
        text
    }

    /// Approximate number of bytes in a prompt or a grammar.
    pub(super) fn text_bytes(&self) -> usize {
        let value = |value: &Value| Written(value).to_string().len();
        let parameter = |parameter: &Parameter| {
            let values: usize = parameter.allowed.iter().chain(&parameter.default).map(value).sum();
            parameter.name.len() + parameter.kind.to_string().len() + values + parameter.description.len() + 64
        };
        let example = self.example.as_ref().map_or(0, |example| example.user.len() + example.call.len());
        let parameters: usize = self.parameters.iter().map(parameter).sum();
        self.name.len() + self.description.len() + example + parameters + 64
    }

    /// The parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }
}

/// Joins lines, because a line break inside a description would look like another function.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Parameter {
    /// Whether `value` is of its kind, and among the allowed values if these are limited.
    pub fn admits(&self, value: &Value) -> bool {
        let is_allowed = |value: &Value| self.allowed.is_empty() || self.allowed.contains(value);
        self.kind.admits(value)
            && match (&self.kind, value) {
                (ArgumentKind::List(_), Value::Array(elements)) => elements.iter().all(is_allowed),
                _ => is_allowed(value),
            }
    }
}

impl Display for Parameter {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        let optional = if !self.required && self.default.is_none() { "?" } else { "" };
        write!(to, "{}{optional}: ", self.name)?;
        let allowed: Vec<String> = self.allowed.iter().map(|value| Written(value).to_string()).collect();
        match (&self.kind, allowed.is_empty()) {
            (kind, true) => write!(to, "{kind}")?,
            (ArgumentKind::List(_), false) => write!(to, "list of ({})", allowed.join(" | "))?,
            (_, false) => to.write_str(&allowed.join(" | "))?,
        }
        self.default.iter().try_for_each(|default| write!(to, " = {}", Written(default)))
    }
}

impl ArgumentKind {
    /// The kind whose [`Display`] is `name`.
    ///
    /// # Errors
    /// When there is no such kind (the error lists them), or it is nested too deeply.
    pub(super) fn named(name: &str) -> Result<Self, String> {
        let (mut element, mut depth) = (name, 0);
        while let Some(rest) = element.strip_prefix("list of ") {
            (element, depth) = (rest, depth + 1);
        }
        let element = match element {
            "string" => Self::String,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            "object" => Self::Object,
            "any" => Self::Any,
            _ => return Err("use string, integer, number, boolean, object, any or a list of one".into()),
        };
        Self::nested(element, depth)
    }

    /// `depth` nested lists of `element`.
    ///
    /// # Errors
    /// When the parser could not read such a value.
    pub(super) fn nested(element: Self, depth: usize) -> Result<Self, String> {
        if depth > MAX_DEPTH {
            return Err(format!("lists of lists may be {MAX_DEPTH} deep, and these are {depth}"));
        }
        Ok((0..depth).fold(element, |element, _| Self::List(Box::new(element))))
    }

    /// Whether `value` is of this kind; a whole number is also a number.
    pub fn admits(&self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::List(kind) => {
                value.as_array().is_some_and(|elements| elements.iter().all(|element| kind.admits(element)))
            }
            Self::Object => value.is_object(),
            Self::Any => true,
        }
    }
}

impl Display for ArgumentKind {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        to.write_str(match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Object => "object",
            Self::Any => "any",
            Self::List(kind) => return write!(to, "list of {kind}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parameter(name: &str, kind: &str, default: Option<Value>) -> Parameter {
        Parameter {
            name: name.into(),
            kind: ArgumentKind::named(kind).unwrap(),
            required: default.is_none(),
            default,
            allowed: Vec::new(),
            description: String::new(),
        }
    }

    fn function(name: &str, description: &str, parameters: Vec<Parameter>) -> FunctionSchema {
        FunctionSchema { name: name.into(), description: description.into(), parameters, example: None }
    }

    #[test]
    fn signatures_are_read_like_those_of_python() {
        let unit = Parameter {
            allowed: vec![json!("celsius"), json!("fahrenheit")],
            ..parameter("unit", "string", Some(json!("celsius")))
        };
        let weather = function(
            "get_weather",
            "The forecast for a city. day is \"today\", \"tomorrow\" or a date such as 2026-05-17.",
            vec![parameter("city", "string", None), parameter("day", "string", Some(json!("today"))), unit],
        );
        let event = function(
            "create_event",
            "Puts an event into the calendar. date is YYYY-MM-DD, start is HH:MM in 24 hours.",
            vec![
                parameter("title", "string", None),
                parameter("date", "string", None),
                parameter("start", "string", None),
                parameter("duration_minutes", "integer", Some(json!(60))),
                parameter("guests", "list of string", Some(json!([]))),
            ],
        );
        insta::assert_snapshot!(format!("{}\n{}", weather.signature(), event.signature()), @r#"
        get_weather(city: string, day: string = "today", unit: "celsius" | "fahrenheit" = "celsius")
            The forecast for a city. day is "today", "tomorrow" or a date such as 2026-05-17.
        create_event(title: string, date: string, start: string, duration_minutes: integer = 60, guests: list of string = [])
            Puts an event into the calendar. date is YYYY-MM-DD, start is HH:MM in 24 hours.
        "#);
    }

    #[test]
    fn what_other_people_write_fits_too() {
        let mut colors = parameter("colors", "list of string", None);
        colors.allowed = vec![json!("red"), json!("blue")];
        colors.description = "Which\n    to use.".into();
        let mut seed = parameter("seed", "any", None);
        seed.required = false;
        insta::assert_snapshot!(function("paint.mix", "", vec![colors.clone(), seed]).signature(), @r#"
        paint.mix(colors: list of ("red" | "blue"), seed?: any)
            colors: Which to use.
        "#);
        assert!(colors.admits(&json!(["red"])));
        assert!(!colors.admits(&json!(["green"])));
        assert!(!colors.admits(&json!("red")));
    }

    #[test]
    fn kinds_admit_their_values_alone() {
        let admitted = |kind: &str| {
            let kind = ArgumentKind::named(kind).unwrap();
            assert_eq!(ArgumentKind::named(&kind.to_string()), Ok(kind.clone()));
            let values = [json!("a"), json!(3), json!(1.5), json!(true), json!([1, 2]), json!({}), json!(null)];
            values.iter().map(|value| if kind.admits(value) { 'x' } else { '-' }).collect::<String>()
        };
        assert_eq!(admitted("string"), "x------");
        assert_eq!(admitted("integer"), "-x-----");
        assert_eq!(admitted("number"), "-xx----");
        assert_eq!(admitted("boolean"), "---x---");
        assert_eq!(admitted("list of number"), "----x--");
        assert_eq!(admitted("list of list of number"), "-------");
        assert_eq!(admitted("object"), "-----x-");
        assert_eq!(admitted("any"), "xxxxxxx");
        assert!(ArgumentKind::named("list of").unwrap_err().contains("use string"));
        let deep = |depth: usize| ArgumentKind::named(&format!("{}string", "list of ".repeat(depth)));
        assert!(deep(MAX_DEPTH).is_ok());
        let refused = "lists of lists may be 16 deep, and these are 100000";
        assert_eq!(deep(100_000), Err(refused.to_owned()), "no recursion follows what a file says");
    }
}
