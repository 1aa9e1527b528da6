//! Files to a phone and from it. A transfer has no limit as a whole, because a model has hundreds of megabytes: it ends when it
//! makes no progress.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use pocketwatt_protocol::{Clock, MonotonicClock, MonotonicNs};

use super::{
    Adb, AdbError, Serial,
    call::{Running, Text},
    command_line,
};

/// How long a transfer may make no progress.
const STANDSTILL: Duration = Duration::from_secs(60);
/// How often it is looked at: an ended process, and the length of the file so far.
const STEP: Duration = Duration::from_millis(20);
const LOOK: Duration = Duration::from_secs(10);
/// How long the phone may take to say how long a file is.
const ANSWER: Duration = Duration::from_secs(10);

impl Adb {
    /// Copies a file to the phone, under a name that is not used by anything else yet: if it breaks off, a part of it is there.
    ///
    /// # Errors
    /// [`AdbError::Failed`] with the words of adb, [`AdbError::Standstill`] when it makes no progress for a minute.
    pub fn push(&self, phone: &Serial, from: &Path, to: &str) -> Result<(), AdbError> {
        let length = |adb: &Self| {
            let command = format!("stat -c %s {}", command_line(&[to]));
            let answer = adb.shell(phone, &command, ANSWER).ok()?;
            answer.stdout.trim().parse().ok()
        };
        self.transfer(
            "copy a file to the phone",
            phone,
            &["push".as_ref(), from.as_os_str(), to.as_ref()],
            length,
            || Ok(()),
        )
    }

    /// Copies a file of at most so many bytes from the phone. If it breaks off, or is longer, a part of it is here.
    ///
    /// # Errors
    /// As of [`Adb::push`], and [`AdbError::TooLong`].
    pub fn pull(&self, phone: &Serial, from: &str, to: &Path, most_bytes: u64) -> Result<(), AdbError> {
        const DOING: &str = "copy a file from the phone";
        let length = || fs::metadata(to).ok().map(|facts| facts.len());
        let is_too_long = || length().is_some_and(|bytes| bytes > most_bytes);
        let words = ["pull".as_ref(), from.as_ref(), to.as_os_str()];
        self.transfer(
            DOING,
            phone,
            &words,
            |_| length(),
            || match is_too_long() {
                true => Err(AdbError::TooLong { doing: DOING, most_bytes }),
                false => Ok(()),
            },
        )
    }

    fn transfer(
        &self,
        doing: &'static str,
        phone: &Serial,
        words: &[&std::ffi::OsStr],
        length: impl Fn(&Self) -> Option<u64>,
        check: impl Fn() -> Result<(), AdbError>,
    ) -> Result<(), AdbError> {
        let mut command = Command::new(&self.program);
        command.args(["-s", phone.as_argument()]).args(words);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().map_err(|source| AdbError::Start { program: self.program.clone(), source })?;
        let mut running = Running::new(child);
        let texts = running.texts();
        let mut progress = Progress { length: None, at: MonotonicClock.now(), looked: MonotonicClock.now() };
        let status = loop {
            if let Some(status) = running.status() {
                break status;
            }
            check()?;
            if progress.stands_still(|| length(self)) {
                return Err(AdbError::Standstill { doing, limit_s: STANDSTILL.as_secs() });
            }
            thread::sleep(STEP);
        };
        for text in &texts {
            // What another process still holds open is not waited for.
            text.finish();
        }
        if status.success() {
            return Ok(());
        }
        let words = texts.iter().map(Text::so_far).collect::<Vec<_>>().join("\n");
        let words = super::call::last_words(&words);
        Err(AdbError::Failed { doing, words }.without(phone))
    }
}

struct Progress {
    length: Option<u64>,
    /// When the length last changed.
    at: MonotonicNs,
    looked: MonotonicNs,
}

impl Progress {
    fn stands_still(&mut self, length: impl Fn() -> Option<u64>) -> bool {
        let now = MonotonicClock.now();
        if now.since(self.looked) >= LOOK.as_nanos() as u64 {
            self.looked = now;
            // A phone that says nothing makes no progress.
            let length = length().or(self.length);
            if length != self.length {
                *self = Self { length, at: MonotonicClock.now(), looked: MonotonicClock.now() };
            }
        }
        MonotonicClock.now().since(self.at) >= STANDSTILL.as_nanos() as u64
    }
}
