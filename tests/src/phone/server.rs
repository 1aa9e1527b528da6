//! A server of the real `adb` that only one test uses.

use std::{
    env,
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

use crate::{Bench, wait_until};

/// A phone with an address.
pub trait Addressed {
    /// By which adb knows it.
    fn address(&self) -> String;
}

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
            super::skipped("adb is not installed (Debian: apt-get install adb)");
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

    /// Connects a phone, as soon as it listens, and waits until it is in that state.
    pub fn connect(&self, phone: &impl Addressed, state: &str) {
        wait_until(&format!("a phone that is {state}"), || {
            // One that is just starting refuses the connection, and adb does not try again by itself.
            if self.state(phone).is_none() {
                self.adb(&["connect", &phone.address()]);
            }
            self.state(phone).as_deref() == Some(state)
        });
    }

    /// Waits until adb lists the phone in that state.
    pub fn wait_for(&self, phone: &impl Addressed, state: &str) {
        wait_until(&format!("a phone that is {state}"), || self.state(phone).as_deref() == Some(state));
    }

    /// As adb lists it.
    fn state(&self, phone: &impl Addressed) -> Option<String> {
        let listed = self.adb(&["devices"]).stdout;
        let (listed, address) = (String::from_utf8_lossy(&listed), phone.address());
        listed.lines().find_map(|line| Some(line.strip_prefix(&address)?.trim().to_owned()))
    }

    /// Runs the client to its end. It has no time limit of its own.
    pub fn adb(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// The client, without arguments.
    pub fn command(&self) -> Command {
        let home: &Path = self.home.path();
        let mut command = Command::new("adb");
        command.env("ANDROID_ADB_SERVER_PORT", self.port.to_string()).env("HOME", home);
        command.env_remove("ADB_VENDOR_KEYS");
        command
    }
}

impl Drop for AdbServer {
    fn drop(&mut self) {
        self.adb(&["kill-server"]);
    }
}
