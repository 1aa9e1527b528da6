//! What lies on the phone when it is new, and where.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::Options;
use crate::phone::{
    battery::{PowerModel, Source},
    commands,
    tree::section,
};

/// This program, as the phone sees it.
pub(in crate::phone) const PROGRAM: &str = "/standin/bin/stand-in-phone";
pub(in crate::phone) const FAULTS: &str = "/standin/faults.json";
/// The [`PowerModel`]: the test writes it.
pub(in crate::phone) const POWER: &str = "/standin/power.json";
/// The [`crate::phone::Truth`]: init writes it.
pub(in crate::phone) const TRUTH: &str = "/standin/truth.json";
/// What init is asked to do; it removes the file once that is done.
pub(in crate::phone) const REQUEST: &str = "/standin/request";
/// What the machine is asked to do.
pub(in crate::phone) const MACHINE_REQUEST: &str = "/standin/machine-request";
/// A file for each property; those that were set and do not last beyond a reboot are apart.
pub(in crate::phone) const PROPERTIES: &str = "/standin/properties";
pub(in crate::phone) const PROPERTIES_SET: &str = "/standin/run/properties";
/// The form of `dumpsys battery`, if it is that of a real phone.
pub(in crate::phone) const BATTERY_FORM: &str = "/standin/battery-form";
/// A phone with this file sleeps while nothing feeds it and its screen is off; it may have the seconds after which a lock screen goes off.
pub(in crate::phone) const SLEEPS: &str = "/standin/sleeps";
/// What is true until the next reboot: whether the screen is on, and the like.
pub(in crate::phone) const RUN: &str = "/standin/run";

const BOOT_ID: &str = "standin/boot_id";
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../harness/phone/fixtures");
/// Tools of toybox that would reach beyond the phone, or have a stand-in.
const NOT_LINKED: [&str; 6] = ["reboot", "halt", "poweroff", "mount", "umount", "chroot"];

/// Writes a file as a whole.
pub(in crate::phone) fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let part = path.with_extension("part");
    fs::write(&part, text)?;
    fs::rename(part, path)
}

/// Makes what is not there yet.
pub(super) fn prepare(options: &Options) -> Result<()> {
    let root = Root(&options.dir);
    for folder in ["system/bin", "data/local/tmp", "standin/run", "standin/dumpsys", "sys/class/power_supply"] {
        fs::create_dir_all(root.path(folder))?;
    }
    root.link("system/bin/sh", "/usr/bin/mksh")?;
    root.link("bin", "system/bin")?;
    let tools = Command::new("/usr/bin/toybox").output().context("toybox")?;
    for tool in String::from_utf8_lossy(&tools.stdout).split_whitespace() {
        if !NOT_LINKED.contains(&tool) && !commands::NAMES.contains(&tool) {
            root.link(&format!("system/bin/{tool}"), "/usr/bin/toybox")?;
        }
    }
    for name in commands::NAMES {
        root.link(&format!("system/bin/{name}"), PROGRAM)?;
    }
    processors(&root)?;
    let mut model = PowerModel::default();
    if let Some(name) = &options.capture {
        let folder = [Path::new(FIXTURES).join(name), name.into()].into_iter().find(|folder| folder.is_dir());
        capture(&root, &folder.with_context(|| format!("there is no capture {name}"))?, &mut model)?;
    }
    if let Some(model) = &options.model {
        fs::create_dir_all(root.path(PROPERTIES))?;
        fs::write(root.path(&format!("{PROPERTIES}/ro.product.model")), format!("{model}\n"))?;
    }
    root.properties(
        "ro.product.manufacturer=Standin\nro.product.model=One\nro.build.version.release=16\nro.build.version.sdk=36\n\
         ro.product.cpu.abi=arm64-v8a\nro.product.cpu.abilist=arm64-v8a,armeabi-v7a\nro.soc.manufacturer=Nobody\n\
         ro.soc.model=N1\nro.build.type=user\n",
    )?;
    root.new_file(POWER, &serde_json::to_string_pretty(&model)?)?;
    Ok(())
}

/// What differs from one start of the phone to the next.
pub(super) fn begin_start(root: &Path) -> Result<()> {
    let run = root.join(RUN.trim_start_matches('/'));
    let _ = fs::remove_dir_all(&run);
    fs::create_dir_all(run.join("properties"))?;
    // Each start has a name of its own.
    fs::write(root.join(BOOT_ID), fs::read("/proc/sys/kernel/random/uuid")?)?;
    Ok(())
}

