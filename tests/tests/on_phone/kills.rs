//! The processes of a job are killed: at each of its steps, and at random moments.
//!
//! `POCKETWATT_KILLS=500` for a long run, `POCKETWATT_KILLS_SEED` repeats the same moments.

use std::{env, fs, thread, time::Duration};

use pocketwatt_phone::job::{JobLife, JobState, Stage};
use pocketwatt_tests::{wait_for, wait_until};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::{
    phone::{ODD, Phone, RUN, battery},
    signal,
};

/// A job whose run only tells its version.
const SHORT: &[&str] = &["--version"];

/// A phone with settings, and how they are.
fn phone(sdk: &str) -> Phone {
    let phone = Phone::new();
    phone.write("sdk", sdk);
    phone.write("battery", &battery(false));
    phone.set("system.screen_off_timeout", ODD);
    phone.set("system.screen_brightness_mode", "1");
    phone
}

/// Kills what calls Android's commands at each call: while it saves, changes, and puts back.
fn kill_at_each_call(sdk: &'static str, unplug_limit_s: Option<u64>) {
    let undisturbed = phone(sdk);
    let settings = undisturbed.settings();
    undisturbed.request("a", SHORT, unplug_limit_s);
    undisturbed.start("", "a");
    undisturbed.end("a");
    assert_eq!(undisturbed.settings(), settings);
    let calls = fs::read_to_string(undisturbed.system("count")).unwrap().lines().count();
    assert!(calls >= 7, "{calls}");
    let one = |when: &str, call: usize| {
        let phone = phone(sdk);
        phone.write(when, &call.to_string());
        phone.request("a", SHORT, unplug_limit_s);
        phone.start("", "a");
        let report = phone.end("a");
        assert_ne!(report.state.stage, Stage::Failed, "{when} {call}");
        phone.restore();
        assert_eq!(phone.settings(), settings, "{when} {call}: {}", phone.calls());
        assert!(phone.before("a").is_none());
        // Nobody else may be asked to put something back, and the next job finds the phone ready.
        phone.request("b", SHORT, None);
        phone.start("", "b");
        assert_eq!(phone.end("b").state.stage, Stage::Ended { status: 0 }, "{when} {call}");
        assert_eq!(phone.settings(), settings);
    };
    thread::scope(|scope| {
        for when in ["kill-before", "kill-after"] {
            for call in 1..=calls {
                scope.spawn(move || one(when, call));
            }
        }
    });
}

#[test]
fn a_job_killed_at_any_step_leaves_the_phone_as_it_was() {
    kill_at_each_call("34", None);
}

#[test]
fn an_untethered_job_killed_at_any_step_leaves_the_phone_as_it_was() {
    kill_at_each_call("34", Some(60));
}

#[test]
fn an_untethered_job_without_its_panel_killed_at_any_step_leaves_the_phone_as_it_was() {
    kill_at_each_call("35", Some(60));
}

#[test]
fn jobs_killed_at_random_moments_lose_nothing() {
    let rounds: u32 = env::var("POCKETWATT_KILLS").map_or(30, |kills| kills.parse().unwrap());
    let seed =
        env::var("POCKETWATT_KILLS_SEED").map_or_else(|_| u64::from(std::process::id()), |seed| seed.parse().unwrap());
    println!("POCKETWATT_KILLS_SEED={seed}");
    let mut dice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |most: u64| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        dice % most
    };
    let phone = Phone::new();
    phone.set("global.stay_on_while_plugged_in", ODD);
    let settings = phone.settings();
    let (mut stored, mut lives) = (0, Vec::new());
    for round in 0..rounds {
        let id = format!("job-{round}");
        phone.request(&id, RUN, None);
        phone.start("decode=20ms", &id);
        let processes = phone.wait_for_processes(&id);
        thread::sleep(Duration::from_millis(below(1500)));
        let run = processes.run();
        let victims = 1 + below(7);
        let doomed = [Some(processes.shell), Some(processes.carrier), run];
        for (bit, victim) in doomed.into_iter().enumerate().filter(|(bit, _)| victims & (1 << bit) != 0) {
            // Of a shell that has ended, the number is nobody's within this test.
            if let Some(victim) = victim {
                signal(victim, Signal::KILL);
            }
            thread::sleep(Duration::from_millis(below(5) * bit as u64));
        }
        let report = wait_for("the end", || {
            phone.jobs().into_iter().find(|job| job.state.id.to_string() == id && job.life != JobLife::Running)
        });
        if victims & 1 == 0 {
            // The shell lives, and puts the settings back without a host.
            phone.ensure_put_back_by_itself(&id);
        }
        phone.ensure_gone(&run.into_iter().collect::<Vec<_>>());
        phone.restore();
        assert_eq!(phone.settings(), settings, "round {round}, killed {victims:b}");
        let records = phone.records(&id).len();
        assert_eq!(records, report.state.stored.max(records.try_into().unwrap()) as usize, "a record was lost");
        stored += records;
        lives.push(report.life);
    }
    println!("{stored} records; {lives:?}");
    assert!(stored > 0 && lives.contains(&JobLife::Died), "{stored}, {lives:?}");
}

