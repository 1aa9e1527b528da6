//! How the end-to-end tests in `tests/` run the real `pocketwatt`: in a folder of their own, on the fake backend.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test tells what is wrong by panicking")]

pub mod browser;
mod calibration;
pub mod phone;
mod twins;

use std::{
    env,
    ffi::{OsStr, OsString},
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::OnceLock,
    thread,
    time::Duration,
};

use pocketwatt_model::sha256_of_file;
use pocketwatt_record::{Record, RunFolder, latest_run};
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process};
use tempfile::TempDir;

pub use calibration::calibration_of;

/// Nothing that a test waits for takes this long on any machine: storing a record waits for a disk that a compiler keeps
/// busy, which once took a minute.
const PATIENCE: Duration = Duration::from_secs(300);
const STEP: Duration = Duration::from_millis(5);

/// A folder with its own cache and results.
pub struct Bench {
    root: TempDir,
    environment: Vec<(String, OsString)>,
}

/// The result of a command.
#[derive(Debug)]
pub struct Finished {
    /// Exit status; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// A running command. It is killed when this is dropped.
pub struct Running {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Default for Bench {
    fn default() -> Self {
        Self::new()
    }
}

impl Bench {
    /// An empty bench.
    pub fn new() -> Self {
        Self { root: tempfile::tempdir().expect("a temporary folder"), environment: Vec::new() }
    }

    /// Sets a variable for all further commands.
    pub fn set(&mut self, variable: &str, value: impl Into<OsString>) {
        self.environment.push((variable.to_owned(), value.into()));
    }

    /// Replaces the fake backend's runner by a shell script for all further commands, and returns its path. In it, `RUNNER`
    /// stands for the real runner.
    pub fn wrap_runner(&mut self, script: &str) -> PathBuf {
        let runner = programs().join("pocketwatt-fake");
        let text =
            self.write("script", &format!("#!/bin/sh\n{}\n", script.replace("RUNNER", runner.to_str().unwrap())));
        let wrapper = self.path("runners/pocketwatt-fake");
        // Written by another process: a file that is open for writing here, if only for a moment in a child of another test, cannot be
        // executed.
        let installed = Command::new("install").args(["-D", "-m", "755", &text]).arg(&wrapper).status().unwrap();
        assert!(installed.success());
        self.set("POCKETWATT_RUNNERS", self.path("runners"));
        wrapper
    }

    /// A path in its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Writes a file into its folder, and returns the path.
    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path.to_str().expect("a path in UTF-8").to_owned()
    }

    /// The folder of a model, which need not exist yet.
    pub fn model(&self, name: &str) -> PathBuf {
        self.path("cache/models").join(name)
    }

    /// Takes a lock of the cache, like another process in any container, until the file is dropped.
    pub fn hold(&self, lock: &str) -> File {
        let locks = self.path("cache/locks");
        fs::create_dir_all(&locks).unwrap();
        fs::write(locks.join(lock), "somebody else\n").unwrap();
        let file = File::open(locks.join(lock)).unwrap();
        file.lock().unwrap();
        file
    }

    /// Adds a file to a model of the library as if it had come with it.
    pub fn replace(&self, model: &str, file: &str, contents: &str) {
        let model = self.model(model);
        fs::write(model.join(file), contents).unwrap();
        let manifest = model.join("pocketwatt.json");
        let mut described: serde_json::Value = serde_json::from_str(&fs::read_to_string(&manifest).unwrap()).unwrap();
        let sha256 = sha256_of_file(&model.join(file)).unwrap();
        match file {
            "tokenizer.json" => described["tokenizer_sha256"] = sha256.into(),
            other => described["other_sha256"][other] = sha256.into(),
        }
        fs::write(manifest, described.to_string()).unwrap();
    }

    /// A `pocketwatt` command, with a script for the fake backend.
    pub fn start(&self, script: &str, arguments: &[&str]) -> Running {
        self.spawn(self.command(script).args(arguments))
    }

    /// Runs a command line of a user to its end; `pocketwatt` is found like an installed program.
    pub fn shell(&self, line: &str) -> Finished {
        let path = env::join_paths([programs(), Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
        self.spawn(self.program("sh", "").env("PATH", path).args(["-c", line])).finish()
    }

    /// A copy of `pocketwatt` in a folder of its own, as if it were installed there.
    pub fn install(&self) -> PathBuf {
        let (from, to) = (programs().join("pocketwatt"), self.path("bin/pocketwatt"));
        fs::create_dir_all(self.path("bin")).unwrap();
        fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(|_| ())).unwrap();
        to
    }

    /// The same with that program in place of `pocketwatt`.
    pub fn start_program(&self, program: &Path, script: &str, arguments: &[&str]) -> Running {
        self.spawn(self.program(program, script).args(arguments))
    }

    /// `pocketwatt` without arguments.
    pub fn command(&self, script: &str) -> Command {
        self.program(programs().join("pocketwatt"), script)
    }

    fn program(&self, program: impl AsRef<OsStr>, script: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.root.path())
            .env("POCKETWATT_CACHE", self.path("cache"))
            .env("POCKETWATT_RUNNERS", programs())
            // Tests run in parallel, and each is alone on a device of its own.
            .env("POCKETWATT_DEVICE_LOCK", self.path("device.lock"))
            .env("POCKETWATT_FAKE", script)
            .env("NO_COLOR", "1")
            .envs(self.environment.iter().map(|(variable, value)| (variable, value)))
            .stdin(Stdio::null())
            .own_group();
        command
    }

