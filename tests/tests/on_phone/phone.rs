//! A folder that stands for a phone: the programs of the tests as a bundle, and scripts for Android's commands.

use std::{
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use pocketwatt_phone::job::{
    Before, JobFolder, JobId, JobReport, JobRequest, Manifest, RestoreLine, Untethered, WaitLine, start_command,
    started_line,
};
use pocketwatt_record::{Record, stored_runs};
use pocketwatt_tests::{Bench, Finished, Running, is_alive, programs, wait_for, wait_until};
use serde::de::DeserializeOwned;

/// Cases that take some tenths of a second together.
pub const RUN: &[&str] = &[
    "run",
    "--model",
    "tiny",
    "--backend",
    "fake",
    "--scenario",
    "decode-2,decode-3,decode-4",
    "--blocks",
    "1",
    "--iterations",
    "1",
    "--no-probe",
];
const COMMANDS: [&str; 6] = ["settings", "cmd", "dumpsys", "getprop", "input", "wm"];
/// What people have as values, and what a shell would make something of.
pub const ODD: &str = "it's  \"7\"\n$(id) `id` \\ * ; exit 3\n";

pub struct Phone {
    pub bench: Bench,
}

/// The processes of a job.
#[derive(Clone, Copy, Debug)]
pub struct Processes {
    pub shell: i32,
    pub carrier: i32,
}

impl Phone {
    pub fn new() -> Self {
        let mut bench = Bench::new();
        let (root, system) = (bench.path("phone"), bench.path("system"));
        for folder in [root.join("bin"), root.join("jobs"), system.join("values"), system.join("commands")] {
            fs::create_dir_all(folder).unwrap();
        }
        for program in ["pocketwatt", "pocketwatt-fake"] {
            let (from, to) = (programs().join(program), root.join("bin").join(program));
            fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(|_| ())).unwrap();
        }
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        fs::copy(tests.parent().unwrap().join("backends/backends.toml"), root.join("backends.toml")).unwrap();
        for command in COMMANDS {
            symlink(tests.join("tests/on_phone/android"), system.join("commands").join(command)).unwrap();
        }
        let path = env::join_paths([&system.join("commands"), Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
        bench.set("PATH", path);
        bench.set("STAND_IN", &system);
        let phone = Self { bench };
        phone.write("sdk", "34\n");
        phone.write("battery", &battery(true));
        phone.write("window", "  KeyguardServiceDelegate\n    showing=false\n    secure=true\n");
        phone
    }

    pub fn root(&self) -> PathBuf {
        self.bench.path("phone")
    }

    pub fn folder(&self, id: &str) -> JobFolder {
        JobFolder::new(&self.root(), &job(id))
    }

    /// A file of the system: see the script.
    pub fn system(&self, name: &str) -> PathBuf {
        self.bench.path("system").join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.system(name), text).unwrap();
    }

    pub fn set(&self, setting: &str, value: &str) {
        self.write(&format!("values/{setting}"), value);
    }

    /// All settings with their values, and whether the panel is off.
    pub fn settings(&self) -> (Vec<(String, String)>, bool) {
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        let values = fs::read_dir(self.system("values")).unwrap().map(|entry| entry.unwrap().path());
        let mut values: Vec<_> = values.map(|path| (name(&path), fs::read_to_string(&path).unwrap())).collect();
        values.sort();
        (values, self.system("panel-off").exists())
    }

    pub fn calls(&self) -> String {
        fs::read_to_string(self.system("calls")).unwrap_or_default()
    }

    pub fn request(&self, id: &str, arguments: &[&str], unplug_limit_s: Option<u64>) {
        let request = JobRequest {
            id: job(id),
            pocketwatt: env!("CARGO_PKG_VERSION").into(),
            arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
            cases: Some(3),
            keep_awake: true,
            untethered: unplug_limit_s.map(|unplug_limit_s| Untethered { unplug_limit_s }),
        };
        let folder = self.folder(id);
        fs::create_dir_all(folder.path()).unwrap();
        fs::write(folder.request(), serde_json::to_string(&request).unwrap()).unwrap();
    }

    /// As the host starts a job, in that shell.
    pub fn start_in(&self, shell: &str, script: &str, id: &str) {
        let line = start_command(self.root().to_str().unwrap(), &job(id));
        let started = self.bench.start_program(Path::new(shell), script, &["-c", &line]).finish().expect_code(0);
        assert_eq!(started.stdout, started_line(&job(id)) + "\n");
    }

    pub fn start(&self, script: &str, id: &str) {
        self.start_in("sh", script, id);
    }

    pub fn begin(&self, words: &[&str]) -> Running {
        self.bench.start_program(&self.root().join("bin/pocketwatt"), "", &[&["on-phone"], words].concat())
    }

    pub fn ask(&self, words: &[&str]) -> Finished {
        self.begin(words).finish()
    }

    pub fn wait(&self, id: &str) -> Vec<WaitLine> {
        lines(&self.ask(&["wait", id]).expect_code(0))
    }

    /// Waits for its end, and for that of the shell around it.
    pub fn end(&self, id: &str) -> JobReport {
        let report = match self.wait(id).pop().unwrap() {
            WaitLine::End { report, .. } => report,
            line => panic!("{line:?} is not the last line"),
        };
        self.ensure_put_back_by_itself(id);
        report
    }

    pub fn ensure_put_back_by_itself(&self, id: &str) {
        wait_until("settings to be put back", || !self.folder(id).before().exists());
    }

    pub fn jobs(&self) -> Vec<JobReport> {
        lines(&self.ask(&["jobs"]).expect_code(0))
    }

    pub fn restore(&self) -> Vec<RestoreLine> {
        lines(&self.ask(&["restore"]).expect_code(0))
    }

    pub fn manifest(&self, id: &str) -> Manifest {
        lines(&self.ask(&["manifest", id]).expect_code(0)).pop().unwrap()
    }

    pub fn before(&self, id: &str) -> Option<Before> {
        Before::read(&self.folder(id).before()).unwrap()
    }

    /// All records of a job; none may be damaged.
    pub fn records(&self, id: &str) -> Vec<Record> {
        let Ok((runs, errors)) = stored_runs(&self.folder(id).results()) else { return Vec::new() };
        assert!(errors.is_empty(), "{errors:?}");
        let records = runs.iter().map(|run| run.records().unwrap());
        records
            .inspect(|records| assert!(records.damaged.is_empty(), "{:?}", records.damaged))
            .flat_map(|r| r.intact)
            .collect()
    }

    /// The processes of a job, once it is carried out.
    pub fn processes(&self, id: &str) -> Option<Processes> {
        let lock = fs::read_to_string(self.folder(id).lock()).ok()?;
        let carrier = lock.trim().rsplit(' ').next()?.parse().ok()?;
        let status = fs::read_to_string(format!("/proc/{carrier}/status")).ok()?;
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
        Some(Processes { shell: parent.trim().parse().ok()?, carrier })
    }

    pub fn wait_for_processes(&self, id: &str) -> Processes {
        wait_for("the job's process", || self.processes(id))
    }

    pub fn ensure_gone(&self, processes: &[i32]) {
        for process in processes {
            wait_until("the end of a process", || !is_alive(*process));
        }
    }
}

impl Processes {
    /// The run, if it lives.
    pub fn run(self) -> Option<i32> {
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.carrier)).ok()?;
        let is_run = |process: &&str| {
            let words = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&words).contains("\0run\0")
        };
        children.split_ascii_whitespace().find(is_run)?.parse().ok()
    }
}

pub fn job(id: &str) -> JobId {
    JobId::try_from(id.to_owned()).unwrap()
}

pub fn lines<T: DeserializeOwned>(finished: &Finished) -> Vec<T> {
    finished
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}")))
        .collect()
}

/// What `dumpsys battery` prints.
pub fn battery(is_powered: bool) -> String {
    let status = if is_powered { 2 } else { 3 };
    format!(
        "Current Battery Service state:\n  AC powered: false\n  USB powered: {is_powered}\n  Wireless powered: false\n  status: {status}\n  level: 80\n  scale: 100\n  voltage: 4000\n  temperature: 250\n"
    )
}
