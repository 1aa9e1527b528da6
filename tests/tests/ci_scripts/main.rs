//! The shell steps of a CI job (`scripts/ci`), with a repository and stand-ins for the programs of the platform.
#![cfg(test)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

/// A clone of a repository with two commits, and a folder of programs that stand in for others.
struct Job {
    root: TempDir,
}

/// Names that would do something if a shell or a page took them for more than names.
const HOSTILE: &str = "$(touch /tmp/pocketwatt-injected) `x` \"; exit 0; # <b>";

impl Job {
    fn new() -> Self {
        let job = Self { root: tempfile::tempdir().unwrap() };
        fs::create_dir(job.path("programs")).unwrap();
        job.git(&job.path(""), &["init", "--quiet", "--bare", "--initial-branch", "main", "origin"]);
        job.git(&job.path(""), &["clone", "--quiet", "origin", "work"]);
        job.commit("first");
        job.commit("second");
        job.git(&job.work(), &["push", "--quiet", "origin", "HEAD:refs/heads/main"]);
        job
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn work(&self) -> PathBuf {
        self.path("work")
    }

    fn commit(&self, message: &str) {
        fs::write(self.work().join("file"), message).unwrap();
        self.git(&self.work(), &["add", "file"]);
        self.git(&self.work(), &["commit", "--quiet", "--message", message]);
    }

    fn git(&self, folder: &Path, arguments: &[&str]) -> String {
        let output = self.command("git", folder).args(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// A command with nothing of the user's git, and the stand-ins before the other programs.
    fn command(&self, program: &str, folder: &Path) -> Command {
        let mut command = Command::new(program);
        let path = format!("{}:{}", self.path("programs").display(), std::env::var("PATH").unwrap());
        command.current_dir(folder).env("PATH", path).env("HOME", self.root.path()).env("GIT_CONFIG_NOSYSTEM", "1");
        for (variable, value) in [("AUTHOR_NAME", "x"), ("AUTHOR_EMAIL", "x@x"), ("COMMITTER_NAME", "x")] {
            command.env(format!("GIT_{variable}"), value);
        }
        command.env("GIT_COMMITTER_EMAIL", "x@x").env("WROTE", self.path("wrote"));
        command
    }

    /// A program that is a shell script; what it writes to `$WROTE` is [`Job::wrote`].
    fn stand_in(&self, name: &str, script: &str) -> String {
        let path = self.path("programs").join(name);
        let text = self.path("script");
        fs::write(&text, format!("#!/bin/bash\n{script}\n")).unwrap();
        // By another process: a file that is open for writing here cannot be executed.
        let installed = Command::new("install").args(["-m", "755"]).args([&text, &path]).status().unwrap();
        assert!(installed.success());
        path.to_str().unwrap().to_owned()
    }

    fn wrote(&self) -> String {
        fs::read_to_string(self.path("wrote")).unwrap_or_default()
    }

    /// Runs a step in the clone.
    fn step(&self, name: &str, environment: &[(&str, &str)]) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/ci").join(name);
        let script = script.canonicalize().unwrap();
        let mut command = self.command(script.to_str().unwrap(), &self.work());
        command.env("GITHUB_OUTPUT", self.path("output")).env("GITHUB_STEP_SUMMARY", self.path("step-summary"));
        command.envs(environment.iter().copied()).output().unwrap()
    }

    fn outputs(&self) -> String {
        fs::read_to_string(self.path("output")).unwrap_or_default()
    }

    /// The files of a branch of the origin.
    fn files(&self, branch: &str) -> Vec<String> {
        let names = self.git(&self.path("origin"), &["ls-tree", "-r", "--name-only", branch]);
        names.lines().map(str::to_owned).collect()
    }
}

#[track_caller]
fn succeeded(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_base_is_the_first_parent_or_the_commit_that_was_named() {
    let job = Job::new();
    let (head, parent) = (job.git(&job.work(), &["rev-parse", "HEAD"]), job.git(&job.work(), &["rev-parse", "HEAD^1"]));
    let folder = job.path("base");
    succeeded(&job.step("base", &[("FOLDER", folder.to_str().unwrap())]));
    assert_eq!(fs::read_to_string(folder.join("file")).unwrap(), "first");
    assert_eq!(job.outputs(), format!("base={parent}\nhead={head}\n"));

    // A shallow clone does not have it, and fetches it.
    let origin = format!("file://{}", job.path("origin").display());
    fs::remove_dir_all(job.work()).unwrap();
    job.git(&job.path("origin"), &["config", "uploadpack.allowAnySHA1InWant", "true"]);
    job.git(&job.path(""), &["clone", "--quiet", "--depth", "1", &origin, "work"]);
    let named = job.path("named");
    succeeded(&job.step("base", &[("FOLDER", named.to_str().unwrap()), ("BASE", &parent)]));
    assert_eq!(fs::read_to_string(named.join("file")).unwrap(), "first");

    for hostile in ["--upload-pack=touch /tmp/x", "main", HOSTILE] {
        let refused = job.step("base", &[("FOLDER", "elsewhere"), ("BASE", hostile)]);
        assert!(!refused.status.success() && said(&refused).contains("not the full name of a commit"));
    }
}

#[test]
fn runners_are_built_one_at_a_time() {
    let job = Job::new();
    let cargo = "echo \"$*\" >>\"$WROTE\"; mkdir -p target/release; \
                 for name in pocketwatt pocketwatt-tract pocketwatt-candle; do echo $name >target/release/$name; done";
    job.stand_in("cargo", cargo);
    let built = [("SOURCE", "."), ("OUTPUT", "built"), ("BACKENDS", "tract,candle"), ("CARGO_TARGET_DIR", "target")];
    succeeded(&job.step("build", &[&built[..], &[("PROGRAM", "true")]].concat()));
    let common = "build --release --locked --quiet";
    let expected = format!("{common} -p pocketwatt-tract\n{common} -p pocketwatt-candle\n{common} --bin pocketwatt\n");
    assert_eq!(job.wrote(), expected);
    assert_eq!(fs::read_dir(job.work().join("built")).unwrap().count(), 3);
    let refused = job.step("build", &[&built[..2], &[("BACKENDS", "tract,--config=x")]].concat());
    assert!(!refused.status.success() && said(&refused).contains("no backend has such a name"));
}

#[test]
fn measuring_passes_words_on_and_fails_only_at_the_end() {
    let job = Job::new();
    let program =
        "printf '%s\\n' \"$POCKETWATT_RUNNERS\" \"$@\" >\"$WROTE\"; echo '## worse' >verdict/summary.md; exit 10";
    let program = job.stand_in("pocketwatt", program);
    let arguments = format!("--model=tiny\n\n--margin=decode_throughput=3%\n--device={HOSTILE}\n");
    let environment = [
        ("POCKETWATT", program.as_str()),
        ("RUNNERS", "new"),
        ("BASE_RUNNERS", "old"),
        ("BACKENDS", "tract"),
        ("HEAD", HOSTILE),
        ("BASE", ""),
        ("ARGUMENTS", &arguments),
        ("OUTPUT", "verdict"),
    ];
    succeeded(&job.step("measure", &environment));
    let words: Vec<String> = job.wrote().lines().map(str::to_owned).collect();
    let expected = ["new", "ci", "--baseline-runners", "old", "--key", "default", "--comment", "verdict/comment.md"];
    assert_eq!(words[..8], expected);
    let (commit, device) = (format!("--commit={HOSTILE}"), format!("--device={HOSTILE}"));
    let rest = ["--backend=tract", &commit, "--model=tiny", "--margin=decode_throughput=3%", &device];
    assert_eq!(words[12..], rest, "each is one word");
    assert_eq!(job.outputs(), "status=10\n");
    assert_eq!(fs::read_to_string(job.path("step-summary")).unwrap(), "## worse\n");
    assert!(!Path::new("/tmp/pocketwatt-injected").exists());
}

/// Answers a list with what is in `comments`, and writes down everything else.
const GH: &str = r#"case " $* " in *" --paginate "*) cat "$WROTE.comments" ;; *) echo "$*" >>"$WROTE" ;; esac"#;

#[test]
fn one_comment_is_kept_up_to_date() {
    let job = Job::new();
    job.stand_in("gh", GH);
    let marker = "<!-- pocketwatt-ci board -->";
    let comment = job.path("comment.md");
    fs::write(&comment, format!("{marker}\n## worse\n")).unwrap();
    let body = format!("--field body=@{}", comment.display());
    let environment = [
        ("COMMENT", comment.to_str().unwrap()),
        ("PULL_REQUEST", "7"),
        ("REPOSITORY", "us/it"),
        ("HEAD_REPOSITORY", "us/it"),
    ];
    // Somebody else's comment begins with the marker, and another job's is of a program.
    let others = format!("11\tUser\t{marker}\n12\tBot\t<!-- pocketwatt-ci other -->\n13\tBot\tbuild failed\n");
    fs::write(job.path("wrote.comments"), &others).unwrap();
    succeeded(&job.step("comment", &environment));
    assert_eq!(job.wrote(), format!("api --silent --method POST repos/us/it/issues/7/comments {body}\n"));

    fs::remove_file(job.path("wrote")).unwrap();
    fs::write(job.path("wrote.comments"), format!("{others}14\tBot\t{marker}\n")).unwrap();
    succeeded(&job.step("comment", &environment));
    assert_eq!(job.wrote(), format!("api --silent --method PATCH repos/us/it/issues/comments/14 {body}\n"));
}

#[test]
fn where_a_job_may_not_write_it_does_not_try() {
    let job = Job::new();
    job.stand_in("gh", "echo called >>\"$WROTE\"; exit 1");
    let comment = job.path("comment.md");
    let comment = comment.to_str().unwrap();
    fs::write(comment, "<!-- pocketwatt-ci x -->\n").unwrap();
    let of = |pull_request: &str, head: &str, file: &str| {
        let environment =
            [("COMMENT", file), ("PULL_REQUEST", pull_request), ("REPOSITORY", "us/it"), ("HEAD_REPOSITORY", head)];
        job.step("comment", &environment)
    };
    for (output, words) in [
        (of("7", "them/it", comment), "of a fork"),
        (of("", "", comment), "no pull request"),
        (of("7", "us/it", "nowhere.md"), "nothing was measured"),
    ] {
        succeeded(&output);
        assert!(said(&output).contains(words), "{}", said(&output));
    }
    assert_eq!(job.wrote(), "");
    assert!(!of(HOSTILE, "us/it", comment).status.success());
    fs::write(comment, "no marker\n").unwrap();
    assert!(!of("7", "us/it", comment).status.success());
}

/// Adds a file that is named after the commit, and writes a site with the names of all.
const POCKETWATT: &str = r#"
printf '%s\n' "$@" >>"$WROTE"
case $1 in
    history) mkdir -p "$5/entries"; echo x >"$5/entries/$7.json" ;;
    dashboard) ls "$2/entries" >"$4/index.html" ;;
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
    ];
    succeeded(&job.step("publish", &environment));
    let first = job.git(&job.work(), &["rev-parse", "HEAD"]);
    assert_eq!(job.files("pocketwatt-history"), [format!("entries/{first}.json")], "nothing of the code");
    assert_eq!(job.files("pages"), [".nojekyll", "index.html"]);
    let words = job.wrote();
    assert!(words.contains(&format!("--branch={HOSTILE}\n")) && words.contains("--message=second\n"), "{words}");

    job.commit(HOSTILE);
    succeeded(&job.step("publish", &environment));
    assert_eq!(job.files("pocketwatt-history").len(), 2);
    assert!(job.git(&job.path("origin"), &["show", "pages:index.html"]).contains(&first), "the whole history");
    let again = job.step("publish", &environment);
    succeeded(&again);
    assert!(said(&again).contains("pocketwatt-history has it already"), "{}", said(&again));
    assert!(!Path::new("/tmp/pocketwatt-injected").exists());
    let refused = job.step("publish", &[&environment[..1], &[("HISTORY_BRANCH", "--x")], &environment[2..]].concat());
    assert!(!refused.status.success() && said(&refused).contains("no branch can have such a name"));
}

