//! A job of a platform: a repository, a clone of it, and programs that stand in for others.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

/// Names that would do something if a shell or a page took them for more than names.
pub const HOSTILE: &str = "$(touch /tmp/pocketwatt-injected) `x` \"; exit 0; # <b>";
/// Of the platform on which the tests themselves may run.
const OF_THE_PLATFORM: [&str; 8] = [
    "GITHUB_WORKSPACE",
    "GITHUB_ACTION_PATH",
    "CARGO_TARGET_DIR",
    "WORK",
    "KEY",
    "RUNNERS",
    "BASE_RUNNERS",
    "POCKETWATT",
];

/// A clone of a repository with two commits, and a folder of programs that stand in for others.
pub struct Job {
    root: TempDir,
}

impl Job {
    pub fn new() -> Self {
        let job = Self { root: tempfile::tempdir().unwrap() };
        fs::create_dir(job.path("programs")).unwrap();
        job.git(&job.path(""), &["init", "--quiet", "--bare", "--initial-branch", "main", "origin"]);
        job.git(&job.path("origin"), &["config", "uploadpack.allowAnySHA1InWant", "true"]);
        job.git(&job.path(""), &["clone", "--quiet", "origin", "work"]);
        job.commit("first");
        job.commit("second");
        job.push();
        job
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub fn work(&self) -> PathBuf {
        self.path("work")
    }

    /// What the steps hand to each other.
    pub fn handed(&self, name: &str) -> PathBuf {
        self.path("temporary/pocketwatt-default").join(name)
    }

    /// Commits a file with the message as its text.
    pub fn commit(&self, message: &str) -> String {
        fs::write(self.work().join("file"), message).unwrap();
        self.in_work(&["add", "file"]);
        self.in_work(&["commit", "--quiet", "--message", message]);
        self.head()
    }

    pub fn push(&self) {
        self.in_work(&["push", "--quiet", "--force", "origin", "HEAD:refs/heads/main"]);
    }

    pub fn head(&self) -> String {
        self.in_work(&["rev-parse", "HEAD"])
    }

    pub fn in_work(&self, arguments: &[&str]) -> String {
        self.git(&self.work(), arguments)
    }

    /// Clones anew, with so many commits.
    pub fn clone_shallow(&self, depth: u32) {
        let origin = format!("file://{}", self.path("origin").display());
        fs::remove_dir_all(self.work()).unwrap();
        self.git(&self.path(""), &["clone", "--quiet", "--depth", &depth.to_string(), &origin, "work"]);
    }

    pub fn git(&self, folder: &Path, arguments: &[&str]) -> String {
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
        let of_gitlab = std::env::vars_os().map(|(variable, _)| variable);
        let of_gitlab = of_gitlab.filter(|variable| variable.as_encoded_bytes().starts_with(b"CI_"));
        for variable in of_gitlab.chain(OF_THE_PLATFORM.map(OsString::from)) {
            command.env_remove(variable);
        }
        command.env("GIT_COMMITTER_EMAIL", "x@x").env("WROTE", self.path("wrote"));
        command.env("RUNNER_TEMP", self.path("temporary"));
        command
    }

    /// A program that is a shell script; what it writes to `$WROTE` is [`Job::wrote`].
    pub fn stand_in(&self, name: &str, script: &str) -> String {
        let path = self.path("programs").join(name);
        let text = self.path("script");
        fs::write(&text, format!("#!/bin/bash\n{script}\n")).unwrap();
        // By another process: a file that is open for writing here cannot be executed.
        let installed = Command::new("install").args(["-m", "755"]).args([&text, &path]).status().unwrap();
        assert!(installed.success());
        path.to_str().unwrap().to_owned()
    }

    pub fn wrote(&self) -> String {
        fs::read_to_string(self.path("wrote")).unwrap_or_default()
    }

    pub fn forget(&self) {
        let _ = fs::remove_file(self.path("wrote"));
        let _ = fs::remove_file(self.path("output"));
    }

    /// A step in the clone.
    pub fn started(&self, name: &str, environment: &[(&str, &str)]) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/ci").join(name);
        let script = script.canonicalize().unwrap();
        let mut command = self.command(script.to_str().unwrap(), &self.work());
        command.env("GITHUB_OUTPUT", self.path("output")).env("GITHUB_STEP_SUMMARY", self.path("step-summary"));
        command.envs(environment.iter().copied());
        command
    }

    /// Runs a step in the clone.
    pub fn step(&self, name: &str, environment: &[(&str, &str)]) -> Output {
        self.started(name, environment).output().unwrap()
    }

    /// What the last step handed to the platform.
    pub fn outputs(&self) -> String {
        fs::read_to_string(self.path("output")).unwrap_or_default()
    }

    /// The files of a branch of the origin.
    pub fn files(&self, branch: &str) -> Vec<String> {
        let names = self.git(&self.path("origin"), &["ls-tree", "-r", "--name-only", branch]);
        names.lines().map(str::to_owned).collect()
    }
}

#[track_caller]
pub fn succeeded(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// That it failed, and said why.
#[track_caller]
pub fn refused(output: &Output, words: &str) {
    assert!(!output.status.success() && said(output).contains(words), "{words:?} is not in {}", said(output));
}

pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
