//! The surroundings of a run may disappear: the terminal, the reader of its output, the room on the disk. And the commands that it
//! prints work.
#![cfg(test)]

use std::{
    ffi::OsStr,
    fs::{self, File},
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
    },
    path::Path,
    process::{Command, Stdio},
};

use pocketwatt_record::{Outcome, latest_run};
use pocketwatt_tests::{Bench, Finished, Starts, wait_until};
use rustix::process::Signal;

const RUN: &[&str] = &["run", "--backend", "fake", "--model", "tiny", "--no-probe", "--iterations", "1"];

fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

/// The command between backticks in the line with those words.
#[track_caller]
fn advice(finished: &Finished, words: &str) -> String {
    let line = finished.stderr.lines().find(|line| line.contains(words));
    let line = line.unwrap_or_else(|| panic!("no {words:?} in: {}", finished.stderr));
    line.split('`').nth(1).unwrap_or_else(|| panic!("no command in: {line}")).to_owned()
}

#[test]
fn nobody_needs_to_read_what_is_said_beside_the_results() {
    let bench = Bench::new();
    let plan = [RUN, &["--scenario", "decode-2"]].concat();
    let status = bench.command("").args(&plan).stdout(Stdio::null()).stderr(full()).status().unwrap();
    assert_eq!(status.code(), Some(0), "a full disk");
    assert_eq!(bench.records()[0].outcome, Outcome::Measured);
    let mut child = bench.command("").args(&plan).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(0), "a closed pipe");
    let refused = bench.command("").args(["show", "nothing"]).stdout(Stdio::null()).stderr(full()).status().unwrap();
    assert_eq!(refused.code(), Some(3));
    let wrong = bench.command("").arg("measure").stdout(full()).stderr(full()).status().unwrap();
    assert_eq!(wrong.code(), Some(2));
}

