//! Which commits are measured, and the folder of the base.

use std::fs;

use crate::job::{HOSTILE, Job, refused, succeeded};

impl Job {
    fn base_file(&self) -> String {
        fs::read_to_string(self.handed("base/file")).unwrap()
    }
}

#[test]
fn the_base_is_the_first_parent_or_the_commit_that_was_named() {
    let job = Job::new();
    let (head, parent) = (job.head(), job.in_work(&["rev-parse", "HEAD^1"]));
    succeeded(&job.step("base", &[]));
    assert_eq!(job.base_file(), "first");
    assert_eq!(job.outputs(), format!("head={head}\nbase={parent}\n"));

    // A shallow clone does not have it, and fetches it.
    job.clone_shallow(1);
    succeeded(&job.step("base", &[("BASE", &parent)]));
    assert_eq!(job.base_file(), "first");

    for hostile in ["--upload-pack=touch /tmp/x", "main", HOSTILE] {
        refused(&job.step("base", &[("BASE", hostile)]), "not the full name of a commit");
    }
    refused(&job.step("base", &[("KEY", "../x")]), "a key has letters");
}

#[test]
fn a_machine_of_ones_own_can_do_it_again_and_again() {
    let job = Job::new();
    succeeded(&job.step("base", &[]));
    // The platform empties its folder, and git still knows of it.
    fs::remove_dir_all(job.path("temporary")).unwrap();
    job.in_work(&["clean", "-ffdx", "--quiet"]);
    succeeded(&job.step("base", &[]));
    // A job was killed, and left everything; or the clone is another one since then.
    succeeded(&job.step("base", &[]));
    job.clone_shallow(2);
    succeeded(&job.step("base", &[]));
    // Two in one job.
    succeeded(&job.step("base", &[("KEY", "board")]));
    assert_eq!(job.base_file(), "first");
    assert!(job.path("temporary/pocketwatt-board/base/file").is_file());
}

/// A branch that goes to `main`, which has gone on since; returns its last commit, and that of `main`.
fn pull_request(job: &Job) -> (String, String) {
    job.in_work(&["checkout", "--quiet", "-b", "change"]);
    job.commit("change one");
    let pull = job.commit("change two");
    job.in_work(&["push", "--quiet", "origin", "HEAD:refs/heads/change"]);
    job.in_work(&["checkout", "--quiet", "main"]);
    fs::write(job.work().join("other"), "merged meanwhile").unwrap();
    job.in_work(&["add", "other"]);
    job.in_work(&["commit", "--quiet", "--message", "meanwhile"]);
    job.push();
    (pull, job.head())
}

#[test]
fn of_a_pull_request_its_merge_is_measured_beside_the_branch_and_both_are_named() {
    let job = Job::new();
    let (pull, main) = pull_request(&job);
    job.in_work(&["merge", "--quiet", "--no-ff", "--message", "merge", &pull]);
    let merge = job.head();
    job.in_work(&["push", "--quiet", "origin", "HEAD:refs/heads/merge"]);
    let event = [("EVENT", "pull_request"), ("PULL_HEAD", pull.as_str()), ("PULL_BASE", main.as_str())];
    succeeded(&job.step("base", &event));
    assert_eq!(job.outputs(), format!("head={merge}\nmerge_of={pull}\nbase={main}\n"));
    assert!(job.handed("base/other").exists() && job.base_file() == "second");

    // Its own last commit is measured beside the one at which it left, and nothing of what came meanwhile.
    job.forget();
    let left = job.in_work(&["merge-base", &pull, &main]);
    job.in_work(&["checkout", "--quiet", &pull]);
    succeeded(&job.step("base", &event));
    assert_eq!(job.outputs(), format!("head={pull}\nbase={left}\n"));

    // What is neither is not called the pull request.
    job.in_work(&["checkout", "--quiet", &main]);
    refused(&job.step("base", &event), "neither the pull request's head");
    refused(&job.step("base", &[("EVENT", "pull_request_target")]), "use pull_request");
}

#[test]
fn a_shallow_clone_fetches_what_it_takes_to_know_the_base() {
    let job = Job::new();
    let (pull, main) = pull_request(&job);
    let left = job.in_work(&["merge-base", &pull, &main]);
    job.clone_shallow(1);
    job.in_work(&["fetch", "--quiet", "--depth", "1", "origin", "change"]);
    job.in_work(&["checkout", "--quiet", "FETCH_HEAD"]);
    let event = [("EVENT", "pull_request"), ("PULL_HEAD", pull.as_str()), ("PULL_BASE", main.as_str())];
    succeeded(&job.step("base", &event));
    assert_eq!(job.outputs(), format!("head={pull}\nbase={left}\n"));
}

#[test]
fn a_push_is_measured_beside_the_commit_before_all_of_it() {
    let job = Job::new();
    let before = job.head();
    job.commit("third");
    let parent = job.commit("fourth");
    job.commit("fifth");
    job.push();
    let pushed = |before: &str| {
        job.forget();
        succeeded(&job.step("base", &[("EVENT", "push"), ("BEFORE", before)]));
        let outputs = job.outputs();
        outputs.lines().find_map(|line| line.strip_prefix("base=")).unwrap().to_owned()
    };
    assert_eq!(pushed(&before), before);
    job.clone_shallow(2);
    assert_eq!(pushed(&before), before);
    // A new branch has none before it, and after a forced push it is no ancestor.
    assert_eq!(pushed(&"0".repeat(40)), parent);
    assert_eq!(pushed(&"a".repeat(40)), parent);
}

#[test]
fn runners_that_are_given_come_in_pairs() {
    let job = Job::new();
    refused(&job.step("base", &[("RUNNERS", "new")]), "set base-runners, too");
    succeeded(&job.step("base", &[("RUNNERS", "new"), ("BASE_RUNNERS", "old")]));
    assert_eq!(job.outputs(), format!("head={}\n", job.head()), "whose build they are is not known");
    assert!(!job.handed("base").exists());
}
