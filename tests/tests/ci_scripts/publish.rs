//! The branches of the history and of its site.

use std::{fs, path::Path, thread};

use crate::job::{HOSTILE, Job, refused, said, succeeded};

/// Adds a file that is named after the commit, and writes a site with the names of all.
const POCKETWATT: &str = r#"
printf '%s\n' "$@" >>"$WROTE"
case $1 in
    history) mkdir -p "$5/entries"; echo x >"$5/entries/$7.json" ;;
    dashboard) mkdir -p "$4"; touch "$4/pocketwatt-dashboard.txt"; ls "$2/entries" >"$4/index.html" ;;
esac"#;

#[test]
fn runs_are_added_to_a_branch_and_its_site_is_written() {
    let job = Job::new();
    let program = job.stand_in("pocketwatt", POCKETWATT);
    let environment = [
        ("POCKETWATT", program.as_str()),
        ("HISTORY_BRANCH", "pocketwatt-history"),
        ("SITE_BRANCH", "pages"),
        ("BRANCH", HOSTILE),
        ("RUN", "elsewhere/device/20261127-200000"),
    ];
    succeeded(&job.step("publish", &environment));
    let first = job.head();
    assert_eq!(job.files("pocketwatt-history"), [format!("entries/{first}.json")], "nothing of the code");
    assert_eq!(job.files("pages"), [".nojekyll", "index.html", "pocketwatt-dashboard.txt"]);
    let words = job.wrote();
    assert!(words.contains(&format!("--branch={HOSTILE}\n")) && words.contains("--message=second\n"), "{words}");
    assert!(words.starts_with("history\nadd\nelsewhere/device/20261127-200000\n"), "the run of this job: {words}");

    job.commit(HOSTILE);
    succeeded(&job.step("publish", &environment));
    assert_eq!(job.files("pocketwatt-history").len(), 2);
    assert!(job.git(&job.path("origin"), &["show", "pages:index.html"]).contains(&first), "the whole history");
    let again = job.step("publish", &environment);
    succeeded(&again);
    assert!(said(&again).contains("pocketwatt-history has it already"), "{}", said(&again));
    // Something of the run is missing, or an older entry is damaged: what there is is published.
    job.commit("third");
    let incomplete = job.stand_in("incomplete", &format!("{POCKETWATT}\nexit 4"));
    succeeded(&job.step("publish", &[&[("POCKETWATT", incomplete.as_str())], &environment[1..]].concat()));
    assert_eq!(job.files("pocketwatt-history").len(), 3);
    let failing = job.stand_in("failing", &format!("{POCKETWATT}\nexit 3"));
    refused(&job.step("publish", &[&[("POCKETWATT", failing.as_str())], &environment[1..]].concat()), "was not added");
    assert!(!Path::new("/tmp/pocketwatt-injected").exists());
    for hostile in ["--x", "@{-1}", "a b", HOSTILE] {
        let environment = [&environment[..1], &[("HISTORY_BRANCH", hostile)], &environment[2..]].concat();
        refused(&job.step("publish", &environment), "no branch can have such a name");
    }

    // Where nothing was judged, an older run is not taken for it.
    job.forget();
    let output = job.step("publish", &environment[..4]);
    succeeded(&output);
    assert!(said(&output).contains("nothing to add") && job.wrote().is_empty());
}

#[test]
fn nothing_of_others_is_removed() {
    let job = Job::new();
    let program = job.stand_in("pocketwatt", POCKETWATT);
    let publish = |history: &str, site: &str| {
        let to = [("HISTORY_BRANCH", history), ("SITE_BRANCH", site), ("BRANCH", "main"), ("RUN", "run")];
        job.step("publish", &[&to[..], &[("POCKETWATT", &program)]].concat())
    };
    refused(&publish("h", "h"), "need a branch each");
    refused(&publish("h", "main"), "is the branch that was measured");
    refused(&publish("main", ""), "is the branch that was measured");
    assert_eq!(job.git(&job.path("origin"), &["branch", "--format=%(refname:short)"]), "main");

    // A site that somebody wrote by hand.
    let push = |branch: &str, files: &[&str]| {
        job.in_work(&["checkout", "--quiet", "--orphan", branch]);
        job.in_work(&["rm", "-r", "--quiet", "-f", "."]);
        for file in files {
            fs::write(job.work().join(file), "by hand").unwrap();
            job.in_work(&["add", file]);
        }
        job.in_work(&["commit", "--quiet", "--message", "x"]);
        job.in_work(&["push", "--quiet", "origin", &format!("HEAD:refs/heads/{branch}")]);
        job.in_work(&["checkout", "--quiet", "--force", "main"]);
    };
    push("docs", &["CNAME", "index.html"]);
    refused(&publish("h", "docs"), "the branch docs is no site of a history, but has index.html");
    assert_eq!(job.files("docs"), ["CNAME", "index.html"]);
    refused(&publish("docs", ""), "the branch docs is no history");

    // One that is empty but for its address.
    push("pages", &["CNAME"]);
    for _ in 0..2 {
        succeeded(&publish("h", "pages"));
        assert_eq!(job.files("pages"), [".nojekyll", "CNAME", "index.html", "pocketwatt-dashboard.txt"]);
    }
}

