use std::{
    env, fs, io,
    io::{BufRead, BufReader},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use tempfile::TempDir;

use super::{
    Addressed, Fault, Faults, PowerModel, Truth,
    machine::files::{self, FAULTS, MACHINE_REQUEST, POWER, REQUEST, TRUTH},
};
use crate::wait_until;

/// A whole phone as a process of its own, on which programs run. It is killed when this is dropped.
pub struct StandInPhone {
    folder: TempDir,
    options: Vec<String>,
    port: u16,
    process: Option<Child>,
}

impl StandInPhone {
    /// Starts a phone with further options of `stand-in-phone`; `None`, after a note that says why, where there can be none.
    pub fn start(options: &[&str]) -> Option<Self> {
        let options = options.iter().map(|&option| option.to_owned()).collect();
        let mut phone = Self { folder: tempfile::tempdir().unwrap(), options, port: 0, process: None };
        match phone.power_on() {
            Ok(()) => Some(phone),
            Err(why) => {
                super::skipped(&format!("there is no stand-in phone here: {why}"));
                None
            }
        }
    }

    /// Starts it again after [`Self::cut_power`]: the same phone with the same address.
    ///
    /// # Errors
    /// What the program said when it did not start.
    pub fn power_on(&mut self) -> Result<(), String> {
        let said = self.folder.path().join("said");
        let mut command = Command::new(program());
        command.arg(self.root()).args(["--port", &self.port.to_string(), "--until-stdin-ends"]).args(&self.options);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(fs::File::create(&said).unwrap());
        let mut process = command.spawn().map_err(|error| format!("{}: {error}", program().display()))?;
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        self.process = Some(process);
        let Some(port) = line.trim().rsplit_once(':').and_then(|(_, port)| port.parse().ok()) else {
            self.cut_power();
            return Err(fs::read_to_string(said).unwrap_or_default());
        };
        self.port = port;
        // It goes on writing.
        thread::spawn(move || io::copy(&mut output, &mut io::sink()));
        Ok(())
    }

    /// Kills it, and with it all that runs on it.
    pub fn cut_power(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
            // Its processes end one after the other.
            let address = self.address();
            wait_until("a phone to be off", || TcpStream::connect(&address).is_err());
        }
    }

    /// The folder that is its root.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("phone")
    }

    /// A file of the phone, by its path there.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root().join(path.trim_start_matches('/'))
    }

    /// Replaces a file of the phone as a whole.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        files::replace(&path, text.as_bytes()).unwrap();
    }

    /// What `dumpsys SERVICE` says from now on.
    pub fn dumpsys(&self, service: &str, text: &str) {
        self.write(&format!("standin/dumpsys/{service}"), text);
    }

    /// Sets a property of the phone.
    pub fn property(&self, key: &str, value: &str) {
        self.write(&format!("{}/{key}", files::PROPERTIES), &format!("{value}\n"));
    }

    /// The highest frequency that a core may have now, in kilohertz.
    pub fn limit_core(&self, core: u32, kilohertz: u32) {
        self.write(&format!("sys/devices/system/cpu/cpu{core}/cpufreq/scaling_max_freq"), &format!("{kilohertz}\n"));
    }

    /// From now on, this goes wrong, and nothing else.
    pub fn fail(&self, fault: Fault) {
        self.set_faults(&fault.into());
    }

    /// From now on, all of this goes wrong.
    pub fn set_faults(&self, faults: &Faults) {
        self.write(FAULTS, &serde_json::to_string(faults).unwrap());
    }

    /// Changes what the phone uses and what feeds it. It holds from about 20 ms later on.
    pub fn set_power(&self, change: impl FnOnce(&mut PowerModel)) {
        let mut model: PowerModel = serde_json::from_slice(&fs::read(self.path(POWER)).unwrap()).unwrap();
        change(&mut model);
        self.write(POWER, &serde_json::to_string_pretty(&model).unwrap());
    }

    /// Takes the cable out. The connection of adb stays, as over Wi-Fi, or is cut, too.
    pub fn unplug(&self, cuts_adb: bool) {
        self.set_power(|model| {
            model.sources.clear();
            model.status = None;
        });
        if cuts_adb {
            self.fail(Fault::Gone);
        }
    }

    /// Puts the cable in, and ends all faults.
    pub fn plug(&self, source: super::Source) {
        self.set_power(|model| {
            model.sources = vec![source];
            model.status = None;
        });
        self.fail(Fault::None);
    }

    /// What is true now; of a phone that is off, what was.
    pub fn truth(&self) -> Truth {
        if self.process.is_some() {
            self.request("truth");
        }
        serde_json::from_slice(&fs::read(self.path(TRUTH)).unwrap()).unwrap()
    }

    /// Kills the daemon alone; it comes back so many seconds later.
    pub fn kill_daemon(&self, seconds: f64) {
        self.request(&format!("kill-daemon {seconds}"));
    }

    /// Kills the daemon and all programs, as when USB debugging is switched off; the daemon comes back so many seconds later.
    pub fn kill_everything(&self, seconds: f64) {
        self.request(&format!("kill-everything {seconds}"));
    }

    /// Stops everything for so many seconds, as in sleep.
    pub fn freeze(&self, seconds: f64) {
        self.request(&format!("freeze {seconds}"));
    }

    /// From now on, it sleeps while nothing feeds it and its screen is off. A lock screen goes off after so many seconds.
    pub fn let_it_sleep(&self, locked_seconds: f64) {
        self.write(files::SLEEPS, &locked_seconds.to_string());
    }

    /// Restarts the phone, which is off for so many seconds.
    pub fn reboot(&self, seconds: f64) {
        self.ask(MACHINE_REQUEST, &format!("reboot {seconds}"));
    }

    /// Android's commands that were called so far, one a line.
    pub fn calls(&self) -> String {
        fs::read_to_string(self.path(super::commands::CALLS)).unwrap_or_default()
    }

    fn request(&self, text: &str) {
        self.ask(REQUEST, text);
    }

    /// Returns once it is carried out.
    fn ask(&self, file: &str, text: &str) {
        self.write(file, text);
        let file = self.path(file);
        wait_until(&format!("{text} on a stand-in phone"), || !file.exists());
    }
}

impl Addressed for StandInPhone {
    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for StandInPhone {
    fn drop(&mut self) {
        self.cut_power();
    }
}

/// Cargo builds it before the tests of this package, beside them.
fn program() -> &'static Path {
    static PROGRAM: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    PROGRAM.get_or_init(|| {
        let test = env::current_exe().unwrap();
        test.ancestors().nth(2).unwrap().join("stand-in-phone")
    })
}
