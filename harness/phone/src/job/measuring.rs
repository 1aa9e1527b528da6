//! The run of a job: `pocketwatt run` as a child of the process that carries the job out.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
};

use rustix::{
    io::Errno,
    process::{Pid, Signal, WaitId, WaitIdOptions, getppid, set_parent_process_death_signal, waitid},
};

use super::{JobFolder, JobRequest, below_root, stop::Stop};

/// The variable that names the file with what the job changed on the phone; see [`super::Before`]. It is not set if nothing was.
pub const CHANGED_SETTINGS: &str = "POCKETWATT_CHANGED_SETTINGS";
const RESULTS: &str = "--results";
const RESUME: &str = "--resume";
const ON_BATTERY: &str = "--on-battery";
/// Behind it, words are no options.
const END_OF_OPTIONS: &str = "--";

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RunEnd {
    /// As a shell has it: 128 and the signal's number if a signal ended it.
    pub(super) status: i32,
    /// What that means, where it needs words.
    pub(super) words: Option<String>,
}

/// Runs it to its end.
pub(super) fn run(
    root: &Path,
    folder: &JobFolder,
    request: &JobRequest,
    settings_are_changed: bool,
    stop: &Stop,
) -> io::Result<RunEnd> {
    let at = |name: &str| root.join(name);
    for name in [below_root::TEMPORARY, below_root::CACHE] {
        fs::create_dir_all(at(name))?;
    }
    let mut command = Command::new(at(below_root::PROGRAMS).join("pocketwatt"));
    command.args(["on-phone", "become-run", "--parent"]).arg(std::process::id().to_string()).arg(END_OF_OPTIONS);
    command.args(arguments(request, folder));
    command.env("HOME", root).env("TMPDIR", at(below_root::TEMPORARY)).env("POCKETWATT_CACHE", at(below_root::CACHE));
    if settings_are_changed {
        command.env(CHANGED_SETTINGS, folder.before());
    }
    command.current_dir(root).stdin(Stdio::null()).stderr(open(&folder.log())?).stdout(open(&folder.output())?);
    let mut child = command.spawn()?;
    let id = Pid::from_child(&child);
    stop.pass_on_to(id);
    let ended = wait_without_reaping(id);
    // As long as it is not reaped, its number is its own.
    stop.forget();
    ended.map_err(io::Error::from)?;
    reap(&mut child).map(RunEnd::of)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

fn wait_without_reaping(id: Pid) -> rustix::io::Result<()> {
    loop {
        match waitid(WaitId::Pid(id), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Err(Errno::INTR) => {}
            result => return result.map(|_| ()),
        }
    }
}

fn reap(child: &mut Child) -> io::Result<ExitStatus> {
    child.wait()
}

/// The words of the request, with the place of the results.
fn arguments(request: &JobRequest, folder: &JobFolder) -> Vec<OsString> {
    let mut words: Vec<OsString> = request.arguments.iter().map(OsString::from).collect();
    let mut more: Vec<OsString> = Vec::new();
    let has = |option: &str| {
        let options = request.arguments.iter().take_while(|word| *word != END_OF_OPTIONS);
        options
            .into_iter()
            .any(|word| word.strip_prefix(option).is_some_and(|rest| rest.is_empty() || rest.starts_with('=')))
    };
    if !has(RESULTS) {
        more.extend([RESULTS.into(), folder.results().into()]);
    }
    // A stored run knows what it waits for.
    if request.untethered.is_some() && !has(ON_BATTERY) && !has(RESUME) {
        more.push(ON_BATTERY.into());
    }
    let end = request.arguments.iter().position(|word| word == END_OF_OPTIONS).unwrap_or(words.len());
    words.splice(end..end, more);
    words
}

impl RunEnd {
    fn of(status: ExitStatus) -> Self {
        let words = |signal: Signal| match signal {
            Signal::KILL => {
                "the run was killed, most likely by the phone because its memory was full (lowmemorykiller): choose a \
                             smaller model or precision, or close apps"
                    .to_owned()
            }
            Signal::SYS => {
                "the run was killed because the phone does not allow one of its system calls (seccomp)".to_owned()
            }
            signal => format!("signal {} ended the run", signal.as_raw()),
        };
        match status.signal() {
            Some(number) => {
                let words =
                    Signal::from_named_raw(number).map_or_else(|| format!("signal {number} ended the run"), words);
                Self { status: 128 + number, words: Some(words) }
            }
            None => Self { status: status.code().unwrap_or(1), words: None },
        }
    }
}

/// Makes this process the run: the same program with other arguments, which is asked to store what it has and to end when the
/// process that carries the job out ends, in whatever way. Without it, nobody would keep the phone as the run needs it.
///
/// # Errors
/// It only returns if that fails.
pub fn become_run(parent: u32, arguments: &[OsString]) -> io::Error {
    let asked = set_parent_process_death_signal(Some(Signal::TERM));
    let has_parent = getppid().is_some_and(|now| i32::try_from(parent).is_ok_and(|parent| now.as_raw_pid() == parent));
    match asked {
        Err(error) => error.into(),
        Ok(()) if !has_parent => io::Error::other("the process that carries the job out has ended"),
        Ok(()) => match std::env::current_exe() {
            Err(error) => error,
            Ok(program) => Command::new(program).args(arguments).exec(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{JobId, Untethered};

    fn request(words: &[&str], untethered: bool) -> JobRequest {
        JobRequest {
            id: JobId::try_from("a".to_owned()).unwrap(),
            pocketwatt: "0".into(),
            arguments: words.iter().map(|word| (*word).to_owned()).collect(),
            cases: None,
            keep_awake: false,
            untethered: untethered.then_some(Untethered { unplug_limit_s: 1 }),
        }
    }

    #[test]
    fn results_go_into_the_job_s_folder_unless_the_request_says_otherwise() {
        let folder = JobFolder::at("/jobs/a");
        let all = |words: &[&str], untethered| {
            let words = arguments(&request(words, untethered), &folder);
            words.iter().map(|word| word.to_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(all(&["run", "--model", "tiny"], false), "run --model tiny --results /jobs/a/results");
        assert_eq!(all(&["run", "--results=x"], true), "run --results=x --on-battery");
        assert_eq!(all(&["run", "--resume"], true), "run --resume --results /jobs/a/results");
        assert_eq!(all(&["run", "--", "--results"], false), "run --results /jobs/a/results -- --results");
        assert_eq!(all(&["run", "--results-of-mine"], false), "run --results-of-mine --results /jobs/a/results");
    }

    #[test]
    fn a_killed_run_has_words() {
        let killed = RunEnd::of(ExitStatus::from_raw(9));
        assert_eq!(killed.status, 137);
        assert!(killed.words.unwrap().contains("lowmemorykiller"));
        assert_eq!(RunEnd::of(ExitStatus::from_raw(31)).status, 159);
        assert_eq!(RunEnd::of(ExitStatus::from_raw(4 << 8)), RunEnd { status: 4, words: None });
    }
}
