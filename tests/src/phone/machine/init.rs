//! The first process after a start of the phone: it keeps the daemon running, cleans up after programs, and follows the battery.

use std::{fs, io, io::Write, path::Path, process::Command, thread, time::Duration};

use anyhow::{Context, Result};
use pocketwatt_protocol::{Clock, MonotonicClock, MonotonicNs};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};

use super::{Options, STEP, files, inner, mounts, seconds, sleep::Sleep, take_request};
use crate::phone::{
    battery::{PowerModel, Truth, busy_s},
    faults::Faults,
    say,
};

/// A daemon that died by itself comes back as soon.
const DAEMON_DELAY: Duration = Duration::from_millis(200);
const CHECKPOINT_NS: u64 = 1_000_000_000;

pub(super) fn run(options: &Options) -> Result<()> {
    files::begin_start(&options.dir)?;
    mounts::enter(options)?;
    // Read once, so that a control file with a mistake is told at once.
    if let Err(error) = Faults::read(Path::new(files::FAULTS)) {
        say(&format!("{}: {error}", files::FAULTS));
    }
    let _ = fs::remove_file(files::REQUEST);
    let mut power = Power::begin()?;
    let options = Options { dir: "/".into(), ..options.clone() };
    let mut daemon = Service { options, pid: None, due: MonotonicClock.now() };
    let mut frozen_until: Option<MonotonicNs> = None;
    let mut sleep = Sleep::default();
    loop {
        while let Ok(Some((ended, _))) = wait(WaitOptions::NOHANG) {
            daemon.ended(ended);
        }
        let now = MonotonicClock.now();
        if frozen_until.is_some_and(|until| until <= now) {
            frozen_until = None;
            everybody("CONT");
        }
        if frozen_until.is_none() && !sleep.is_deep {
            daemon.keep(now)?;
        }
        power.follow(now.0)?;
        if let Some(stops) = sleep.follow(now.0, !power.truth.model.sources.is_empty()) {
            everybody(if stops { "STOP" } else { "CONT" });
        }
        if let Some(text) = take_request(Path::new(files::REQUEST)) {
            let (verb, rest) = text.split_once(' ').unwrap_or((&text, "1"));
            match verb {
                "kill-daemon" => daemon.kill(now, seconds(rest)),
                "kill-everything" => {
                    everybody("KILL");
                    daemon.due = after(now, seconds(rest));
                }
                "freeze" => {
                    everybody("STOP");
                    frozen_until = Some(after(now, seconds(rest)));
                }
                "truth" => power.store(now.0)?,
                _ => say(&format!("unknown request {text:?}")),
            }
            fs::remove_file(files::REQUEST)?;
        }
        thread::sleep(STEP);
    }
}

fn after(now: MonotonicNs, length: Duration) -> MonotonicNs {
    MonotonicNs(now.0.saturating_add(length.as_nanos() as u64))
}

/// Sends a signal to every process of the phone but this one.
fn everybody(signal: &str) {
    let _ = inner("/system/bin/sh").args(["-c", &format!("kill -{signal} -1")]).status();
}

struct Service {
    options: Options,
    pid: Option<Pid>,
    /// When it is started again.
    due: MonotonicNs,
}

impl Service {
    fn keep(&mut self, now: MonotonicNs) -> Result<()> {
        if self.pid.is_none() && self.due <= now {
            // Even root of a phone may not read everything: here, files without permissions are such ones.
            let mut command: Command = inner("/usr/bin/setpriv");
            command.args(["--bounding-set", "-dac_override,-dac_read_search", files::PROGRAM]);
            command.args(self.options.arguments("daemon"));
            self.pid = Some(Pid::from_child(&command.spawn().context("cannot start the daemon")?));
        }
        Ok(())
    }

    fn ended(&mut self, ended: Pid) {
        if self.pid == Some(ended) {
            self.pid = None;
            self.due = self.due.max(after(MonotonicClock.now(), DAEMON_DELAY));
        }
    }

    fn kill(&mut self, now: MonotonicNs, length: Duration) {
        self.due = after(now, length);
        if let Some(pid) = self.pid {
            // It may just have ended.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// The battery, as the test says and as the phone's programs use it.
struct Power {
    truth: Truth,
    /// The text of the model.
    text: String,
}

impl Power {
    fn begin() -> Result<Self> {
        let text = fs::read_to_string(files::POWER)?;
        let model: PowerModel = serde_json::from_str(&text).context(files::POWER)?;
        let (now, busy) = (MonotonicClock.now().0, busy_s());
        let before = fs::read(files::TRUTH).ok().and_then(|text| serde_json::from_slice::<Truth>(&text).ok());
        let truth = match before {
            Some(truth) => Truth { at_ns: now, busy_s: busy, ..truth.started_anew() }.with(model),
            None => Truth::beginning(model, now, busy),
        };
        let power = Self { truth, text };
        power.write()?;
        Ok(power)
    }

    /// Takes a new model, and notes from time to time what is true.
    fn follow(&mut self, now_ns: u64) -> Result<()> {
        let text = fs::read_to_string(files::POWER).unwrap_or_default();
        if text != self.text {
            match serde_json::from_str(&text) {
                Ok(model) => {
                    self.truth = self.truth.later(now_ns, busy_s()).with(model);
                    self.write()?;
                }
                Err(error) => say(&format!("{}: {error}", files::POWER)),
            }
            self.text = text;
        }
        if now_ns.saturating_sub(self.truth.at_ns) >= CHECKPOINT_NS { self.store(now_ns) } else { Ok(()) }
    }

    fn store(&mut self, now_ns: u64) -> Result<()> {
        self.truth = self.truth.later(now_ns, busy_s());
        self.write()
    }

    fn write(&self) -> Result<()> {
        files::replace(Path::new(files::TRUTH), &serde_json::to_vec(&self.truth).map_err(io::Error::from)?)?;
        io::stdout().flush()?;
        Ok(())
    }
}
