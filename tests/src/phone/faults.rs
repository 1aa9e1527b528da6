//! What goes wrong with a stand-in phone, and when.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// How often a connection that hangs looks whether it still does.
const STEP: Duration = Duration::from_millis(20);

/// All that goes wrong at a time. As JSON, it is what the control file of `stand-in-phone` holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// The connection breaks after so many bytes, once: the next one is sound.
    pub drop_after: Option<After>,
    /// After so many bytes, nothing moves any more, and connections stay open.
    pub hang_after: Option<After>,
    /// Bytes of payload in a second, in each direction.
    pub bytes_per_s: Option<u64>,
    /// So many bytes may still be pushed, counted from when this is set; then `No space left on device`.
    pub disk_free: Option<u64>,
    /// Commands with this text end without an exit status: the stream closes without its last packet.
    pub lost_exit: Option<String>,
    /// Commands with this text get no answer, and the connection stays open.
    pub hangs: Option<String>,
    /// In the middle of the answer to a command with this text, the connection breaks, once.
    pub dies: Option<String>,
    /// Services that begin with this text are refused: `sync:`, `shell,v2`.
    pub refused: Option<String>,
    /// The user does not allow the computer.
    pub unauthorized: bool,
    /// It accepts connections and says nothing.
    pub offline: bool,
    /// It ends its connections and accepts none: a cable that is pulled, or a network out of reach.
    pub gone: bool,
    /// `settings put` and `input` are not permitted, as on Xiaomi's phones.
    pub settings_refused: bool,
    /// `dumpsys` of this service does not return.
    pub dumpsys_hangs: Option<String>,
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct After {
    /// Bytes of payload, counted from when the fault is set.
    pub bytes: u64,
    /// Those that are counted.
    #[serde(default)]
    pub direction: Direction,
}

/// In which direction bytes go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Both together.
    #[default]
    Both,
    /// Host to phone.
    ToPhone,
    /// Phone to host.
    FromPhone,
}

