//! Limits of a text process. Measured with tokenizers of 128 and 255 thousand pieces: opening one takes up to 13 bytes of
//! memory for each of its bytes, and 0.07 s for a mebibyte in a debug build; encoding takes up to 250 bytes for each byte of
//! text, and 1.1 s for a mebibyte.

use std::time::Duration;

use rustix::{
    process::{Resource, Rlimit, setrlimit},
    thread::set_no_new_privs,
    time::{ClockId, clock_gettime},
};

/// For recursion as deep as a template may have. Only touched pages take memory.
pub(super) const STACK_BYTES: usize = 64 << 20;
/// Memory limit for small files: the stack, and as much again.
const LEAST_BYTES: u64 = 128 << 20;
const MOST_BYTES: u64 = 1 << 30;
const BYTES_FOR_EACH_OF_A_FILE: u64 = 24;
const BYTES_FOR_EACH_OF_A_QUESTION: u64 = 512;

/// Time limit for small files: real ones take milliseconds.
const LEAST_TIME: Duration = Duration::from_millis(800);
const TIME_FOR_A_MEBIBYTE_OF_FILES: Duration = Duration::from_millis(300);
/// A conversation is written again for each of its turns.
const TIME_FOR_A_MEBIBYTE_OF_QUESTIONS: Duration = Duration::from_secs(4);
/// Additional time for a process that no longer watches itself, before the system ends it.
const BEYOND: Duration = Duration::from_secs(5);

/// The limits of one question, which grow with the lengths of the files and the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allowance {
    /// Memory of the whole process, in bytes.
    pub(super) memory: u64,
    /// Processor time, counted from the question.
    pub(super) time: Duration,
}

impl Allowance {
    /// The limits for this many bytes of files, and of a question.
    pub(super) fn new(files: usize, question: usize) -> Self {
        let (files, question) = (files as u64, question as u64);
        let wanted = BYTES_FOR_EACH_OF_A_FILE
            .saturating_mul(files)
            .saturating_add(BYTES_FOR_EACH_OF_A_QUESTION.saturating_mul(question));
        let mebibytes = |bytes: u64| (bytes >> 10) as f64 / 1024.0;
        Self {
            memory: LEAST_BYTES.saturating_add(wanted).min(MOST_BYTES),
            time: LEAST_TIME
                + TIME_FOR_A_MEBIBYTE_OF_FILES.mul_f64(mebibytes(files))
                + TIME_FOR_A_MEBIBYTE_OF_QUESTIONS.mul_f64(mebibytes(question)),
        }
    }

    /// Sets the limits that the system enforces. Memory means private writable memory, so neither the program's own
    /// code counts, nor what is mapped but not used.
    ///
    /// # Errors
    /// When the system refuses.
    pub(super) fn set(self) -> rustix::io::Result<()> {
        soft(Resource::Data, self.memory)?;
        soft(Resource::Cpu, (processor_time() + self.time + BEYOND).as_secs())
    }
}

/// Permanently removes from this process what reading text does not need: files, core dumps, further rights.
///
/// # Errors
/// When the system refuses.
pub(super) fn give_up_rights() -> rustix::io::Result<()> {
    hard(Resource::Core, 0)?;
    hard(Resource::Fsize, 0)?;
    // Open files stay open; one more may be needed for waiting.
    hard(Resource::Nofile, 1)?;
    set_no_new_privs(true)
}

/// Processor time that this process has used so far: unlike the clock, it does not depend on other programs.
pub(super) fn processor_time() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(used.tv_sec.unsigned_abs(), used.tv_nsec.unsigned_abs() as u32)
}

fn hard(resource: Resource, limit: u64) -> rustix::io::Result<()> {
    setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })
}

/// Sets a limit that can be raised again for a longer question.
fn soft(resource: Resource, limit: u64) -> rustix::io::Result<()> {
    let maximum = rustix::process::getrlimit(resource).maximum;
    setrlimit(resource, Rlimit { current: Some(maximum.map_or(limit, |maximum| limit.min(maximum))), maximum })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_files_and_questions_may_take_more_up_to_a_bound() {
        let small = Allowance::new(1000, 1000);
        assert!(small.memory < 130 << 20 && small.time < Duration::from_millis(810), "{small:?}");
        let gemma = Allowance::new(33 << 20, 1 << 20);
        assert!(gemma.memory > 1000 << 20 && gemma.memory <= 1 << 30, "{gemma:?}");
        assert!(gemma.time > Duration::from_secs(10) && gemma.time < Duration::from_secs(15), "{gemma:?}");
        assert_eq!(Allowance::new(usize::MAX, 0).memory, 1 << 30);
    }
}
