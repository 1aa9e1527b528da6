//! `pocketwatt run --phone` and `pocketwatt phone` through the real client of adb, on stand-in phones on which programs run.
#![cfg(test)]

use std::fs;

use pocketwatt_tests::{
    phone::{
        Addressed, Desk, Direction, Fault, StandInPhone,
        desk::{SHORT, measured},
    },
    wait_until,
};

#[test]
fn a_run_on_a_phone_ends_with_its_table_and_leaves_the_phone_as_it_was() {
    let Some(desk) = Desk::new(&["--model", "Pixel 8"]) else { return };
    let before = desk.settings();
    let run = desk.run(&[]).expect_code(0);
    assert!(run.stdout.contains("prefill-16-decode-4 · tiny (seeded weights) · f32 · 1 thread"), "{}", run.stdout);
    assert!(run.stdout.contains("Standin Pixel 8"), "the device is the phone: {}", run.stdout);
    assert_eq!(measured(&desk.bench.folder()), 1);
    assert_eq!(desk.settings(), before);
    let calls = desk.phone.calls();
    assert!(calls.contains("settings put global stay_on_while_plugged_in"), "it was kept awake: {calls}");
    let stored = fs::read_to_string(desk.bench.folder().path().join("run.json")).unwrap();
    assert!(!stored.contains(&desk.phone.address()), "the serial number is stored nowhere");
    let again = desk.run(&["--iterations", "6"]).expect_code(0);
    assert!(!again.stderr.contains("sent "), "everything is there already: {}", again.stderr);
    let status = desk.phone(&["status"]).expect_code(0).stdout;
    assert_eq!(status.matches("has ended").count(), 2, "{status}");
    desk.phone(&["clean"]).expect_code(0);
    assert!(desk.phone(&["status"]).stdout.contains("no jobs"));
    let cleaned = desk.phone(&["clean", "--all"]).expect_code(0).stdout;
    assert!(cleaned.contains("MB removed"), "{cleaned}");
    assert!(!desk.phone.path("/data/local/tmp/pocketwatt/bin").exists());
}

#[test]
fn a_host_that_is_killed_costs_nothing() {
    let Some(desk) = Desk::new(&[]) else { return };
    let before = desk.settings();
    let mut host = desk.long_run();
    assert!(host.kill());
    let busy = desk.run(&[]).expect_code(3).stderr;
    assert!(busy.contains("is measuring already, job "), "{busy}");
    let early = desk.phone(&["fetch"]).expect_code(0);
    assert!(early.stdout.contains("prefill-16-decode-4"), "{}", early.stdout);
    wait_until("the end of the job", || desk.phone(&["status"]).stdout.contains("has ended"));
    desk.phone(&["fetch"]).expect_code(0);
    assert_eq!(measured(&desk.bench.folder()), 4);
    assert_eq!(desk.settings(), before);
}

#[test]
fn ctrl_c_ends_the_waiting_and_stop_ends_the_job() {
    let Some(desk) = Desk::new(&[]) else { return };
    let host = desk.long_run();
    host.signal_group(rustix::process::Signal::INT);
    let told = host.finish().expect_code(130).stderr;
    assert!(told.contains("the phone goes on with job "), "{told}");
    assert!(!told.contains("the connection is lost"), "{told}");
    assert!(desk.phone(&["status"]).stdout.contains("  measures, since "));
    desk.phone(&["stop"]).expect_code(0);
    let stored = desk.stored_on_the_phone();
    assert!((1..4).contains(&stored), "{stored}");
    let resumed = desk.bench.pocketwatt(&["run", "--phone", "--resume"]).expect_code(0);
    assert!(resumed.stdout.contains("prefill-19-decode-4"), "{}", resumed.stdout);
    assert_eq!(measured(&desk.bench.folder()), 4);
}

