use super::*;

/// Starts this shell script as a text process and asks it something.
fn end_of_script(script: &str, patience: u32) -> (TextEnd, TextEnd) {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]);
    let mut process = TextProcess::spawn(command).unwrap();
    process.patience = patience;
    let mut ask = || match process.ask(&Question::TokenBytes) {
        Err(Failure::Ended(end)) => end,
        other => panic!("{other:?}"),
    };
    (ask(), ask())
}

#[test]
fn every_death_is_described_and_reported_again() {
    let signal = |number| TextEnd::Signal { number };
    for (script, expected) in [
        ("kill -SEGV $$", signal(11)),
        ("kill -KILL $$", signal(9)),
        ("echo \"thread 'reader' has overflowed its stack\" >&2; kill -ABRT $$", TextEnd::StackOverflow),
        ("echo 'memory allocation of 99 bytes failed' >&2; kill -ABRT $$", TextEnd::Memory { limit_mib: 128 }),
        ("kill -ABRT $$", signal(6)),
        ("echo no room >&2; exit 7", TextEnd::Broken { seen: "ended with status 7: no room".into() }),
    ] {
        let (first, second) = end_of_script(script, PATIENCE);
        assert_eq!(first, expected, "{script}");
        assert_eq!(second, expected, "the process is not asked again");
    }
}

#[test]
fn what_does_not_answer_is_given_up() {
    // One process is stopped, and another never reads what is sent.
    for script in ["kill -STOP $$", "exec sleep 300"] {
        let (end, _) = end_of_script(script, 0);
        assert!(matches!(end, TextEnd::Silence { .. }), "{end:?}");
    }
}

#[test]
fn what_answers_nonsense_or_too_much_is_given_up() {
    for script in [r"printf '\002\000\000\000\000\000\000\000{}' >&0; exec sleep 300", "yes >&0"] {
        let (end, again) = end_of_script(script, PATIENCE);
        assert!(matches!(&end, TextEnd::Broken { .. }), "{end:?}");
        assert_eq!(end, again);
    }
}
