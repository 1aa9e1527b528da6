use std::fmt;

use serde::{Deserialize, Serialize};

/// How reading a tokenizer or a chat template failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TextEnd {
    /// The crate that reads it panicked.
    Panicked {
        /// The panic's message.
        message: String,
    },
    /// It recursed too deeply.
    StackOverflow,
    /// It needed more memory than allowed.
    Memory {
        /// The limit in MiB.
        limit_mib: u64,
    },
    /// It computed for too long.
    ProcessorTime {
        /// The limit in milliseconds of processor time.
        limit_ms: u64,
    },
    /// It did not answer for too long.
    Silence {
        /// The time waited, in seconds.
        seconds: u64,
    },
    /// It wrote too much.
    TooLong {
        /// The limit in MiB.
        limit_mib: u64,
    },
    /// A signal ended its process.
    Signal {
        /// The signal's number.
        number: i32,
    },
    /// Its process ended or answered without being asked.
    Broken {
        /// What was seen.
        seen: String,
    },
}

impl TextEnd {
    /// Whether this tokenizer or template can answer nothing more. After a panic the next text may well succeed.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Panicked { .. } | Self::TooLong { .. })
    }
}

impl fmt::Display for TextEnd {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked { message } => write!(formatter, "it made its reader panic: {message}"),
            Self::StackOverflow => write!(formatter, "it is nested too deeply and overflowed the stack"),
            Self::Memory { limit_mib } => write!(formatter, "it took more than {limit_mib} MiB of memory"),
            Self::ProcessorTime { limit_ms } => {
                write!(formatter, "it did not end within {:.1} s of computing", *limit_ms as f64 / 1000.0)
            }
            Self::Silence { seconds } => write!(formatter, "it did not end within {seconds} s"),
            Self::TooLong { limit_mib } => write!(formatter, "it wrote more than {limit_mib} MiB"),
            Self::Signal { number } => match signal_name(*number) {
                Some(name) => write!(formatter, "its process was killed by signal {number} ({name})"),
                None => write!(formatter, "its process was killed by signal {number}"),
            },
            Self::Broken { seen } => write!(formatter, "its process {seen}"),
        }
    }
}

fn signal_name(number: i32) -> Option<&'static str> {
    Some(match number {
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL: is the device out of memory?",
        11 => "SIGSEGV",
        24 => "SIGXCPU",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_described_in_words() {
        let end = TextEnd::ProcessorTime { limit_ms: 1500 };
        assert_eq!(end.to_string(), "it did not end within 1.5 s of computing");
        assert_eq!(TextEnd::Signal { number: 11 }.to_string(), "its process was killed by signal 11 (SIGSEGV)");
        assert!(end.is_final());
        assert!(!TextEnd::Panicked { message: "index out of bounds".into() }.is_final());
    }
}
