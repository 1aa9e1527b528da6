//! Building and measuring.

use std::{fs, path::Path};

use crate::job::{HOSTILE, Job, refused, succeeded};

#[test]
fn runners_are_built_one_at_a_time() {
    let job = Job::new();
    let cargo = "echo \"$*\" >>\"$WROTE\"; mkdir -p target/release; \
                 for name in pocketwatt pocketwatt-tract pocketwatt-candle; do echo $name >target/release/$name; done";
    job.stand_in("cargo", cargo);
    fs::create_dir_all(job.handed("head-runners")).unwrap();
    fs::write(job.handed("head-runners/pocketwatt-old"), "of an earlier job").unwrap();
    let head = [("PART", "head"), ("CARGO_TARGET_DIR", "target")];
    succeeded(&job.step("build", &[&head[..], &[("BACKENDS", "tract, candle")]].concat()));
    succeeded(&job.step("build", &[("PART", "program"), ("CARGO_TARGET_DIR", "target")]));
    let common = "build --release --locked --quiet";
    let expected = format!("{common} -p pocketwatt-tract\n{common} -p pocketwatt-candle\n{common} --bin pocketwatt\n");
    assert_eq!(job.wrote(), expected);
    assert_eq!(fs::read_dir(job.handed("head-runners")).unwrap().count(), 2);
    assert!(job.handed("program/pocketwatt").is_file());
    for hostile in ["tract,--config=x", ",tract", HOSTILE] {
        refused(&job.step("build", &[&head[..], &[("BACKENDS", hostile)]].concat()), "no backend has such a name");
    }
}

#[test]
fn measuring_passes_words_on_and_fails_only_at_the_end() {
    let job = Job::new();
    let program = r###"printf '%s\n' "$POCKETWATT_RUNNERS" "$@" >"$WROTE"
for option; do case $previous in --summary) echo '## worse' >"$option" ;; --verdict)
    printf '{\n  "run": "x",\n  "folder": "results/my device/20261127-200000",\n  "comparison": {\n    "folder": "no"\n  }\n}\n' >"$option"
esac; previous=$option; done; exit 10"###;
    let program = job.stand_in("pocketwatt", program);
    let arguments = format!("  --model=tiny\t\r\n\r\n\n--margin=decode_throughput=3%\r\n--device={HOSTILE}");
    let environment = [
        ("POCKETWATT", program.as_str()),
        ("RUNNERS", "new"),
        ("BASE_RUNNERS", "old"),
        ("BACKENDS", " tract, candle"),
        ("HEAD", HOSTILE),
        ("MERGE_OF", "abc"),
        ("BASE", ""),
        ("ARGUMENTS", &arguments),
    ];
    succeeded(&job.step("measure", &environment));
    let words: Vec<String> = job.wrote().lines().map(str::to_owned).collect();
    let verdict = |name: &str| job.handed("verdict").join(name).to_str().unwrap().to_owned();
    let comment = verdict("comment.md");
    assert_eq!(words[..8], ["new", "ci", "--baseline-runners", "old", "--key", "default", "--comment", &comment]);
    let (commit, device) = (format!("--commit={HOSTILE}"), format!("--device={HOSTILE}"));
    let rest =
        ["--backend=tract,candle", &commit, "--merge-of=abc", "--model=tiny", "--margin=decode_throughput=3%", &device];
    assert_eq!(words[12..], rest, "each is one word, without the blanks around it");
    let run = "run=results/my device/20261127-200000";
    assert_eq!(job.outputs(), format!("status=10\nverdict={}\n{run}\n", verdict("verdict.json")));
    assert_eq!(fs::read_to_string(job.path("step-summary")).unwrap(), "## worse\n");
    assert!(!Path::new("/tmp/pocketwatt-injected").exists());

    // Nothing of it is left where nothing is measured.
    job.stand_in("pocketwatt", "exit 3");
    job.forget();
    succeeded(&job.step("measure", &environment));
    assert_eq!(job.outputs(), "status=3\n");
}
