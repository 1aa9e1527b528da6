//! Names of commits, and moments, as users and foreign files write them.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::HistoryError;

/// Digits of the shortest and the longest name: git abbreviates to 7, and sha256 has 64.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=64;
/// Digits that people see.
const SHORT: usize = 10;

/// The name of a commit: hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Commit(String);

impl Commit {
    /// All of its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both may be names of one commit: a name may be abbreviated.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0) || other.0.starts_with(&self.0)
    }

    /// Its first ten digits.
    pub fn short(&self) -> &str {
        self.0.get(..SHORT).unwrap_or(&self.0)
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for Commit {
    type Err = HistoryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_name = DIGITS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let shown = || text.chars().take(80).collect();
        if is_name { Ok(Self(text.to_ascii_lowercase())) } else { Err(HistoryError::NoCommit(shown())) }
    }
}

impl TryFrom<String> for Commit {
    type Error = HistoryError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Commit> for String {
    fn from(commit: Commit) -> Self {
        commit.0
    }
}

/// When something happened: a time with its distance from UTC, as in RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Milliseconds since 1970 UTC.
    pub unix_ms: u64,
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = i64::try_from(self.unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        match moment {
            Some(moment) => moment.fmt(formatter),
            None => write!(formatter, "{} ms after 1970", self.unix_ms),
        }
    }
}

impl FromStr for Moment {
    type Err = HistoryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shown = || HistoryError::NoTime(text.chars().take(80).collect());
        let moment: Timestamp = text.parse().map_err(|_| shown())?;
        Ok(Self { unix_ms: u64::try_from(moment.as_millisecond()).map_err(|_| shown())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_hexadecimal() {
        let commit: Commit = "ABCDEF0123456789".parse().unwrap();
        assert_eq!((commit.as_str(), commit.short()), ("abcdef0123456789", "abcdef0123"));
        for wrong in ["", "main", "abcdef", "../../etc/passwd", &"a".repeat(65), "abcdef\u{202e}"] {
            let error = wrong.parse::<Commit>().unwrap_err().to_string();
            assert!(error.contains("7 to 64 hexadecimal digits"), "{error}");
        }
        assert!(serde_json::from_str::<Commit>(r#""<script>""#).is_err());
    }

    #[test]
    fn an_abbreviated_name_is_of_the_same_commit() {
        let commit = |text: &str| text.parse::<Commit>().unwrap();
        let whole = commit("0123456789abcdef");
        assert!(whole.is_same(&commit("0123456789")) && commit("0123456").is_same(&whole) && whole.is_same(&whole));
        assert!(!whole.is_same(&commit("0123456788")) && !commit("1234567").is_same(&whole));
    }

    #[test]
    fn moments_have_a_distance_from_utc() {
        let moment = |text: &str| text.parse::<Moment>().map(|moment| moment.unix_ms);
        assert_eq!(moment("2026-11-23T12:42:33Z").unwrap(), 1_795_437_753_000);
        assert_eq!(moment("2026-11-23T13:42:33+01:00").unwrap(), 1_795_437_753_000);
        assert_eq!(Moment { unix_ms: 1_795_437_753_000 }.to_string(), "2026-11-23T12:42:33Z");
        assert_eq!(Moment { unix_ms: u64::MAX }.to_string(), "18446744073709551615 ms after 1970");
        for wrong in ["2026-11-23", "2026-11-23T12:42:33", "yesterday", "1969-01-01T00:00:00Z"] {
            assert!(moment(wrong).unwrap_err().to_string().contains("RFC 3339"), "{wrong}");
        }
    }
}