#[test]
fn a_lost_connection_is_found_again() {
    let Some(desk) = Desk::new(&[]) else { return };
    let host = desk.long_run();
    desk.phone.kill_daemon(1.0);
    let run = host.finish().expect_code(0);
    assert!(
        run.stderr.contains("the connection is lost (the connection ended); the phone goes on by itself"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("the phone is back"), "{}", run.stderr);
    assert_eq!(measured(&desk.bench.folder()), 4);
}

#[test]
fn a_phone_that_restarts_keeps_its_cases_and_its_settings() {
    let Some(desk) = Desk::new(&[]) else { return };
    let before = desk.settings();
    let host = desk.long_run();
    desk.phone.reboot(0.5);
    let run = host.finish().expect_code(4);
    assert!(run.stderr.contains("was interrupted by a restart of the phone"), "{}", run.stderr);
    let kept = measured(&desk.bench.folder());
    assert!((1..4).contains(&kept), "{kept}");
    assert_eq!(desk.settings(), before, "the host puts them back");
    desk.bench.pocketwatt(&["run", "--phone", "--resume"]).expect_code(0);
    assert_eq!(measured(&desk.bench.folder()), 4);
}

#[test]
fn without_room_nothing_is_sent_and_what_is_missing_is_said() {
    let Some(desk) = Desk::new(&["--room", "8000000"]) else { return };
    let refused = desk.run(&[]).expect_code(1).stderr;
    assert!(
        refused.contains("bytes free below /data/local/tmp") && refused.contains("pocketwatt phone clean"),
        "{refused}"
    );
    assert!(refused.contains("for bin/pocketwatt"), "{refused}");
}

#[test]
fn a_push_that_breaks_off_is_repeated_and_goes_on_from_there() {
    let Some(desk) = Desk::new(&[]) else { return };
    desk.phone.fail(Fault::DropAfter(3_000_000, Direction::ToPhone));
    let broken = desk.run(&[]);
    if broken.code != Some(0) {
        assert_eq!(broken.code, Some(1), "{}", broken.stderr);
        assert!(
            broken.stderr.contains("adb could not") || broken.stderr.contains("the connection to the phone"),
            "{}",
            broken.stderr
        );
    }
    desk.phone.fail(Fault::None);
    desk.server.connect(&desk.phone, "device");
    desk.run(&[]).expect_code(0);
    let parts = fs::read_dir(desk.phone.path("/data/local/tmp/pocketwatt/bin")).unwrap();
    let parts: Vec<_> = parts.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(parts.iter().all(|name| !name.ends_with(".part")), "{parts:?}");
}

#[test]
fn a_phone_that_denies_its_settings_measures_and_says_which_switch_is_meant() {
    let Some(desk) = Desk::new(&[]) else { return };
    desk.phone.fail(Fault::SettingsRefused);
    let run = desk.run(&[]).expect_code(0);
    assert!(run.stderr.contains("USB debugging (Security settings)"), "{}", run.stderr);
    assert_eq!(measured(&desk.bench.folder()), 1);
}

#[test]
fn two_phones_measure_at_once_and_stand_side_by_side() {
    let Some(desk) = Desk::new(&["--model", "Pixel 8"]) else { return };
    let Some(other) = StandInPhone::start(&["--model", "Pixel 8"]) else { return };
    desk.server.connect(&other, "device");
    let ambiguous = desk.run(&[]).expect_code(3).stderr;
    assert!(ambiguous.contains("adb lists several phones: name one with --phone, of "), "{ambiguous}");
    let (one, two) = (desk.phone.address(), other.address());
    let run = desk.bench.pocketwatt(&[&["run", "--phone", &one, "--phone", &two], SHORT].concat()).expect_code(0);
    assert!(run.stdout.contains("side by side"), "{}", run.stdout);
    assert!(run.stdout.contains("nothing is said about who leads"), "{}", run.stdout);
    for name in ["standin-pixel-8", "standin-pixel-8-2"] {
        assert!(desk.bench.path("results").join(name).is_dir(), "{name}");
    }
}