/// Eight cores in two clusters.
fn processors(root: &Root) -> Result<()> {
    let mut known = String::new();
    for core in 0..8 {
        let (capacity, frequency, cluster) =
            if core < 4 { ("250", "1800000", "0-3") } else { ("1024", "2850000", "4-7") };
        let file = |name: &str, value: &str| {
            root.new_file(&format!("sys/devices/system/cpu/cpu{core}/{name}"), &format!("{value}\n"))
        };
        file("cpu_capacity", capacity)?;
        file("cpufreq/cpuinfo_min_freq", "300000")?;
        file("cpufreq/cpuinfo_max_freq", frequency)?;
        file("cpufreq/scaling_max_freq", frequency)?;
        file("cpufreq/scaling_cur_freq", frequency)?;
        file("topology/cluster_cpus_list", cluster)?;
        known += &format!(
            "processor\t: {core}\nBogoMIPS\t: 49.15\nFeatures\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp \
             asimdhp cpuid asimdrdm lrcpc dcpop asimddp\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x1\n\
             CPU part\t: 0xd05\nCPU revision\t: 0\n\n"
        );
    }
    for file in ["present", "possible", "online"] {
        root.new_file(&format!("sys/devices/system/cpu/{file}"), "0-7\n")?;
    }
    // ONNX Runtime looks up the cores there, and does not survive a text of another architecture.
    root.new_file("standin/cpuinfo", &known)?;
    Ok(())
}

/// Takes over what a real phone said.
fn capture(root: &Root, folder: &Path, model: &mut PowerModel) -> Result<()> {
    let mut names: Vec<_> = fs::read_dir(folder)?.flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    for name in names {
        let (name, text) = (name.to_string_lossy().into_owned(), fs::read_to_string(folder.join(&name))?);
        let stem = name.trim_end_matches(".txt");
        if stem == "device" {
            root.properties(section(&text, "props"))?;
        } else if stem == "power" && text.contains("#dumpsys battery") {
            battery(root, section(&text, "dumpsys battery"), model)?;
        } else if stem == "dumpsys_battery" {
            battery(root, &text, model)?;
        } else if stem.starts_with("dumpsys_thermalservice") {
            root.new_file("standin/dumpsys/thermalservice", &text)?;
        } else if stem.starts_with("battery_uevent") {
            root.new_file("sys/class/power_supply/battery/type", "Battery\n")?;
            root.new_file("sys/class/power_supply/battery/uevent", &text)?;
        }
    }
    Ok(())
}

/// The form and the values of `dumpsys battery`.
fn battery(root: &Root, text: &str, model: &mut PowerModel) -> Result<()> {
    let value = |key: &str| {
        text.lines().find_map(|line| line.strip_prefix("  ")?.strip_prefix(key)?.strip_prefix(": ")).map(str::trim)
    };
    let number = |key: &str| value(key).and_then(|value| value.parse::<f64>().ok());
    let sources = [
        ("AC powered", Source::Ac),
        ("USB powered", Source::Usb),
        ("Wireless powered", Source::Wireless),
        ("Dock powered", Source::Dock),
    ];
    model.sources =
        sources.into_iter().filter(|(key, _)| value(key) == Some("true")).map(|(_, source)| source).collect();
    model.status = number("status").map(|status| status as u8);
    model.volts = number("voltage").map_or(model.volts, |millivolts| millivolts / 1e3);
    model.celsius = number("temperature").map_or(model.celsius, |tenths| tenths / 10.0);
    if let (Some(counter), Some(level)) = (number("Charge counter"), number("level")) {
        model.counter_in_mah = counter < 20_000.0;
        model.charge_uah = if model.counter_in_mah { counter * 1e3 } else { counter };
        model.capacity_uah = model.charge_uah * 100.0 / level.max(1.0);
    }
    root.new_file(BATTERY_FORM, text)
}

struct Root<'a>(&'a Path);

impl Root<'_> {
    fn path(&self, path: &str) -> PathBuf {
        self.0.join(path.trim_start_matches('/'))
    }

    fn new_file(&self, path: &str, text: &str) -> Result<()> {
        let path = self.path(path);
        if path.symlink_metadata().is_err() {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(path, text)?;
        }
        Ok(())
    }

    fn link(&self, path: &str, target: &str) -> Result<()> {
        let path = self.path(path);
        if path.symlink_metadata().is_err() { Ok(symlink(target, path)?) } else { Ok(()) }
    }

    fn properties(&self, lines: &str) -> Result<()> {
        for (key, value) in lines.lines().filter_map(|line| line.trim().split_once('=')) {
            self.new_file(&format!("{PROPERTIES}/{key}"), &format!("{value}\n"))?;
        }
        Ok(())
    }
}
