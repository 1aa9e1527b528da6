use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

use crate::{
    call::{ArgumentKind, FunctionSchema, Parameter},
    rows::shortened,
};

/// Longest list of roles that an error message quotes.
const MOST_SHOWN_CHARACTERS: usize = 60;

/// A row of questions. Unknown keys are ignored, because the file comes from others.
#[derive(PartialEq, Deserialize)]
pub(super) struct QuestionRow {
    pub(super) id: String,
    question: Vec<Vec<Message>>,
    function: Vec<FunctionRow>,
}

#[derive(PartialEq, Deserialize)]
struct Message {
    role: String,
    content: Option<String>,
}

/// What a model is asked.
pub(super) struct Question {
    /// The row's own system message, if any.
    pub(super) system: Option<String>,
    pub(super) user: String,
    pub(super) functions: Vec<FunctionSchema>,
}

#[derive(PartialEq, Deserialize)]
struct FunctionRow {
    name: String,
    #[serde(default)]
    description: String,
    parameters: Properties,
}

#[derive(PartialEq, Deserialize)]
struct Properties {
    #[serde(default)]
    properties: InOrder<Property>,
    #[serde(default)]
    required: Vec<String>,
}

#[derive(PartialEq, Deserialize)]
struct Property {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    description: String,
    default: Option<Value>,
    #[serde(default, rename = "enum")]
    allowed: Vec<Value>,
    #[serde(default)]
    properties: InOrder<Property>,
    items: Option<Box<Items>>,
}

#[derive(PartialEq, Deserialize)]
struct Items {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default, rename = "enum")]
    allowed: Vec<Value>,
    #[serde(default)]
    properties: InOrder<Property>,
    items: Option<Box<Items>>,
}

impl QuestionRow {
    /// The request and the functions that are offered.
    pub(super) fn read(self) -> Result<Question, String> {
        let [turn] = <[_; 1]>::try_from(self.question)
            .map_err(|turns| format!("there are {} turns: one is supported", turns.len()))?;
        let roles: Vec<&str> = turn.iter().map(|message| &*message.role).collect();
        if !matches!(*roles, ["user"] | ["system", "user"]) {
            let roles = shortened(&roles.join("`, `"), MOST_SHOWN_CHARACTERS).into_owned();
            return Err(format!(
                "its messages have the roles `{roles}`: one `user` message is supported, optionally after a `system` message"
            ));
        }
        let mut said = turn.into_iter().rev().map(|message| message.content.filter(|text| !text.trim().is_empty()));
        let user = said.next().flatten().ok_or("the user's message is empty")?;
        let functions = self.function.into_iter().map(schema).collect::<Result<_, _>>()?;
        Ok(Question { system: said.next().flatten(), user, functions })
    }
}

fn schema(row: FunctionRow) -> Result<FunctionSchema, String> {
    let FunctionRow { name: function, description, parameters: Properties { properties, required } } = row;
    let unknown = required.iter().find(|name| properties.0.iter().all(|(property, _)| property != *name));
    if let Some(name) = unknown {
        return Err(format!("`{function}` requires `{name}`, which is not among its properties"));
    }
    let parameters = properties.0.into_iter().map(|(name, property)| {
        let kind = kind(&property.kind, property.items.as_deref())
            .map_err(|kind| format!("the parameter `{name}` of `{function}` has the type {kind}"))?;
        let mut description = property.description;
        add_fields(&mut description, &property.properties)?;
        // In a list, the fields and limits belong to its elements.
        let of_elements = match property.items {
            Some(items) => {
                add_fields(&mut description, &items.properties)?;
                items.allowed
            }
            None => Vec::new(),
        };
        Ok(Parameter {
            required: required.contains(&name),
            name,
            kind,
            default: property.default,
            allowed: if property.allowed.is_empty() { of_elements } else { property.allowed },
            description,
        })
    });
    let parameters = parameters.collect::<Result<_, String>>()?;
    Ok(FunctionSchema { name: function, description, parameters, example: None })
}

/// A signature has no room for the fields of an object, but without their names no model could give it.
fn add_fields(description: &mut String, fields: &InOrder<Property>) -> Result<(), String> {
    for (index, (name, field)) in fields.0.iter().enumerate() {
        let kind = kind(&field.kind, field.items.as_deref())
            .map_err(|kind| format!("the field `{name}` has the type {kind}"))?;
        description.push_str(if index == 0 { " Fields: " } else { ", " });
        description.push_str(&format!("{name}: {kind}"));
    }
    Ok(())
}

/// The leaderboard names types as in Python; a few files use JSON's names instead.
fn kind(name: &str, items: Option<&Items>) -> Result<ArgumentKind, String> {
    let (mut name, mut items, mut depth) = (name, items, 0);
    while matches!(name, "array" | "tuple") {
        depth += 1;
        name = items.and_then(|items| items.kind.as_deref()).unwrap_or("any");
        items = items.and_then(|items| items.items.as_deref());
    }
    let element = match name {
        "string" => ArgumentKind::String,
        "integer" => ArgumentKind::Integer,
        "float" | "number" => ArgumentKind::Number,
        "boolean" => ArgumentKind::Boolean,
        "dict" | "object" => ArgumentKind::Object,
        "any" => ArgumentKind::Any,
        other => return Err(format!("`{other}`, which is not supported")),
    };
    ArgumentKind::nested(element, depth).map_err(|reason| format!("`array`: {reason}"))
}

/// Named values in the order in which they are written, which is the order in which a model sees them.
#[derive(PartialEq)]
struct InOrder<T>(Vec<(String, T)>);

impl<T> Default for InOrder<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for InOrder<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrderVisitor(PhantomData))
    }
}

struct InOrderVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for InOrderVisitor<T> {
    type Value = InOrder<T>;

    fn expecting(&self, to: &mut fmt::Formatter) -> fmt::Result {
        to.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(InOrder(entries))
    }
}
