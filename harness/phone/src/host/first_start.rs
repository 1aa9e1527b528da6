//! The first act on a phone: our program is started there, and each way in which that is known to fail is explained.

use std::time::Duration;

use thiserror::Error;

use super::{Connection, HostError};
use crate::{adb::Answer, job::in_its_place};

/// A start takes two seconds on a slow phone; an emulated one is slower.
const LIMIT: Duration = Duration::from_secs(60);

/// What the program said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartedProgram {
    /// `0.1.0`.
    pub version: String,
    /// The size of the kernel's pages, if the phone says it.
    pub page_bytes: Option<u64>,
}

/// Why the program does not run.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NotStarted {
    /// The file is there, and the kernel says that there is none: it means the loader.
    #[error(
        "the phone says \"No such file or directory\" of a program that is there: its loader, {loader}, is missing. The programs have to \
         be those of `scripts/package phone`, and nothing below /data/local/tmp/pocketwatt may be moved"
    )]
    NoLoader {
        /// Where the program looks for it.
        loader: String,
    },
    /// It is built for another processor.
    #[error(
        "the phone cannot execute the program, which is built for another processor: `scripts/package phone` builds for 64-bit ARM ({words})"
    )]
    OtherProcessor {
        /// What the shell said.
        words: String,
    },
    /// The folder or a policy forbids it.
    #[error(
        "the phone does not let its shell execute programs below /data/local/tmp ({words}): its maker or an administrator decided that; \
         another phone is needed"
    )]
    NotPermitted {
        /// What the shell said.
        words: String,
    },
    /// Segments that are aligned to 4 KB, on pages of 16 KB.
    #[error(
        "the program crashed at its start (SIGSEGV), on a kernel with pages of {page_bytes} bytes: programs from before need segments aligned \
         to 16384; those of `scripts/package phone` are, so build them anew"
    )]
    LargePages {
        /// The size of the kernel's pages.
        page_bytes: u64,
    },
    /// A filter of system calls.
    #[error(
        "the phone ended the program for a system call that it does not allow (signal 31, SIGSYS; seccomp {seccomp}): no such phone was \
         known; please report its model. Programs built with the NDK may run"
    )]
    FilteredCall {
        /// The mode of the shell's filter, as `/proc/self/status` says.
        seccomp: String,
    },
    /// A library is missing or damaged.
    #[error(
        "the program does not find a library: {words}; `pocketwatt phone clean --all` and another run push all of them anew"
    )]
    NoLibrary {
        /// What the loader said.
        words: String,
    },
    /// It runs, and is another version.
    #[error(
        "the program on the phone is {there:?}, and this is {here:?}: the bundle that was sent is that of another version. `scripts/package phone` \
         makes one of this version, and POCKETWATT_PHONE_PROGRAMS names it"
    )]
    OtherVersion {
        /// What it says.
        there: String,
        /// What it should say.
        here: String,
    },
    /// Anything else.
    #[error("the program does not start on the phone: exit status {status}, {words}")]
    Other {
        /// That of the shell: 128 and a signal's number, if a signal ended it.
        status: i32,
        /// What it wrote.
        words: String,
    },
}

impl StartedProgram {
    /// Starts the program that was pushed, which has to be of this `version`.
    ///
    /// # Errors
    /// [`HostError::NotStarted`] with the reason.
    pub fn start(connection: &Connection, version: &str) -> Result<Self, HostError> {
        let answer = connection.answer(&in_its_place("bin/pocketwatt --version"), LIMIT)?;
        let page = connection.answer("getconf PAGESIZE || getconf PAGE_SIZE", LIMIT)?;
        let page_bytes = page.stdout.lines().next().and_then(|line| line.trim().parse().ok());
        if answer.status != 0 {
            let seccomp = connection.answer("grep Seccomp: /proc/self/status", LIMIT)?.stdout;
            return Err(not_started(NotStarted::explain(&answer, page_bytes, seccomp.trim())));
        }
        let there = answer.stdout.trim().strip_prefix("pocketwatt ").unwrap_or(answer.stdout.trim());
        if there != version {
            let there = there.chars().take(100).collect();
            return Err(not_started(NotStarted::OtherVersion { there, here: version.to_owned() }));
        }
        Ok(Self { version: there.to_owned(), page_bytes })
    }
}

