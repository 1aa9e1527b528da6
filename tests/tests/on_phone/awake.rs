//! What a job changes on the phone, and what the phone does not let it change.

use std::fs;

use pocketwatt_phone::job::{JobLife, Screen, Stage};
use pocketwatt_tests::wait_for;

use crate::phone::{Phone, RUN};

#[test]
fn a_phone_that_refuses_is_measured_and_the_switch_is_named() {
    let phone = Phone::new();
    phone.set("global.stay_on_while_plugged_in", "0");
    phone.write("refuse", "stay_on_while_plugged_in\n");
    phone.request("a", RUN, None);
    phone.start("decode=100ms", "a");
    let processes = phone.wait_for_processes("a");
    wait_for("the run", || processes.run());
    let before = phone.before("a").unwrap();
    assert_eq!(before.settings, [], "what was not changed is not in the passport");
    assert_eq!(before.refused[0].what, "global stay_on_while_plugged_in");
    assert_eq!(before.screen, Some(Screen::On));
    let report = phone.end("a");
    assert_eq!((report.life, report.state.stage), (JobLife::Ended, Stage::Ended { status: 0 }));
    let log = fs::read_to_string(phone.folder("a").log()).unwrap();
    for part in [
        "does not let global stay_on_while_plugged_in be changed",
        "SecurityException",
        "\"USB debugging (Security settings)\"",
    ] {
        assert!(log.contains(part), "{part} in {log}");
    }
    assert_eq!(phone.settings().0, [("global.stay_on_while_plugged_in".to_owned(), "0".to_owned())]);
}

/// What an earlier job changed is no setting of the user.
#[test]
fn the_settings_of_an_earlier_job_are_put_back_before_the_next_one() {
    let phone = Phone::new();
    phone.set("global.stay_on_while_plugged_in", "7");
    fs::create_dir_all(phone.folder("old").path()).unwrap();
    let change =
        r#"{"settings": [{"namespace": "global", "key": "stay_on_while_plugged_in", "before": "3", "during": "7"}]}"#;
    fs::write(phone.folder("old").before(), change).unwrap();
    phone.request("new", RUN, None);
    phone.start("decode=100ms", "new");
    let processes = phone.wait_for_processes("new");
    wait_for("the run", || processes.run());
    assert_eq!(phone.before("new").unwrap().settings[0].before.as_deref(), Some("3"));
    phone.end("new");
    assert_eq!(phone.settings().0[0].1, "3");

    // One that cannot be put back stands in the way, and is tried again.
    fs::write(phone.folder("old").before(), change).unwrap();
    phone.set("global.stay_on_while_plugged_in", "7");
    phone.write("refuse", "stay_on_while_plugged_in\n");
    phone.ask(&["restore"]).expect_code(4);
    phone.request("third", RUN, None);
    phone.ask(&["carry-out", "third"]).expect_code(4);
    let words = phone.end("third").state.words.unwrap();
    assert!(words.contains("job old changed global stay_on_while_plugged_in of this phone"), "{words}");
    fs::remove_file(phone.system("refuse")).unwrap();
    let lines = phone.restore();
    assert_eq!((lines.len(), &*lines[0].what, lines[0].is_restored), (1, "global stay_on_while_plugged_in", true));
    assert_eq!(phone.settings().0[0].1, "3");
}
