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
    let of_job = |name: &str| format!("{root}/{}/{id}/{name}", below_root::JOBS);
    let (exit, state) = (of_job("exit"), of_job("state.json"));
    // A trap with a command is no trap in the programs that are started; one that ignores would be.
    let script = "trap : HUP INT TERM\n\
                  \"$0\" on-phone --root \"$1\" carry-out \"$2\"\n\
                  status=$?\n\
                  if [ $status -ge 126 ] && [ ! -s \"$3\" ]; then echo $status >\"$3\"; fi\n\
                  exec \"$0\" on-phone --root \"$1\" restore";
    let detached = command_line(&["setsid", "sh", "-c", script, &program, root, &id, &exit]);
    let line = started_line_of(&id);
    // Of an attempt before this one, which must not be taken for this one's end.
    let words: [&[&str]; 3] = [&["[", "-x", &program, "]"], &["rm", "-f", &state, &exit], &["echo", &line]];
    let [there, forget, told] = words.map(command_line);
    format!("{there} || exit 127\n{forget}\n{detached} </dev/null >/dev/null 2>&1 &\n{told}")
}

/// What [`start_command`] prints, without a line end.
pub fn started_line(id: &JobId) -> String {
    started_line_of(&id.to_string())
}

fn started_line_of(id: &str) -> String {
    format!("pocketwatt-started {id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_quoted_and_keeps_no_stream() {
        let id = JobId::try_from("a-1".to_owned()).unwrap();
        let command = start_command("/data/it's here", &id);
        assert!(command.contains(r"'/data/it'\''s here/bin/pocketwatt'"), "{command}");
        let lines: Vec<&str> = command.lines().collect();
        assert!(command.contains("restore' ") && command.contains(" </dev/null >/dev/null 2>&1 &\n"), "{command}");
        assert_eq!(lines.last(), Some(&"'echo' 'pocketwatt-started a-1'"));
        assert_eq!(started_line(&id), "pocketwatt-started a-1");
    }
}