#[test]
fn whoever_comes_second_begins_again_with_what_was_pushed() {
    let job = Job::new();
    // The first time, another job pushes a run of its own after this one has fetched.
    let other = r#"
if [ "$1" = history ] && [ ! -e "$WROTE.raced" ]; then
    touch "$WROTE.raced"
    other=$(mktemp -d)
    git clone --quiet "$ORIGIN" "$other" && cd "$other" && git checkout --quiet --orphan other && git rm -rf --quiet .
    mkdir entries && echo y >entries/other.json && git add entries && git commit --quiet --message other
    git push --quiet origin HEAD:refs/heads/pocketwatt-history
    cd - >/dev/null
fi"#;
    let program = job.stand_in("pocketwatt", &format!("{other}\n{POCKETWATT}"));
    let origin = job.path("origin");
    let environment = [
        ("POCKETWATT", program.as_str()),
        ("HISTORY_BRANCH", "pocketwatt-history"),
        ("BRANCH", "main"),
        ("ORIGIN", origin.to_str().unwrap()),
    ];
    let output = job.step("publish", &environment);
    succeeded(&output);
    assert!(said(&output).contains("attempt 1 failed"), "{}", said(&output));
    assert_eq!(job.files("pocketwatt-history").len(), 2, "both runs are there");
}
