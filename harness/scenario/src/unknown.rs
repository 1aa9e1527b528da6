//! A name that nothing has.

use thiserror::Error;

/// What reads less alike than this is no slip of the fingers.
const ALIKE: f64 = 0.7;

/// The requested name is unknown; the text names the most similar known one, and all of them.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown {thing} {wanted:?}{} Known: {}{next_step}", self.hint(), known.join(", "))]
pub struct UnknownName {
    thing: &'static str,
    wanted: String,
    known: Vec<String>,
    next_step: &'static str,
}

impl UnknownName {
    /// There is no `thing` of the name `wanted` among the `known` ones; `next_step` ends the text.
    pub fn new<'a>(
        thing: &'static str,
        wanted: &str,
        known: impl IntoIterator<Item = &'a str>,
        next_step: &'static str,
    ) -> Self {
        let known = known.into_iter().map(str::to_owned).collect();
        Self { thing, wanted: wanted.to_owned(), known, next_step }
    }

    fn hint(&self) -> String {
        let likeness = |name: &String| strsim::jaro_winkler(name, &self.wanted);
        let nearest =
            self.known.iter().map(|name| (likeness(name), name)).max_by(|(left, _), (right, _)| left.total_cmp(right));
        match nearest {
            Some((likeness, nearest)) if likeness >= ALIKE => format!("; did you mean {nearest:?}?"),
            _ => ".".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_get_the_nearest_and_the_known_ones() {
        assert_eq!(
            UnknownName::new("backend", "onxruntime", ["onnxruntime", "tract"], "").to_string(),
            "unknown backend \"onxruntime\"; did you mean \"onnxruntime\"? Known: onnxruntime, tract"
        );
        assert_eq!(
            UnknownName::new("backend", "zzz", ["tract"], " (or a file)").to_string(),
            "unknown backend \"zzz\". Known: tract (or a file)"
        );
    }
}
