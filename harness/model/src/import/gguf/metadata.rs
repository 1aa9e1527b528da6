//! The key-value part of a GGUF file.

use std::collections::BTreeMap;

/// A value, reduced to the kinds that a model needs.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Integer(i128),
    Number(f64),
    Boolean(bool),
    Text(String),
    Texts(Vec<String>),
    /// Integers of 32 bits, as in the lists that a model needs.
    Integers(Vec<i64>),
    /// Numbers in f32.
    Numbers(Vec<f32>),
    /// An array of a kind that no supported model needs.
    Other,
}

/// All keys. Errors are reasons without the file's name.
#[derive(Debug, Default)]
pub struct Metadata {
    values: BTreeMap<String, Value>,
}

impl Metadata {
    /// Adds a value; a repeated key is an error.
    pub fn insert(&mut self, key: String, value: Value) -> Result<(), String> {
        match self.values.insert(key.clone(), value) {
            None => Ok(()),
            Some(_) => Err(format!("the key {key:?} is there twice")),
        }
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// A text; another kind of value is an error.
    pub fn present_text(&self, key: &str) -> Result<Option<&str>, String> {
        match self.values.get(key) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(format!("the key {key:?} is no text")),
        }
    }

    pub fn optional_boolean(&self, key: &str) -> Result<Option<bool>, String> {
        match self.values.get(key) {
            None => Ok(None),
            Some(Value::Boolean(truth)) => Ok(Some(*truth)),
            Some(_) => Err(format!("the key {key:?} is neither true nor false")),
        }
    }

    pub fn optional_text(&self, key: &str) -> Option<&str> {
        match self.values.get(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub fn text(&self, key: &str) -> Result<&str, String> {
        self.optional_text(key).ok_or_else(|| format!("the key {key:?} is missing or no text"))
    }

    pub fn texts(&self, key: &str) -> Result<&[String], String> {
        match self.values.get(key) {
            Some(Value::Texts(texts)) => Ok(texts),
            _ => Err(format!("the key {key:?} is missing or no list of texts")),
        }
    }

    pub fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// A list of numbers, including whole ones.
    pub fn numbers(&self, key: &str) -> Option<Vec<f32>> {
        match self.values.get(key) {
            Some(Value::Numbers(numbers)) => Some(numbers.clone()),
            Some(Value::Integers(integers)) => Some(integers.iter().map(|integer| *integer as f32).collect()),
            _ => None,
        }
    }

    pub fn integers(&self, key: &str) -> Option<&[i64]> {
        match self.values.get(key) {
            Some(Value::Integers(integers)) => Some(integers),
            _ => None,
        }
    }

    pub fn optional_size(&self, key: &str) -> Result<Option<usize>, String> {
        match self.values.get(key) {
            None => Ok(None),
            Some(Value::Integer(size)) => match u32::try_from(*size) {
                Ok(size) => Ok(Some(size as usize)),
                Err(_) => Err(format!("the key {key:?} is {size}, which is no size")),
            },
            Some(_) => Err(format!("the key {key:?} is no whole number")),
        }
    }

    /// A size that a file may also give for each block. It is an error if blocks differ.
    pub fn size_of_blocks(&self, key: &str) -> Result<Option<usize>, String> {
        let Some(Value::Integers(sizes)) = self.values.get(key) else { return self.optional_size(key) };
        match sizes.first().and_then(|size| usize::try_from(*size).ok()) {
            Some(size) if sizes.iter().all(|other| *other == sizes[0]) => Ok(Some(size)),
            _ => Err(format!("the key {key:?} is not the same for all blocks, which is not supported")),
        }
    }

    pub fn size(&self, key: &str) -> Result<usize, String> {
        self.optional_size(key)?.ok_or_else(|| format!("the key {key:?} is missing"))
    }

    pub fn optional_number(&self, key: &str) -> Result<Option<f64>, String> {
        match self.values.get(key) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(*number)),
            Some(Value::Integer(number)) => Ok(Some(*number as f64)),
            Some(_) => Err(format!("the key {key:?} is no number")),
        }
    }

    pub fn number(&self, key: &str) -> Result<f64, String> {
        self.optional_number(key)?.ok_or_else(|| format!("the key {key:?} is missing"))
    }
}
