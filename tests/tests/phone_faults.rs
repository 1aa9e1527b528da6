//! What goes wrong on a phone, or on the way to it, while `pocketwatt run --phone` is at work: what the user reads, and that nothing that was
//! measured is lost.
#![cfg(test)]

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, thread, time::Duration};

use pocketwatt_tests::{
    Finished,
    phone::{
        Addressed, Desk, Direction, Fault, Faults,
        desk::{LONG, SHORT, measured},
    },
    programs, wait_until,
};

/// Goes on where a long run was interrupted, and measures what failed.
#[track_caller]
fn ends_complete(desk: &Desk) {
    desk.bench.pocketwatt(&["run", "--phone", "--resume", "--retry"]).expect_code(0);
    assert_eq!(measured(&desk.bench.folder()), 4);
    desk.wait_until_quiet();
}

#[test]
fn a_connection_that_hangs_is_seen_by_the_beat_that_does_not_come() {
    let Some(mut desk) = Desk::new(&[]) else { return };
    desk.bench.set("POCKETWATT_PHONE_BEAT_S", "2");
    let host = desk.long_run();
    desk.phone.fail(Fault::HangAfter(0, Direction::Both));
    wait_until("a lost connection", || host.said().contains("the connection is lost (no sign of life for 6 s)"));
    desk.phone.fail(Fault::None);
    let run = host.finish().expect_code(0);
    assert!(run.stderr.contains("the phone is back"), "{}", run.stderr);
    assert_eq!(measured(&desk.bench.folder()), 4);
}

#[test]
#[ignore = "its moments depend on how fast the machine is"]
fn a_case_during_which_the_phone_is_frozen_fails() {
    let Some(desk) = Desk::new(&[]) else { return };
    let options = ["--settle", "600", "--sustain", "15s", "--backends", &desk.slow_fake()];
    let host = desk.bench.start("", &[&["run", "--phone"], SHORT, &options].concat());
    desk.wait_until_a_runner_works();
    // Nothing is measured before the device was idle for a moment.
    thread::sleep(Duration::from_secs(8));
    desk.phone.freeze(4.0);
    let run = host.finish();
    assert!(run.code != Some(0) && run.stderr.contains("failed: it was frozen for "), "{run:?}");
    desk.bench.pocketwatt(&["run", "--phone", "--resume", "--retry"]).expect_code(0);
    assert_eq!(measured(&desk.bench.folder()), 1);
}

#[test]
fn a_run_that_the_phone_kills_says_why_and_keeps_its_cases() {
    let Some(desk) = Desk::new(&[]) else { return };
    let before = desk.settings();
    let host = desk.long_run();
    desk.shell("pkill -KILL -f 'bin/[p]ocketwatt run'");
    let run = host.finish().expect_code(1).expect_stderr(&["the run was killed", "lowmemorykiller"]);
    let kept = measured(&desk.bench.folder());
    assert!((1..4).contains(&kept), "{}", run.stderr);
    assert_eq!(desk.settings(), before);
    let status = desk.phone(&["status"]).stdout;
    assert!(status.contains("has ended with exit status 137"), "{status}");
    // What carries the job out is killed, too.
    let host = desk.bench.start("", &["run", "--phone", "--resume"]);
    wait_until("the rest of the run", || desk.stored_on_the_phone() > kept);
    desk.shell("pkill -KILL -f 'bin/[p]ocketwatt on-phone --root /data'");
    let run = host.finish().expect_code(4).expect_stderr(&["was ended by the phone", "--resume"]);
    assert!(measured(&desk.bench.folder()) > kept, "{}", run.stderr);
    assert_eq!(desk.settings(), before);
    ends_complete(&desk);
}

#[test]
fn a_link_that_drops_while_results_are_copied_is_found_again() {
    let Some(desk) = Desk::new(&[]) else { return };
    desk.bench.pocketwatt(&[LONG, &["--detach"]].concat()).expect_code(0);
    wait_until("the end of the job", || desk.phone(&["status"]).stdout.contains("has ended"));
    // In the questions, in the list and in the files.
    for kilobytes in [2, 8, 14, 20, 40, 60] {
        desk.phone.fail(Fault::DropAfter(kilobytes << 10, Direction::FromPhone));
        let results = desk.bench.path(&format!("results-{kilobytes}"));
        let results = results.to_str().unwrap();
        let fetched = desk.phone(&["fetch", "--results", results]);
        assert!(matches!(fetched.code, Some(0 | 1)), "{fetched:?}");
        if fetched.code == Some(1) {
            assert!(fetched.stderr.contains("connection") || fetched.stderr.contains("adb could not"), "{fetched:?}");
        }
        desk.phone.fail(Fault::None);
        desk.server.connect(&desk.phone, "device");
        desk.phone(&["fetch", "--results", results]).expect_code(0);
        let run = pocketwatt_record::latest_run(results.as_ref()).unwrap().folder;
        assert_eq!(measured(&run), 4);
        let hidden = fs::read_dir(results).unwrap().filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_string_lossy().contains("partial")
        });
        assert_eq!(hidden.count(), 0, "nothing unfinished stays");
    }
}

