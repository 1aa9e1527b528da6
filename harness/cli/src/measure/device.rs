//! Who measures on this device: one at a time, for two that measure disturb each other.
//!
//! A lock file at a place that all users know is held by whoever measures. Who measures beside it, because the user said so,
//! has a share of a second file, and so each can know of the other.

use std::{
    env, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::Result;
use pocketwatt_files::Lock;
use thiserror::Error;

use super::{Mailbox, holder};
use crate::refusal::Refusal;

/// Names another lock file.
const VARIABLE: &str = "POCKETWATT_DEVICE_LOCK";
const FILE: &str = "pocketwatt-measures.lock";
/// Where everybody may write, the better place first.
const FOLDERS: [&str; 3] = ["/run/lock", "/tmp", "/data/local/tmp"];
/// Between two attempts of one that waits.
const PATIENCE: Duration = Duration::from_secs(1);
/// Somebody who only looks has the lock for a moment.
const GLANCES: u32 = 3;
const GLANCE: Duration = Duration::from_millis(20);

/// What to do while somebody else measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenBusy {
    /// Measure nothing.
    Refuse,
    /// Wait for the end of that.
    Wait,
    /// Measure all the same, and say so in the records.
    Beside,
}

/// Somebody else measures on this device.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct DeviceBusy(String);

impl DeviceBusy {
    fn now(who: &str) -> Self {
        Self(format!(
            "{who} measures on this device, and two would disturb each other: nothing was measured; --wait waits for the \
             end of that (and `--allow-beside` of `run` and `conformance` goes on all the same, which records say)"
        ))
    }

    /// Somebody came although others measured.
    pub fn meanwhile(who: &str) -> Self {
        Self(format!(
            "{who} measured on this device at the same time, which disturbed this: there is no result; try again"
        ))
    }
}

/// This device, as one measures on it.
#[derive(Debug)]
pub struct Device {
    when_busy: WhenBusy,
    part: Part,
}

/// Which part this process has.
#[derive(Debug)]
enum Part {
    None,
    Whole {
        path: PathBuf,
        _lock: Lock,
    },
    Beside {
        path: PathBuf,
        share: Lock,
    },
    /// Others cannot be known, for this reason.
    Unknown(String),
}

/// Whether one may measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    /// Yes, from now on.
    Measuring,
    /// The user did not want to wait any longer.
    Interrupted,
}

/// A time in which others may come and go.
#[derive(Debug)]
pub struct Watch {
    met: Option<String>,
    came: Option<SystemTime>,
}

/// Who measures on this device at the moment.
///
/// # Errors
/// When nobody can know.
pub fn who_measures() -> Result<Option<String>> {
    let path = lock_path()?;
    for path in [path.clone(), beside(&path)] {
        let held = Lock::look(&path).map_err(|error| no_lock(&path, &error))?;
        if let Some(held) = held {
            return Ok(Some(holder::shown(&held.holder)));
        }
    }
    Ok(None)
}

impl Device {
    /// Nothing is measured yet.
    pub fn new(when_busy: WhenBusy) -> Self {
        Self { when_busy, part: Part::None }
    }

    /// Says early that somebody else measures, where one would be refused later: before what takes its time.
    ///
    /// # Errors
    /// [`DeviceBusy`].
    pub fn foresee(&self) -> Result<()> {
        match who_measures() {
            Ok(Some(who)) if self.when_busy == WhenBusy::Refuse => Err(DeviceBusy::now(&who).into()),
            Err(error) if self.when_busy != WhenBusy::Beside => Err(error),
            _ => Ok(()),
        }
    }

    /// From now on others know that this process measures, until the end of `self`. Once is enough.
    ///
    /// # Errors
    /// [`DeviceBusy`], or when there can be no lock and others cannot be known.
    pub fn enter(&mut self, mailbox: &mut Mailbox) -> Result<Entered> {
        if !matches!(self.part, Part::None) {
            return Ok(Entered::Measuring);
        }
        self.part = match self.lock(mailbox) {
            Ok(Some(part)) => part,
            Ok(None) => return Ok(Entered::Interrupted),
            Err(error) if self.when_busy == WhenBusy::Beside => {
                notice!("{error:#}");
                Part::Unknown(format!("{error:#}"))
            }
            Err(error) => return Err(error),
        };
        Ok(Entered::Measuring)
    }

    /// Nothing when interrupted.
    fn lock(&self, mailbox: &mut Mailbox) -> Result<Option<Part>> {
        let path = lock_path()?;
        let name = holder::own_name();
        let refused = |error| no_lock(&path, &error);
        let mut glances = 0;
        let mut told = false;
        loop {
            let held = match Lock::try_take(&path, &name).map_err(refused)? {
                Ok(lock) => return Ok(Some(Part::Whole { path, _lock: lock })),
                Err(held) => holder::shown(&held.holder),
            };
            let pause = if glances < GLANCES { GLANCE } else { PATIENCE };
            glances += 1;
            if glances > GLANCES {
                match self.when_busy {
                    WhenBusy::Refuse => return Err(DeviceBusy::now(&held).into()),
                    WhenBusy::Beside => {
                        notice!("{held} measures on this device, too: the records say so");
                        let share = Lock::share(&beside(&path), &name).map_err(refused)?;
                        return Ok(Some(Part::Beside { path, share }));
                    }
                    WhenBusy::Wait if told => {}
                    WhenBusy::Wait => notice!("{held} measures on this device: waiting for its end"),
                }
                told = true;
            }
            if mailbox.pause(pause) {
                return Ok(None);
            }
        }
    }

