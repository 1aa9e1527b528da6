//! Jobs on the battery alone.

use pocketwatt_phone::job::{Screen, Stage};
use pocketwatt_tests::{wait_for, wait_until};

use crate::phone::{Phone, battery};

fn words(phone: &Phone) -> String {
    phone.jobs().pop().and_then(|job| job.state.words).unwrap_or_default()
}

#[test]
fn a_job_waits_until_nothing_feeds_the_phone_and_it_is_unlocked() {
    let phone = Phone::new();
    phone.write("sdk", "35\n");
    phone.set("system.screen_off_timeout", "30000");
    let settings = phone.settings();
    phone.request("a", &["--version"], Some(60));
    phone.start("", "a");
    wait_until("the cable to be told", || words(&phone) == "unplug the phone: USB feeds the phone");
    assert_eq!(phone.jobs()[0].state.stage, Stage::AwaitsUnplugging);
    assert_eq!(phone.settings().0[0].1, "2147483647");
    assert!(!phone.settings().1, "people need to see the screen");
    phone.write("window", "  showing=true\n  secure=true\n");
    phone.write("battery", &battery(false));
    wait_until("the lock to be told", || words(&phone).starts_with("unlock the phone"));
    phone.write("window", "  showing=false\n  secure=true\n");
    let before = wait_for("the panel", || phone.before("a").filter(|before| before.screen == Some(Screen::PanelOff)));
    assert_eq!(before.settings.len(), 1);
    assert_eq!(phone.end("a").state.stage, Stage::Ended { status: 0 });
    let calls = phone.calls();
    assert!(calls.contains("cmd display power-off 0\n") && calls.contains("cmd display power-on 0\n"), "{calls}");
    assert_eq!(phone.settings(), settings);
}

#[test]
fn a_phone_that_nobody_unplugs_is_not_measured() {
    let phone = Phone::new();
    phone.request("a", &["--version"], Some(1));
    phone.start("", "a");
    let report = phone.end("a");
    assert_eq!(report.state.stage, Stage::Failed);
    let words = report.state.words.unwrap();
    assert_eq!(words, "the phone was not left to its battery within 1 s: unplug the phone: USB feeds the phone");
    assert_eq!(phone.settings(), (Vec::new(), false));

    phone.request("b", &["--version"], Some(600));
    phone.start("", "b");
    wait_until("the wait", || phone.jobs().last().is_some_and(|job| job.state.stage == Stage::AwaitsUnplugging));
    phone.ask(&["stop", "b"]).expect_code(0);
    let report = phone.end("b");
    assert_eq!(report.state.stage, Stage::Failed);
    assert!(report.state.words.unwrap().contains("stopped before it measured"));
}
