//! A server of the real `adb` that only one test uses.

use std::{
    env,
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
};

use pocketwatt_tests::{Bench, wait_until};
use tempfile::TempDir;

use super::StandIn;

/// The server. It ends when this is dropped.
pub struct AdbServer {
    port: u16,
    home: TempDir,
}

impl AdbServer {
    /// Starts it; `None`, after a note that says so, where adb is not installed.
    pub fn start() -> Option<Self> {
        let folders = env::var_os("PATH").unwrap_or_default();
        if !env::split_paths(&folders).any(|folder| folder.join("adb").is_file()) {
            eprintln!("skipped: adb is not installed (Debian: apt-get install adb)");
            return None;
        }
        // The port is free a moment later, too, unless another process of this machine is very quick.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self { port, home: tempfile::tempdir().unwrap() };
        let started = server.adb(&["start-server"]);
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
        Some(server)
    }

    /// Makes the commands of a bench use it.
    pub fn serve(&self, bench: &mut Bench) {
        bench.set("ANDROID_ADB_SERVER_PORT", self.port.to_string());
        bench.set("HOME", self.home.path());
        bench.set("ADB", "");
    }

    /// Connects a phone, and waits until it is in that state.
    pub fn connect(&self, phone: &StandIn, state: &str) {
        self.adb(&["connect", &phone.address()]);
        self.wait_for(phone, state);
    }

    /// Waits until adb lists the phone in that state.
    pub fn wait_for(&self, phone: &StandIn, state: &str) {
        let line = format!("{}\t{state}", phone.address());
        wait_until(&format!("a phone that is {state}"), || {
            String::from_utf8_lossy(&self.adb(&["devices"]).stdout).lines().any(|listed| listed == line)
        });
    }

    fn adb(&self, arguments: &[&str]) -> Output {
        // The server that a command starts must not keep this test's outputs open, so that its end is seen.
        let home: &Path = self.home.path();
        let mut command = Command::new("adb");
        command.args(arguments).env("ANDROID_ADB_SERVER_PORT", self.port.to_string()).env("HOME", home);
        command.env_remove("ADB_VENDOR_KEYS").stdin(Stdio::null()).output().unwrap()
    }
}

impl Drop for AdbServer {
    fn drop(&mut self) {
        self.adb(&["kill-server"]);
    }
}
