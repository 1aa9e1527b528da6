//! The job of GitLab.

use std::fs;

use crate::job::{Job, said};

const CARGO: &str = "mkdir -p target/release; \
                     for name in pocketwatt pocketwatt-tract; do cp \"$PROGRAM\" target/release/$name; done";
/// Writes down what it is told, judges that the head is worse, and adds the run to a history.
const POCKETWATT: &str = r###"
echo "$*" >>"$WROTE"
case $1 in
    ci)
        for option; do case $previous in --summary) echo '## worse' >"$option" ;; --verdict)
            printf '{\n  "folder": "results/device/run"\n}\n' >"$option"
        esac; previous=$option; done
        exit 10 ;;
    export) echo metrics >"$6" ;;
    history) mkdir -p "$5/entries"; echo x >"$5/entries/$7.json" ;;
    dashboard) mkdir -p "$4"; ls "$2/entries" >"$4/index.html" ;;
esac"###;

impl Job {
    fn gitlab(&self, variables: &[(&str, &str)]) -> std::process::Output {
        self.forget();
        self.stand_in("cargo", CARGO);
        let program = self.stand_in("pocketwatt", POCKETWATT);
        let project = self.text("work");
        let own =
            [("PROGRAM", program.as_str()), ("CI_PROJECT_DIR", &project), ("CI_JOB_ID", "5"), ("BACKENDS", "tract")];
        self.step("gitlab", &[&own[..], variables].concat())
    }

    fn written(&self, name: &str) -> String {
        fs::read_to_string(self.work().join(name)).unwrap()
    }
}

#[test]
fn a_merge_request_is_measured_and_its_files_are_left() {
    let job = Job::new();
    let (head, base) = (job.head(), job.in_work(&["rev-parse", "HEAD^1"]));
    // Of an earlier job on the same machine, also one that was killed.
    fs::create_dir_all(job.work().join("pocketwatt")).unwrap();
    fs::write(job.work().join("pocketwatt/old"), "status=0\nstatus=4\n").unwrap();
    for _ in 0..2 {
        let output = job.gitlab(&[("CI_MERGE_REQUEST_DIFF_BASE_SHA", &base)]);
        assert_eq!(output.status.code(), Some(10), "{}", said(&output));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "## worse\n");
    }
    let words = job.wrote();
    assert!(words.contains(&format!("--commit={head} --base-commit={base}")), "{words}");
    assert!(words.contains("export results/device/run --format openmetrics"), "{words}");
    assert_eq!(job.written("pocketwatt/metrics.txt"), "metrics\n");
    assert!(job.work().join("pocketwatt/verdict.json").exists() && !job.work().join("pocketwatt/old").exists());
    assert!(!job.path("work.pocketwatt-5").exists());
}

#[test]
fn a_merged_result_is_measured_beside_the_target_branch() {
    let job = Job::new();
    let left = job.head();
    job.in_work(&["checkout", "--quiet", "-b", "change"]);
    let source = job.commit("change");
    job.in_work(&["checkout", "--quiet", "main"]);
    job.in_work(&["commit", "--quiet", "--allow-empty", "--message", "meanwhile"]);
    let target = job.head();
    job.in_work(&["merge", "--quiet", "--no-ff", "--message", "merge", &source]);
    let request = [
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", left.as_str()),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", &target),
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", &source),
    ];
    let output = job.gitlab(&request);
    assert_eq!(output.status.code(), Some(10), "{}", said(&output));
    let words = format!("--commit={} --merge-of={source} --base-commit={target}", job.head());
    assert!(job.wrote().contains(&words), "{}", job.wrote());
}

#[test]
fn a_push_is_kept_in_a_history_with_a_site() {
    let job = Job::new();
    let before = job.head();
    job.commit("third");
    let head = job.commit("fourth");
    let to = [("CI_COMMIT_BEFORE_SHA", before.as_str()), ("CI_COMMIT_BRANCH", "main")];
    let output = job.gitlab(&[&to[..], &[("HISTORY", "kept"), ("SITE", "public")]].concat());
    assert_eq!(output.status.code(), Some(10), "{}", said(&output));
    assert!(job.wrote().contains(&format!("--base-commit={before}")), "{}", job.wrote());
    assert_eq!(job.written("public/index.html"), format!("{head}.json\n"));
    assert!(job.work().join(format!("kept/entries/{head}.json")).exists());
}
