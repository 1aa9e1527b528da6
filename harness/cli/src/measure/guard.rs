//! When the harness is killed, its runners are killed, too. A runner of ours arranges that itself, but a script around one, or what
//! a foreign engine starts, does not. So a shell waits until this process is gone, however it ends, and then kills the process
//! group of the current runner.

use std::{
    io::Write,
    os::unix::process::CommandExt,
    process::{ChildStdin, Command, Stdio},
    sync::{Mutex, OnceLock, PoisonError},
};

/// Reads the current group, or an empty line when there is none, until this process closes the pipe by ending.
const SCRIPT: &str = r#"while read -r group; do last=$group; done; [ -n "$last" ] && kill -KILL "-$last""#;

/// Starts the shell, so that between the start of a runner and [`watch`] nothing remains to be done.
pub(super) fn prepare() {
    let _ = shell();
}

/// From now on, that group dies with this process.
pub(super) fn watch(group: u32) {
    tell(&format!("{group}\n"));
}

/// The group is gone, and its number may be reused.
pub(super) fn forget() {
    tell("\n");
}

fn shell() -> Option<&'static Mutex<ChildStdin>> {
    static SHELL: OnceLock<Option<Mutex<ChildStdin>>> = OnceLock::new();
    SHELL.get_or_init(|| start().map(Mutex::new)).as_ref()
}

fn tell(line: &str) {
    if let Some(input) = shell() {
        // Without the shell, runners would survive as before: that is no reason not to measure.
        let _ = input.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
    }
}

/// Starts the shell in a group of its own, which a terminal's Ctrl-C does not reach, and with no stream of ours.
fn start() -> Option<ChildStdin> {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", SCRIPT]).env_clear().current_dir("/").process_group(0);
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    shell.spawn().ok()?.stdin.take()
}