/// What adb's daemon may do when it is started anew, and terminals do.
#[test]
fn a_hangup_of_all_processes_stops_the_run_and_puts_the_settings_back() {
    let phone = Phone::new();
    phone.set("global.stay_on_while_plugged_in", ODD);
    let settings = phone.settings();
    phone.request("a", RUN, None);
    phone.start("decode=500ms", "a");
    let processes = phone.wait_for_processes("a");
    wait_until("a record", || phone.records("a").len() == 1);
    kill_process_group(Pid::from_raw(processes.shell).unwrap(), Signal::HUP).unwrap();
    assert_eq!(phone.end("a").state.stage, Stage::Ended { status: 130 });
    assert_eq!(phone.settings(), settings);
    phone.ensure_gone(&[processes.shell, processes.carrier]);
}

#[test]
fn a_run_that_the_system_kills_is_told() {
    let phone = Phone::new();
    phone.request("a", RUN, None);
    phone.start("decode=1s", "a");
    let processes = phone.wait_for_processes("a");
    signal(wait_for("the run", || processes.run()), Signal::KILL);
    let report = phone.end("a");
    assert_eq!((report.life, report.state.stage), (JobLife::Ended, Stage::Ended { status: 137 }));
    assert!(report.state.words.unwrap().contains("lowmemorykiller"));
    assert_eq!(fs::read_to_string(phone.folder("a").exit()).unwrap(), "137\n");
}

#[test]
fn a_job_whose_process_is_killed_has_died_unless_the_phone_was_started_anew() {
    let phone = Phone::new();
    phone.request("a", RUN, None);
    phone.start("decode=500ms", "a");
    let processes = phone.wait_for_processes("a");
    let run = wait_for("the run", || processes.run());
    wait_until("a record", || phone.records("a").len() == 1);
    signal(processes.carrier, Signal::KILL);
    let report = phone.end("a");
    assert_eq!((report.life, report.state.stage), (JobLife::Died, Stage::Measuring));
    phone.ensure_gone(&[run, processes.shell]);
    assert_eq!(fs::read_to_string(phone.folder("a").exit()).unwrap(), "137\n", "written by the shell");
    assert_eq!(phone.settings(), (Vec::new(), false));
    assert!(!phone.records("a").is_empty());

    let state = phone.folder("a").state();
    let mut written: JobState = serde_json::from_slice(&fs::read(&state).unwrap()).unwrap();
    written.boot_id = Some("of another start".into());
    fs::write(state, serde_json::to_string(&written).unwrap()).unwrap();
    let report = phone.jobs().pop().unwrap();
    assert_eq!(report.life, JobLife::InterruptedByReboot);
    assert!(report.state.words.unwrap().contains("started anew"));

    // The same job can be carried out again.
    phone.start("", "a");
    // Until it is being carried out, it is one that has died.
    wait_until("its end", || phone.jobs().pop().unwrap().state.stage == Stage::Ended { status: 0 });
    phone.end("a");
    assert_eq!(fs::read_to_string(phone.folder("a").exit()).unwrap(), "0\n");
}