#[test]
fn a_message_in_any_encoding_is_added() {
    let job = Job::new();
    let program = job.stand_in("pocketwatt", POCKETWATT);
    let to = [("HISTORY_BRANCH", "h"), ("BRANCH", "main"), ("RUN", "run"), ("POCKETWATT", program.as_str())];
    job.in_work(&["config", "i18n.logOutputEncoding", "latin1"]);
    job.commit("Größe");
    succeeded(&job.step("publish", &to));
    assert!(job.wrote().contains("--message=Größe\n"), "{}", job.wrote());
    // Bytes that are no text at all.
    let bytes = r"!git reset --quiet --hard $(git cat-file commit HEAD | sed '$ s/.*/a\xffb/' | git hash-object -t commit -w --stdin)";
    job.in_work(&["-c", &format!("alias.bytes={bytes}"), "bytes"]);
    succeeded(&job.step("publish", &to));
    assert!(job.wrote().contains("--message=ab\n"), "{}", job.wrote());
}

/// Another job pushes a run of its own after this one has fetched, the first time.
const RACE: &str = r#"
if [ "$1" = history ] && [ ! -e "$WROTE.raced" ]; then
    touch "$WROTE.raced"
    other=$(mktemp -d)
    git clone --quiet "$ORIGIN" "$other" && cd "$other" && git checkout --quiet --orphan other && git rm -rf --quiet .
    mkdir entries && echo y >entries/other.json && git add entries && git commit --quiet --message other
    git push --quiet origin HEAD:refs/heads/pocketwatt-history
    cd - >/dev/null
fi"#;

#[test]
fn whoever_comes_second_begins_again_with_what_was_pushed() {
    let job = Job::new();
    let program = job.stand_in("pocketwatt", &format!("{RACE}\n{POCKETWATT}"));
    let origin = job.text("origin");
    let environment = [
        ("POCKETWATT", program.as_str()),
        ("HISTORY_BRANCH", "pocketwatt-history"),
        ("BRANCH", "main"),
        ("RUN", "run"),
        ("ORIGIN", &origin),
        ("PAUSE_MS", "10"),
    ];
    let output = job.step("publish", &environment);
    succeeded(&output);
    assert!(said(&output).contains("attempt 1 failed"), "{}", said(&output));
    assert_eq!(job.files("pocketwatt-history").len(), 2, "both runs are there");
}

#[test]
fn many_that_publish_at_once_lose_nothing() {
    let job = Job::new();
    let program = job.stand_in("pocketwatt", POCKETWATT);
    let clones: Vec<String> = (0..8).map(|number| format!("clone-{number}")).collect();
    for clone in &clones {
        job.git(&job.path(""), &["clone", "--quiet", "origin", clone]);
        job.git(&job.path(clone), &["commit", "--quiet", "--allow-empty", "--message", clone]);
    }
    let to = [("HISTORY_BRANCH", "h"), ("SITE_BRANCH", "s"), ("BRANCH", "main"), ("RUN", "run")];
    let environment = [&to[..], &[("POCKETWATT", program.as_str()), ("PAUSE_MS", "200")]].concat();
    thread::scope(|scope| {
        let publish =
            |clone: &String| job.started("publish", &environment).current_dir(job.path(clone)).output().unwrap();
        let running: Vec<_> = clones.iter().map(|clone| scope.spawn(move || publish(clone))).collect();
        running.into_iter().for_each(|running| succeeded(&running.join().unwrap()));
    });
    assert_eq!(job.files("h").len(), clones.len());
    let site = job.git(&job.path("origin"), &["show", "s:index.html"]);
    assert_eq!(site.lines().count(), clones.len(), "{site}");
}
