//! The program as a shell sees it. The presence of this test also makes `cargo test` build the program, which the
//! end-to-end tests of the workspace drive.
#![cfg(test)]

use std::process::{Command, Output};

fn pocketwatt(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pocketwatt")).args(arguments).output().unwrap()
}

#[test]
fn help_tells_commands_and_exit_statuses() {
    let help = pocketwatt(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let text = String::from_utf8(help.stdout).unwrap();
    for part in ["run ", "list ", "show ", "model ", "Exit status: 0", "130 interrupted"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(help.stderr.is_empty());
}

#[test]
fn version_is_that_of_the_workspace() {
    let version = pocketwatt(&["--version"]);
    assert_eq!(version.stdout, format!("pocketwatt {}\n", env!("CARGO_PKG_VERSION")).as_bytes());
}

#[test]
fn wrong_usage_leaves_standard_output_alone() {
    let wrong = pocketwatt(&["measure"]);
    assert_eq!((wrong.status.code(), wrong.stdout.len()), (Some(2), 0));
    assert!(String::from_utf8(wrong.stderr).unwrap().contains("unrecognized subcommand 'measure'"));
}

/// A reader that stops early, such as `head`, is not an error.
#[test]
fn a_closed_pipe_is_no_error() {
    let mut list = Command::new(env!("CARGO_BIN_EXE_pocketwatt"))
        .arg("schema")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(list.stdout.take());
    let output = list.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
}
