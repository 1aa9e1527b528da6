//! The command line with which a host starts a job, in the phone's shell.

use super::{JobId, below_root};
use crate::adb::command_line;

/// A command line for a phone's shell that starts a job and returns at once. The job outlives the connection: it has a session of its
/// own, and none of the connection's streams, which would also keep `adb shell` waiting. It prints [`started_line`]; whether the job
/// goes on is in its state.
///
/// The outer shell stays beside the job, because the job's own process may be killed: then it writes the exit status that it
/// sees, and puts the phone's settings back.
pub fn start_command(root: &str, id: &JobId) -> String {
    let id = id.to_string();
    let program = format!("{root}/{}/pocketwatt", below_root::PROGRAMS);
    let exit = format!("{root}/{}/{id}/exit", below_root::JOBS);
    // A trap with a command is no trap in the programs that are started; one that ignores would be.
    let script = "trap : HUP INT TERM\n\
                  \"$0\" on-phone --root \"$1\" carry-out \"$2\"\n\
                  status=$?\n\
                  if [ $status -ge 126 ] && [ ! -s \"$3\" ]; then echo $status >\"$3\"; fi\n\
                  exec \"$0\" on-phone --root \"$1\" restore";
    let detached = command_line(&["setsid", "sh", "-c", script, &program, root, &id, &exit]);
    let [there, told] = [["[", "-x", &program, "]"].as_slice(), &["echo", &started_line_of(&id)]].map(command_line);
    format!("{there} || exit 127\n{detached} </dev/null >/dev/null 2>&1 &\n{told}")
}

/// What [`start_command`] prints, without a line end.
pub fn started_line(id: &JobId) -> String {
    started_line_of(&id.to_string())
}

fn started_line_of(id: &str) -> String {
    format!("pocketwatt-started {id}")
}