    /// Starts a command with files as its outputs.
    pub fn spawn(&self, command: &mut Command) -> Running {
        let number = fs::read_dir(self.root.path()).unwrap().count();
        let (stdout, stderr) = (self.path(&format!("stdout-{number}")), self.path(&format!("stderr-{number}")));
        let child = command
            .stdout(File::create(&stdout).unwrap())
            .stderr(File::create(&stderr).unwrap())
            .spawn()
            .expect("it starts");
        Running { child, stdout, stderr }
    }

    /// Runs any command to its end.
    pub fn pocketwatt(&self, arguments: &[&str]) -> Finished {
        self.start("", arguments).finish()
    }

    /// Runs `pocketwatt run` on the fake backend and a tiny model to its end.
    pub fn run(&self, script: &str, arguments: &[&str]) -> Finished {
        self.start_run(script, arguments).finish()
    }

    /// The same, still running.
    pub fn start_run(&self, script: &str, arguments: &[&str]) -> Running {
        let common = ["run", "--backend", "fake", "--model", "tiny", "--no-probe"];
        self.start(script, &[&common, arguments].concat())
    }

    /// Runs `pocketwatt run --resume` to its end.
    pub fn resume(&self, script: &str, arguments: &[&str]) -> Finished {
        self.start(script, &[&["run", "--resume"], arguments].concat()).finish()
    }

    /// The newest run.
    pub fn folder(&self) -> RunFolder {
        latest_run(&self.path("results")).expect("a stored run").folder
    }

    /// The records of the newest run.
    pub fn records(&self) -> Vec<Record> {
        self.folder().records().expect("readable records").intact
    }
}

impl Finished {
    /// Panics with everything that was written unless the exit status is `code`.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "exit status\n{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Panics unless standard error contains all of these.
    #[track_caller]
    pub fn expect_stderr(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "{part:?} is not in: {}", self.stderr);
        }
        self
    }
}

impl Running {
    /// Process number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its standard error so far.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.stderr).unwrap()).into_owned()
    }

    /// Waits until it ends.
    pub fn finish(mut self) -> Finished {
        let status: ExitStatus = wait_for("the end of pocketwatt", || self.child.try_wait().unwrap());
        let read = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        Finished { code: status.code(), stdout: read(&self.stdout), stderr: read(&self.stderr) }
    }

    /// Kills it; false if it had already ended.
    pub fn kill(&mut self) -> bool {
        let lives = self.child.try_wait().unwrap().is_none();
        if lives {
            self.child.kill().unwrap();
        }
        lives
    }

    /// Its standard error so far.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap()
    }

    /// Sends it a signal, and only it.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Sends a signal to its process group, as a terminal does on Ctrl-C.
    pub fn signal_group(&self, signal: Signal) {
        kill_process_group(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The file in which the fake notes its starts.
pub struct Starts(PathBuf);

impl Starts {
    /// No start so far.
    pub fn new(bench: &Bench) -> Self {
        Self::named(bench, "starts")
    }

    /// The same in a file with that name.
    pub fn named(bench: &Bench, name: &str) -> Self {
        Self(bench.path(name))
    }

    /// The words of a script that trigger a fault in only one start.
    pub fn only(&self, start: usize) -> String {
        format!("starts={},start={start}", self.0.display())
    }

    /// The words of a script that count starts.
    pub fn count(&self) -> String {
        format!("starts={}", self.0.display())
    }

    /// Process numbers of the runners so far.
    pub fn processes(&self) -> Vec<i32> {
        let text = fs::read_to_string(&self.0).unwrap_or_default();
        text.lines().map(|line| line.parse().unwrap()).collect()
    }
}

/// Whether such a process exists.
pub fn is_alive(process: i32) -> bool {
    let process = Pid::from_raw(process).expect("a process number");
    // A process that has ended but was not waited for exists, too, as a zombie.
    let zombie = || {
        let status = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).unwrap_or_default();
        status.rsplit(") ").next().is_none_or(|rest| rest.starts_with('Z'))
    };
    test_kill_process(process).is_ok() && !zombie()
}

/// Waits until there is an answer.
#[track_caller]
pub fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    for _ in 0..PATIENCE.as_millis() / STEP.as_millis() {
        if let Some(answer) = condition() {
            return answer;
        }
        thread::sleep(STEP);
    }
    panic!("waited too long for {what}");
}

/// Waits until the condition is true.
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(what, || condition().then_some(()));
}

trait OwnGroup {
    /// Signals to the group of the tests do not reach it, and vice versa.
    fn own_group(&mut self) -> &mut Self;
}

impl OwnGroup for Command {
    fn own_group(&mut self) -> &mut Self {
        std::os::unix::process::CommandExt::process_group(self, 0)
    }
}

/// The folder of the programs, in the profile of the tests.
///
/// `cargo test` on the whole workspace has already built them, together with the tests of their crates: they are requested
/// with the same options, so that nothing is compiled twice, and nothing out of date is tested.
pub fn programs() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let test = env::current_exe().unwrap();
        let folder = test.ancestors().nth(2).expect("target/<profile>/deps/<test>").to_owned();
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["test", "--no-run", "--quiet", "--locked", "--test", "program", "--target-dir"]);
        cargo.arg(folder.parent().expect("target"));
        match folder.file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => &mut cargo,
            Some(profile) => cargo.args(["--profile", profile]),
        };
        cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace"));
        assert!(cargo.status().expect("cargo starts").success(), "the programs are not built");
        folder
    })
}