    /// Nothing is measured any longer.
    pub fn leave(&mut self) {
        self.part = Part::None;
    }

    /// Begins to watch for others.
    pub fn watch(&mut self) -> Watch {
        Watch { met: self.other(), came: self.last_coming() }
    }

    /// Who else measured since then, if anybody is known to have.
    pub fn met(&mut self, watch: Watch) -> Option<String> {
        let came_meanwhile = self.last_coming() != watch.came;
        let since_ended = || came_meanwhile.then(|| "somebody who has ended since".to_owned());
        watch.met.or_else(|| self.other()).or_else(since_ended)
    }

    /// Who else measures at this moment.
    pub fn other(&mut self) -> Option<String> {
        match std::mem::replace(&mut self.part, Part::None) {
            Part::None => None,
            Part::Unknown(reason) => {
                self.part = Part::Unknown(reason.clone());
                Some(format!("nobody knows who else: {reason}"))
            }
            Part::Whole { path, _lock } => {
                let other = other_beside(&path);
                self.part = Part::Whole { path, _lock };
                other
            }
            // Whoever had the whole may have ended; then somebody has to take its place.
            Part::Beside { path, share } => match Lock::try_take(&path, &holder::own_name()) {
                Ok(Ok(lock)) => {
                    drop(share);
                    let other = other_beside(&path);
                    self.part = Part::Whole { path, _lock: lock };
                    other
                }
                Ok(Err(held)) => {
                    self.part = Part::Beside { path, share };
                    Some(holder::shown(&held.holder))
                }
                Err(error) => {
                    let reason = no_lock(&path, &error).to_string();
                    self.part = Part::Beside { path, share };
                    Some(format!("nobody knows who else: {reason}"))
                }
            },
        }
    }

    /// When somebody last began to measure beside others: it may have ended before anybody looked.
    fn last_coming(&self) -> Option<SystemTime> {
        match &self.part {
            Part::Whole { path, .. } | Part::Beside { path, .. } => {
                fs::metadata(beside(path)).and_then(|facts| facts.modified()).ok()
            }
            Part::None | Part::Unknown(_) => None,
        }
    }
}

fn other_beside(path: &Path) -> Option<String> {
    match Lock::look(&beside(path)) {
        Ok(held) => held.map(|held| holder::shown(&held.holder)),
        Err(error) => Some(format!("nobody knows who else: {}", no_lock(path, &error))),
    }
}

/// Where those who measure beside others have their shares.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".beside");
    name.into()
}

/// The same for all users of the device: a folder counts only where everybody may write.
fn lock_path() -> Result<PathBuf> {
    if let Some(path) = env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    let everybody = 0o002;
    let open = |folder: &&&str| fs::metadata(folder).is_ok_and(|facts| facts.is_dir() && facts.mode() & everybody != 0);
    let folder = FOLDERS.iter().find(open).ok_or_else(|| {
        Refusal::error(format!(
            "there is no folder for the lock that keeps two from measuring at once ({}): name a file in {VARIABLE}",
            FOLDERS.join(", ")
        ))
    })?;
    Ok(Path::new(folder).join(FILE))
}

fn no_lock(path: &Path, error: &std::io::Error) -> anyhow::Error {
    Refusal::error(format!(
        "{} cannot be locked, which keeps two from measuring at once: {error}; name another file in {VARIABLE}",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(path: &Path) -> Device {
        let lock = Lock::try_take(path, "the whole").unwrap().unwrap();
        Device { when_busy: WhenBusy::Refuse, part: Part::Whole { path: path.to_owned(), _lock: lock } }
    }

    fn beside_it(path: &Path, name: &str) -> Device {
        let share = Lock::share(&beside(path), name).unwrap();
        Device { when_busy: WhenBusy::Beside, part: Part::Beside { path: path.to_owned(), share } }
    }

    #[test]
    fn each_knows_of_the_other() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lock");
        let mut first = whole(&path);
        let alone = first.watch();
        assert_eq!(first.met(alone), None);
        let before = first.watch();
        let mut second = beside_it(&path, "the second");
        let watch = second.watch();
        assert_eq!(first.met(before), Some("the second".into()), "it came in between");
        let mut third = beside_it(&path, "the third");
        drop(first);
        assert_eq!(second.met(watch), Some("the whole".into()), "it was there in the beginning");
        // The second has the place of the first now.
        assert_eq!(second.other(), Some("the third".into()));
        assert!(third.other().unwrap().starts_with("pocketwatt, process "));
        drop(second);
        assert_eq!(third.other(), None);
    }

    #[test]
    fn whoever_came_and_went_meanwhile_is_noticed() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lock");
        let mut first = whole(&path);
        let watch = first.watch();
        drop(beside_it(&path, "a short one"));
        assert_eq!(first.met(watch), Some("somebody who has ended since".into()));
        let watch = first.watch();
        assert_eq!(first.met(watch), None);
    }

    #[test]
    fn what_cannot_be_locked_is_no_sign_that_one_is_alone() {
        let mut device = Device { when_busy: WhenBusy::Beside, part: Part::Unknown("no folder".into()) };
        let watch = device.watch();
        assert_eq!(device.met(watch), Some("nobody knows who else: no folder".into()));
    }
}