#[test]
fn a_full_phone_a_lost_exit_status_and_a_slow_link_are_told_or_borne() {
    let Some(desk) = Desk::new(&[]) else { return };
    desk.phone.fail(Fault::DiskFull(1_000_000));
    let full = desk.run(&[]).expect_code(1);
    assert!(full.stderr.contains("the phone is full: no space was left below /data/local/tmp for "), "{}", full.stderr);
    assert!(full.stderr.contains("pocketwatt phone clean"), "{}", full.stderr);
    // The marker at the end of an answer tells how a command ended, not the protocol.
    desk.phone.fail(Fault::LostExit("pocketwatt"));
    desk.run(&[]).expect_code(0);
    assert_eq!(measured(&desk.bench.folder()), 1);
    desk.phone.fail(Fault::Slow(60_000));
    desk.run(&[]).expect_code(0);
}

#[test]
fn a_phone_that_is_not_ready_is_refused_with_the_next_step() {
    let Some(desk) = Desk::new(&[]) else { return };
    for (fault, state) in [(Fault::Unauthorized, "unauthorized"), (Fault::Offline, "offline")] {
        desk.phone.fail(fault);
        desk.server.adb(&["disconnect", &desk.phone.address()]);
        desk.server.connect(&desk.phone, state);
        let refused = desk.run(&[]).expect_code(3).stderr;
        assert!(refused.contains(&format!("the phone cannot be used, {state}: ")), "{refused}");
    }
    let Some(old) = Desk::new(&["--features", "cmd"]) else { return };
    let refused = old.run(&[]);
    assert_ne!(refused.code, Some(0));
    assert!(refused.stderr.contains("no shell v2") && refused.stderr.contains("Android 7"), "{}", refused.stderr);
}

/// A run with a bundle whose program is this one.
fn with_program(desk: &mut Desk, name: &str, program: &[u8]) -> Finished {
    let bundle = desk.bench.path(name);
    for folder in ["bin", "lib"] {
        fs::create_dir_all(bundle.join(folder)).unwrap();
    }
    let place: PathBuf = bundle.join("bin/pocketwatt");
    fs::write(&place, program).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
    let backends = concat!(env!("CARGO_MANIFEST_DIR"), "/../backends/backends.toml");
    fs::copy(backends, bundle.join("backends.toml")).unwrap();
    desk.bench.set("POCKETWATT_PHONE_PROGRAMS", bundle);
    desk.run(&[])
}

#[test]
fn a_program_that_does_not_start_is_explained() {
    let Some(mut desk) = Desk::new(&[]) else { return };
    let script = |desk: &mut Desk, name: &str, line: &str| {
        let program = format!("#!/system/bin/sh\n{line}\n");
        with_program(desk, name, program.as_bytes()).expect_code(1).stderr
    };
    let filtered = script(&mut desk, "filtered", "exit 159");
    assert!(filtered.contains("SIGSYS") && filtered.contains("seccomp 0"), "{filtered}");
    let crashed = script(&mut desk, "crashed", "exit 139");
    assert!(crashed.contains("the program does not start on the phone: exit status 139"), "{crashed}");
    let other = script(&mut desk, "other", "echo pocketwatt 9.9.9");
    assert!(other.contains("the program on the phone is \"9.9.9\""), "{other}");
    assert!(other.contains("scripts/package phone"), "{other}");
    // The same program of this machine, and its loader is somewhere else.
    let mut program = fs::read(programs().join("pocketwatt-fake")).unwrap();
    let loader = b"/lib64/ld-linux";
    if let Some(at) = program.windows(loader.len()).position(|bytes| bytes == loader) {
        program[at..at + 4].copy_from_slice(b"/no/");
        let missing = with_program(&mut desk, "missing", &program).expect_code(1).stderr;
        assert!(
            missing.contains("its loader, /data/local/tmp/pocketwatt/lib/ld-linux-aarch64.so.1, is missing"),
            "{missing}"
        );
    }
    assert!(desk.phone(&["clean"]).code.is_some(), "it ends");
}

#[test]
fn of_two_hosts_at_once_one_measures_and_the_other_is_told() {
    let Some(desk) = Desk::new(&[]) else { return };
    desk.run(&[]).expect_code(0);
    let start = |results: &str| {
        let results = desk.bench.path(results);
        let options = ["--iterations", "40", "--settle", "600", "--results", results.to_str().unwrap()];
        desk.bench.start("", &[&["run", "--phone"], SHORT, &options].concat())
    };
    let ends = [start("one"), start("other")].map(|host| host.finish());
    let measured = ends.iter().filter(|end| end.code == Some(0)).count();
    assert!(measured >= 1, "{ends:?}");
    for end in ends.iter().filter(|end| end.code != Some(0)) {
        let is_told = end.stderr.contains("is measuring already, job ") || end.stderr.contains(" is going on");
        assert!(is_told, "{end:?}");
    }
    desk.phone.set_faults(&Faults::default());
    desk.wait_until_quiet();
}
