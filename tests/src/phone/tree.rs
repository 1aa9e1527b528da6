//! What a stand-in phone without programs has on board: files below a folder, and the commands of Android that read them.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use super::daemon::System;

/// Folders of a phone that commands name by their whole path.
const FOLDERS: [&str; 3] = ["/sys/", "/proc/self/", "/data/local/tmp"];
/// Android's own shell, where it is installed, else any.
const SHELLS: [&str; 2] = ["/usr/bin/mksh", "/bin/sh"];

/// The files of a phone.
pub struct Tree {
    folder: TempDir,
}

impl Default for Tree {
    fn default() -> Self {
        Self::new()
    }
}

impl Tree {
    /// A phone of 64 bits with two clusters of cores, on which nothing is restricted, and without a battery service or sensors.
    pub fn new() -> Self {
        let tree = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(tree.path("data/local/tmp")).unwrap();
        tree.command("getprop", "cat \"$ROOT/properties/$1\" 2>/dev/null || echo");
        tree.command("dumpsys", "cat \"$ROOT/dumpsys/$1\" 2>/dev/null || echo \"Can't find service: $1\" >&2");
        tree.write("proc/self/status", "Name:\tcat\nSeccomp:\t0\n");
        for core in 0..8 {
            let (capacity, frequency) = if core < 4 { ("250", "1800000") } else { ("1024", "2850000") };
            let file = |name: &str, value: &str| tree.write(&format!("sys/devices/system/cpu/cpu{core}/{name}"), value);
            file("cpu_capacity", capacity);
            file("cpufreq/cpuinfo_max_freq", frequency);
            file("cpufreq/scaling_max_freq", frequency);
        }
        fs::create_dir_all(tree.path("sys/class/power_supply")).unwrap();
        tree.properties("ro.product.manufacturer=Standin\nro.product.model=One\nro.build.version.release=16\n");
        tree.properties("ro.product.cpu.abilist=arm64-v8a,armeabi-v7a\nro.soc.manufacturer=Nobody\nro.soc.model=N1\n");
        tree
    }

    /// Sets properties, from lines `key=value`.
    pub fn properties(&self, lines: &str) {
        for (key, value) in lines.lines().filter_map(|line| line.split_once('=')) {
            self.property(key, value);
        }
    }

    /// Sets a property to any text.
    pub fn property(&self, key: &str, value: &str) {
        self.write(&format!("properties/{key}"), &format!("{value}\n"));
    }

    /// What `dumpsys SERVICE` prints.
    pub fn dumpsys(&self, service: &str, text: &str) {
        self.write(&format!("dumpsys/{service}"), text);
    }

    /// A supply of power, by the lines of its `uevent`.
    pub fn power_supply(&self, name: &str, kind: &str, uevent: &str) {
        self.write(&format!("sys/class/power_supply/{name}/type"), &format!("{kind}\n"));
        self.write(&format!("sys/class/power_supply/{name}/uevent"), uevent);
    }

    /// Refuses the supplies of power to the shell, as a Samsung does.
    pub fn deny_power_supplies(&self) {
        let refusal = "for file; do case $file in */power_supply/*) echo \"cat: $file: Permission denied\" >&2; exit 1;; esac; done";
        self.command("cat", &format!("{refusal}\nexec /bin/cat \"$@\""));
    }

    /// Writes a file.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn command(&self, name: &str, script: &str) {
        let path = self.path(&format!("system/bin/{name}"));
        self.write(&format!("system/bin/{name}.sh"), &format!("#!/bin/sh\n{script}\n"));
        let written = path.with_extension("sh");
        fs::set_permissions(&written, fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(written, path).unwrap();
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }
}

impl System for Tree {
    /// What adb sent, as the phone's shell runs it, with the phone's files in place of this machine's.
    fn command(&self, line: &str) -> Command {
        let root = self.folder.path().to_str().unwrap();
        let below =
            FOLDERS.iter().fold(line.to_owned(), |line, folder| line.replace(folder, &format!("{root}{folder}")));
        let shell = SHELLS.into_iter().find(|shell| Path::new(shell).exists()).unwrap();
        let mut command = Command::new(shell);
        command.args(["-c", &below]).current_dir(root).env_clear();
        command.env("ROOT", root).env("PATH", format!("{root}/system/bin:/usr/bin:/bin"));
        command
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }
}

/// A text of a real phone.
pub fn capture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../harness/phone/fixtures").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The part of a capture below the line that begins with `#name`.
pub fn section<'a>(text: &'a str, name: &str) -> &'a str {
    let below = text.split_once(&format!("#{name}")).unwrap().1.split_once('\n').unwrap().1;
    &below[..below.find("\n#").map_or(below.len(), |end| end + 1)]
}