/// One thing that goes wrong.
#[derive(Clone, Debug, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// The user does not allow the computer.
    Unauthorized,
    /// It accepts connections and says nothing.
    Offline,
    /// A command with this text gets no answer, and the connection stays open.
    Hangs(&'static str),
    /// The connection breaks after the first bytes of the answer to a command with this text.
    Dies(&'static str),
    /// It accepts no connection.
    Gone,
    /// The connection breaks after so many bytes of payload, once.
    DropAfter(u64, Direction),
    /// Nothing moves after so many bytes of payload.
    HangAfter(u64, Direction),
    /// Bytes of payload in a second.
    Slow(u64),
    /// So many bytes may still be pushed.
    DiskFull(u64),
    /// A command with this text ends without an exit status.
    LostExit(&'static str),
    /// Services that begin with this text are refused.
    Refused(&'static str),
    /// `settings put` and `input` are not permitted.
    SettingsRefused,
    /// `dumpsys` of this service does not return.
    DumpsysHangs(&'static str),
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        let none = Self::default();
        let text = |text: &str| Some(text.to_owned());
        match fault {
            Fault::None => none,
            Fault::Unauthorized => Self { unauthorized: true, ..none },
            Fault::Offline => Self { offline: true, ..none },
            Fault::Hangs(part) => Self { hangs: text(part), ..none },
            Fault::Dies(part) => Self { dies: text(part), ..none },
            Fault::Gone => Self { gone: true, ..none },
            Fault::DropAfter(bytes, direction) => Self { drop_after: Some(After { bytes, direction }), ..none },
            Fault::HangAfter(bytes, direction) => Self { hang_after: Some(After { bytes, direction }), ..none },
            Fault::Slow(bytes_per_s) => Self { bytes_per_s: Some(bytes_per_s), ..none },
            Fault::DiskFull(bytes) => Self { disk_free: Some(bytes), ..none },
            Fault::LostExit(part) => Self { lost_exit: text(part), ..none },
            Fault::Refused(service) => Self { refused: text(service), ..none },
            Fault::SettingsRefused => Self { settings_refused: true, ..none },
            Fault::DumpsysHangs(service) => Self { dumpsys_hangs: text(service), ..none },
        }
    }
}

impl Faults {
    /// Reads the control file; no faults where there is none.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        match fs::read(path) {
            Ok(text) if text.iter().all(u8::is_ascii_whitespace) => Ok(Self::default()),
            Ok(text) => serde_json::from_slice(&text).map_err(io::Error::from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }
}

/// The faults of now.
#[derive(Debug, Default)]
pub(super) struct FaultSource {
    file: Option<PathBuf>,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    faults: Faults,
    /// Which state of the file that is.
    stamp: Option<(u64, i64, i64, u64)>,
    /// Bytes of payload since then, to the phone and from it.
    passed: [u64; 2],
    pushed: u64,
}

/// What becomes of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    /// They arrive.
    Whole,
    /// So many of them do, and the connection breaks.
    Broken(usize),
}

impl FaultSource {
    /// Faults from a file, which is read again whenever it has changed.
    pub fn of_file(path: PathBuf) -> Self {
        Self { file: Some(path), held: Mutex::default() }
    }

    /// Replaces the faults.
    pub fn set(&self, faults: Faults) {
        *self.lock() = Held { faults, ..Held::default() };
    }

    /// The faults of now.
    pub fn now(&self) -> Faults {
        self.lock().faults.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Held> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = &self.file else { return held };
        let stamp = fs::metadata(file).ok().map(|file| (file.ino(), file.mtime(), file.mtime_nsec(), file.len()));
        if stamp != held.stamp {
            match Faults::read(file) {
                Ok(faults) => *held = Held { faults, stamp, ..Held::default() },
                Err(error) => {
                    super::say(&format!("{}: {error}", file.display()));
                    held.stamp = stamp;
                }
            }
        }
        held
    }

    /// Lets bytes of payload pass, later or in part as the faults want.
    pub fn pass(&self, to_phone: bool, bytes: usize) -> Passage {
        let (passage, delay) = {
            let mut held = self.lock();
            held.passed[usize::from(to_phone)] += bytes as u64;
            let before = |held: &Held, after: After| held.counted(after.direction).saturating_sub(bytes as u64);
            let passage = match held.faults.drop_after {
                Some(after) if after.counts(to_phone) && held.counted(after.direction) > after.bytes => {
                    let rest = after.bytes.saturating_sub(before(&held, after));
                    held.faults.drop_after = None;
                    Passage::Broken(rest as usize)
                }
                _ => Passage::Whole,
            };
            (passage, held.faults.bytes_per_s.map(|speed| bytes as f64 / speed.max(1) as f64))
        };
        if let Some(seconds) = delay {
            thread::sleep(Duration::from_secs_f64(seconds));
        }
        while self.hangs() {
            thread::sleep(STEP);
        }
        passage
    }

    fn hangs(&self) -> bool {
        let held = self.lock();
        held.faults.hang_after.is_some_and(|after| held.counted(after.direction) > after.bytes)
    }

    /// Whether there is room for so many bytes more.
    pub fn has_room(&self, bytes: usize) -> bool {
        let mut held = self.lock();
        held.pushed += bytes as u64;
        held.faults.disk_free.is_none_or(|free| held.pushed <= free)
    }

    /// Whether the connection breaks in the answer to this command; the next one's does not.
    pub fn dies(&self, command: &str) -> bool {
        let mut held = self.lock();
        held.faults.dies.take_if(|text| command.contains(&**text)).is_some()
    }
}

impl Held {
    fn counted(&self, direction: Direction) -> u64 {
        match direction {
            Direction::Both => self.passed[0] + self.passed[1],
            Direction::ToPhone => self.passed[1],
            Direction::FromPhone => self.passed[0],
        }
    }
}

impl After {
    fn counts(self, to_phone: bool) -> bool {
        self.direction != if to_phone { Direction::FromPhone } else { Direction::ToPhone }
    }
}