fn not_started(why: NotStarted) -> HostError {
    HostError::NotStarted(Box::new(why))
}

/// Largest pages for which segments were aligned before phones had larger ones.
const USUAL_PAGE: u64 = 4096;
/// The loader of the programs, by its path.
const LOADER: &str = "/data/local/tmp/pocketwatt/lib/ld-linux-aarch64.so.1";

impl NotStarted {
    /// From what the phone's shell answered. The numbers are those of a shell: 126 and 127, and 128 with a signal's number.
    fn explain(answer: &Answer, page_bytes: Option<u64>, seccomp: &str) -> Self {
        let text = format!("{}\n{}", answer.stderr, answer.stdout);
        let words: String = text
            .lines()
            .map(str::trim)
            .find(|line| !line.is_empty())
            .unwrap_or("without a word")
            .chars()
            .take(300)
            .collect();
        let says = |part: &str| text.contains(part);
        match answer.status {
            _ if says("error while loading shared libraries") || says("version `GLIBC") => Self::NoLibrary { words },
            // mksh says "not found" of a program without its loader, others repeat the kernel's words.
            126 | 127 if says("No such file") || says("not found") || says("inaccessible") => {
                Self::NoLoader { loader: LOADER.into() }
            }
            126 | 127 if says("ermission denied") => Self::NotPermitted { words },
            126 | 127 if says("Exec format error") || says("not executable") || says("syntax error") => {
                Self::OtherProcessor { words }
            }
            159 => {
                Self::FilteredCall { seccomp: seccomp.strip_prefix("Seccomp:").unwrap_or("unknown").trim().to_owned() }
            }
            139 if page_bytes.is_some_and(|bytes| bytes > USUAL_PAGE) => {
                Self::LargePages { page_bytes: page_bytes.unwrap_or_default() }
            }
            status => Self::Other { status, words },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(status: i32, stderr: &str, page_bytes: u64) -> NotStarted {
        let answer = Answer { stdout: String::new(), stderr: stderr.into(), status };
        NotStarted::explain(&answer, Some(page_bytes), "Seccomp:\t2")
    }

    #[test]
    fn each_known_failure_has_its_reason() {
        let missing = "/system/bin/sh: bin/pocketwatt: No such file or directory\n";
        assert!(matches!(explained(127, missing, 4096), NotStarted::NoLoader { .. }));
        assert!(matches!(
            explained(127, "sh: bin/pocketwatt: inaccessible or not found", 4096),
            NotStarted::NoLoader { .. }
        ));
        assert!(matches!(
            explained(126, "sh: bin/pocketwatt: can't execute: Permission denied", 4096),
            NotStarted::NotPermitted { .. }
        ));
        assert!(matches!(
            explained(126, "sh: bin/pocketwatt: not executable: 64-bit ELF file", 4096),
            NotStarted::OtherProcessor { .. }
        ));
        assert_eq!(explained(159, "Bad system call", 4096), NotStarted::FilteredCall { seccomp: "2".into() });
        assert_eq!(explained(139, "Segmentation fault", 16384), NotStarted::LargePages { page_bytes: 16384 });
        assert!(matches!(explained(139, "Segmentation fault", 4096), NotStarted::Other { status: 139, .. }));
        let library = "bin/pocketwatt: error while loading shared libraries: libm.so.6: cannot open shared object file";
        assert!(matches!(explained(127, library, 4096), NotStarted::NoLibrary { .. }));
        assert!(explained(1, "", 4096).to_string().ends_with("exit status 1, without a word"));
    }
}