#[test]
fn results_that_cannot_be_printed_are_stored_and_can_be_shown() {
    let bench = Bench::new();
    let output = bench.command("").args(RUN).args(["--scenario", "decode-2"]).stdout(full()).output().unwrap();
    let said = Finished {
        code: output.status.code(),
        stdout: String::new(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
    .expect_code(1)
    .expect_stderr(&["cannot write to standard output", "charts:  "]);
    assert_eq!(bench.records()[0].outcome, Outcome::Measured);
    let shown = bench.shell(&advice(&said, "show them with")).expect_code(0);
    assert!(shown.stdout.contains("decode-2"), "{}", shown.stdout);
}

#[test]
fn a_run_can_be_told_to_outlive_its_terminal() {
    let bench = Bench::new();
    let starts = Starts::new(&bench);
    // As nohup does it.
    let pocketwatt = bench.command(&format!("prefill=1ms,{}", starts.count()));
    let mut shell = Command::new("sh");
    shell.envs(pocketwatt.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(bench.path("."));
    shell.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(pocketwatt.get_program());
    let running = bench.spawn(shell.args(RUN).args(["--scenario", "prefill-300"]));
    wait_until("the runner", || starts.processes().len() == 1);
    running.signal(Signal::HUP);
    running.finish().expect_code(0);
    assert_eq!(bench.records()[0].outcome, Outcome::Measured);
}

#[test]
fn what_is_said_to_go_on_with_goes_on_whatever_folders_are_called() {
    let bench = Bench::new();
    let starts = Starts::new(&bench);
    let results = "it's a \"folder\" of $HOME";
    let script = format!("fault=hang@decode,{}", starts.only(2));
    let options = ["--scenario", "decode-2,decode-3", "--results", results, "--cache", "my cache"];
    let running = bench.start(&script, &[RUN, &options].concat());
    wait_until("the second case", || starts.processes().len() == 2);
    running.signal(Signal::TERM);
    let finished = running.finish().expect_code(130);
    bench.shell(&advice(&finished, "interrupted")).expect_code(0);
    let records = latest_run(&bench.path(results)).unwrap().folder.records().unwrap().intact;
    assert_eq!(records.len(), 2);
    assert!(records.iter().all(|record| record.outcome == Outcome::Measured));
}

#[test]
fn charts_are_drawn_again_as_it_is_said_and_never_through_a_link() {
    let bench = Bench::new();
    let starts = Starts::new(&bench);
    let running = bench.start_run(
        &format!("fault=hang@decode,{}", starts.only(2)),
        &["--scenario", "decode-2,decode-3", "--iterations", "1"],
    );
    wait_until("the second case", || starts.processes().len() == 2);
    running.signal(Signal::TERM);
    running.finish().expect_code(130);
    let charts = bench.folder().path().join("charts");
    fs::create_dir(bench.path("elsewhere")).unwrap();
    symlink(bench.path("elsewhere"), &charts).unwrap();
    bench.resume("", &[]).expect_code(3).expect_stderr(&["charts is a link: remove it"]);
    assert_eq!(bench.records().len(), 1, "nothing is measured before");
    fs::remove_file(&charts).unwrap();
    fs::write(&charts, "").unwrap();
    let finished = bench.resume("", &[]).expect_code(1).expect_stderr(&["charts is a file"]);
    assert_eq!(fs::read_dir(bench.path("elsewhere")).unwrap().count(), 0);
    fs::remove_file(&charts).unwrap();
    bench.shell(&advice(&finished, "draw the charts again")).expect_code(0);
    let chart = charts.join("decode-throughput.svg");
    assert!(fs::read_to_string(&chart).unwrap().starts_with("<svg"));

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    let ordinary = bench.write("ordinary", "");
    let run = bench.folder().path().join("run.json");
    assert_eq!([mode(&chart), mode(&run)], [mode(Path::new(&ordinary)); 2]);
}

#[test]
fn a_file_where_a_folder_is_needed_is_named() {
    let bench = Bench::new();
    bench.write("results", "");
    bench
        .run("", &["--scenario", "decode-2"])
        .expect_code(1)
        .expect_stderr(&["results is a file, and a folder is needed there", "choose another folder"]);
}

#[test]
fn names_that_are_not_text_work_or_are_refused() {
    let bench = Bench::new();
    let odd = OsStr::from_bytes(b"\xff results");
    let plan = [RUN, &["--scenario", "decode-2"]].concat();
    let mut command = bench.command("");
    command.args(&plan).arg("--results").arg(odd).env("LC_ALL", "C").env("POCKETWATT_ODD", odd);
    bench.spawn(&mut command).finish().expect_code(0);
    assert_eq!(latest_run(&bench.path(".").join(odd)).unwrap().folder.records().unwrap().intact.len(), 1);
    let mut command = bench.command("");
    command.args(&plan).env("POCKETWATT_CACHE", OsStr::from_bytes(b"c\xfe"));
    bench.spawn(&mut command).finish().expect_code(3).expect_stderr(&["not UTF-8", "POCKETWATT_CACHE"]);
    let mut command = bench.command("");
    bench.spawn(command.args(RUN).arg("--scenario").arg(odd)).finish().expect_code(2);
}

#[test]
fn names_that_are_too_long_for_a_file_are_made_short() {
    let bench = Bench::new();
    let scenario =
        format!("name = \"{}\"\nsummary = \"long\"\noutput-tokens = 2\n[[turns]]\nuser = \"hi\"\n", "a".repeat(190));
    let path = bench.write("long.toml", &scenario);
    let options = ["--scenario", &path];
    bench.start("", &[RUN, &options].concat()).finish().expect_code(0);
    assert_eq!(bench.records()[0].outcome, Outcome::Measured);
}

#[test]
fn what_others_wrote_does_not_steer_the_terminal() {
    let bench = Bench::new();
    let study = "name = \"\\u001b[2J../x\"\nquestion = \"?\"\naxis = \"threads\"\nscenarios = [\"decode-2\"]\n\
                 [[show]]\nmetric = \"load_time\"\n";
    let path = bench.write("study.toml", study);
    let refused = bench.pocketwatt(&["study", &path]).expect_code(3);
    assert!(!refused.stderr.contains('\u{1b}'), "{:?}", refused.stderr);
    fs::create_dir_all(bench.model("tiny\u{1b}[31m\u{202e}")).unwrap();
    for command in [&["list"][..], &["model", "list"], &["model", "verify"], &["show", "\u{1b}[31m"], &["\u{1b}[31m"]] {
        let finished = bench.pocketwatt(command);
        let all = finished.stdout + &finished.stderr;
        assert!(!all.contains(['\u{1b}', '\u{202e}']), "{command:?}: {all:?}");
    }
}
