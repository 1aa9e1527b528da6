//! A runner and all processes that it started, which end together. A runner leads a process group, to which whatever it starts
//! belongs; processes that left the group are recognised by a mark in their environment.

use std::{
    fs,
    hash::{BuildHasher, Hasher, RandomState},
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus},
    thread,
};

use pocketwatt_meter::CoreList;
use rustix::{
    io::Errno,
    process::{Pid, Signal, WaitId, WaitIdOptions, getpid, kill_process, kill_process_group, waitid},
};

use super::{affinity::OnCores, guard};

/// The variable with the mark. Its value is unique to a runner.
const MARK: &str = "POCKETWATT_RUNNER_MARK";
/// How often processes that left the group are searched for: one may start another while it is being killed.
const ROUNDS: usize = 3;

/// The processes of a runner. Killed when it is dropped.
#[derive(Debug)]
pub(super) struct Family {
    leader: Child,
    mark: String,
    /// Whether the leader was waited for: its number may now belong to another process.
    ended: bool,
}

impl Family {
    /// Starts the leader in a group of its own: a terminal sends Ctrl-C to a whole group, and in the harness' group a runner
    /// would die of it, sometimes before the harness knows why, and the case would be stored as failed.
    ///
    /// With `cores`, it and all that it starts run there, from the first instruction on.
    pub(super) fn start(command: &mut Command, cores: Option<&CoreList>) -> std::io::Result<Self> {
        let mark = format!("{MARK}={:016x}", RandomState::new().build_hasher().finish());
        if let Some((name, value)) = mark.split_once('=') {
            command.env(name, value);
        }
        guard::prepare();
        let on_cores = cores.map(OnCores::enter).transpose()?;
        let leader = command.process_group(0).spawn()?;
        drop(on_cores);
        guard::watch(leader.id());
        Ok(Self { leader, mark, ended: false })
    }

    /// The process that was started.
    pub(super) fn leader(&mut self) -> &mut Child {
        &mut self.leader
    }

    /// Its process number.
    pub(super) fn id(&self) -> u32 {
        self.leader.id()
    }

    /// Calls `ended` from another thread once the leader has ended.
    pub(super) fn on_end(&self, ended: impl FnOnce() + Send + 'static) {
        let leader = Pid::from_child(&self.leader);
        thread::spawn(move || {
            // It stays a zombie: until this family waits for it, no other process gets its number.
            let wait = || waitid(WaitId::Pid(leader), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
            while matches!(wait(), Err(Errno::INTR)) {}
            ended();
        });
    }

    /// Whether the leader has ended.
    pub(super) fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        self.ended || !matches!(waitid(WaitId::Pid(Pid::from_child(&self.leader)), options), Ok(None))
    }

    /// Kills all remaining processes, and returns how the leader ended.
    pub(super) fn end(&mut self) -> Option<ExitStatus> {
        self.kill();
        if !self.ended {
            guard::forget();
        }
        self.ended = true;
        self.leader.wait().ok()
    }

    /// Kills all processes. This runs before the leader is waited for, because afterwards the group's number may belong to others.
    pub(super) fn kill(&mut self) {
        if self.ended {
            return;
        }
        // It fails only when all are already gone, which is the aim.
        let _ = kill_process_group(Pid::from_child(&self.leader), Signal::KILL);
        for _ in 0..ROUNDS {
            if !kill_marked(&self.mark) {
                break;
            }
        }
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        self.end();
    }
}

/// Kills the processes that have the mark in their environment, and returns whether there was one.
fn kill_marked(mark: &str) -> bool {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter_map(Pid::from_raw);
    let mut found = false;
    for process in numbers.filter(|process| *process != getpid()) {
        // The environment of other users' processes, and of ended ones, cannot be read.
        let environment = fs::read(format!("/proc/{}/environ", process.as_raw_nonzero())).unwrap_or_default();
        if environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes()) {
            found |= kill_process(process, Signal::KILL).is_ok();
        }
    }
    found
}
