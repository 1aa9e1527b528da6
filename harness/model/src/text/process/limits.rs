//! What a text process may use. Tokenizers of 128 and 255 thousand pieces were measured: opening one takes up to 13 bytes of
//! memory for each of its own, and 0.07 s for a mebibyte in a debug build; encoding takes up to 250 bytes for each of a
//! text, and 1.1 s for a mebibyte.

use std::time::Duration;

use rustix::{
    process::{Resource, Rlimit, setrlimit},
    thread::set_no_new_privs,
    time::{ClockId, clock_gettime},
};

/// For recursion as deep as a template may have. Only what is touched takes memory.
pub(super) const STACK_BYTES: usize = 64 << 20;
/// What small files may take: the stack, and as much beside it.
const LEAST_BYTES: u64 = 128 << 20;
const MOST_BYTES: u64 = 1 << 30;
const BYTES_FOR_EACH_OF_A_FILE: u64 = 24;
const BYTES_FOR_EACH_OF_A_QUESTION: u64 = 512;

/// What small files may compute for: real ones take milliseconds.
const LEAST_TIME: Duration = Duration::from_millis(800);
const TIME_FOR_A_MEBIBYTE_OF_FILES: Duration = Duration::from_millis(300);
/// A conversation is written anew with each of its turns.
const TIME_FOR_A_MEBIBYTE_OF_QUESTIONS: Duration = Duration::from_secs(4);
/// What a process that does not watch itself any more may compute for in addition, before the system ends it.
const BEYOND: Duration = Duration::from_secs(5);

/// What one question may take: as much as files and question are long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allowance {
    /// Memory of the whole process, in bytes.
    pub(super) memory: u64,
    /// Processor time, from when it was asked.
    pub(super) time: Duration,
}

impl Allowance {
    /// For files of so many bytes, and a question of so many.
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

    /// Sets what the system sees to. Memory is what is private and can be written, so that neither the program's own
    /// code counts, nor what is mapped but not used.
    ///
    /// # Errors
    /// When the system refuses.
    pub(super) fn set(self) -> rustix::io::Result<()> {
        soft(Resource::Data, self.memory)?;
        soft(Resource::Cpu, (processor_time() + self.time + BEYOND).as_secs())
    }
}

/// Takes from this process for ever what reading text does not need: files, core dumps, further rights.
///
/// # Errors
/// When the system refuses.
pub(super) fn give_up_rights() -> rustix::io::Result<()> {
    hard(Resource::Core, 0)?;
    hard(Resource::Fsize, 0)?;
    // Those that are open stay so; one may be waited for.
    hard(Resource::Nofile, 1)?;
    set_no_new_privs(true)
}

/// Processor time that this process has taken so far: no clock, and the same on every machine.
pub(super) fn processor_time() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(used.tv_sec.unsigned_abs(), used.tv_nsec.unsigned_abs() as u32)
}

fn hard(resource: Resource, limit: u64) -> rustix::io::Result<()> {
    setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })
}

/// Can be raised again for a longer question.
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
