//! What the phone sees of the machine, and in place of it.

use std::{
    env, fs,
    os::unix::fs::{chroot, symlink},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use super::{Options, files};

const QEMU: &str = "/usr/bin/qemu-aarch64-static";
/// The headers of 64-bit programs for ARM, in the form that the kernel reads: the emulator is opened at once (F), because the phone
/// does not have that file.
const PROGRAMS: &str = r":qemu-aarch64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:/usr/bin/qemu-aarch64-static:F";
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Lets programs for aarch64 run on the phone, where the machine can emulate them; a note says so where not. The kernel keeps such
/// registrations for each namespace of users, so that the machine's own stay as they are.
pub(super) fn emulate_aarch64(root: &Path) {
    if env::consts::ARCH == "aarch64" {
        return;
    }
    let registered = || -> Result<()> {
        if !Path::new(QEMU).exists() {
            bail!("Debian: apt-get install qemu-user-static");
        }
        let place = root.join("standin/binfmt");
        fs::create_dir_all(&place)?;
        mount(&["-t", "binfmt_misc", "none", text(&place)?])?;
        fs::write(place.join("register"), PROGRAMS).context("the kernel refuses the emulator")
    };
    if let Err(error) = registered() {
        super::super::say(&format!("programs for aarch64 do not run on this phone: {error:#}"));
    }
}

/// Gives the phone a disk of its own for what is pushed to it.
pub(super) fn limit_room(root: &Path, bytes: u64) -> Result<()> {
    let place = root.join("data");
    mount(&["-t", "tmpfs", "-o", &format!("size={bytes},mode=755"), "data", text(&place)?])?;
    fs::create_dir_all(place.join("local/tmp"))?;
    Ok(())
}

/// Makes the phone's files the root of this process.
pub(super) fn enter(options: &Options) -> Result<()> {
    let root = &options.dir;
    let place = |name: &str| root.join(name);
    for name in ["usr", "etc"] {
        fs::create_dir_all(place(name))?;
        mount(&["--bind", &format!("/{name}"), text(&place(name))?])?;
        mount(&["-o", "remount,bind,ro", text(&place(name))?])?;
    }
    for name in ["lib", "lib32", "lib64"] {
        if place(name).symlink_metadata().is_err() && Path::new("/").join(name).exists() {
            symlink(format!("usr/{name}"), place(name))?;
        }
    }
    devices(&place("dev"))?;
    fs::create_dir_all(place("proc"))?;
    mount(&["-t", "proc", "proc", text(&place("proc"))?])?;
    bind_file(&place("standin/cpuinfo"), &place("proc/cpuinfo"))?;
    bind_file(&place("standin/boot_id"), &place("proc/sys/kernel/random/boot_id"))?;
    fs::create_dir_all(place("standin/bin"))?;
    let program = place(files::PROGRAM.trim_start_matches('/'));
    fs::OpenOptions::new().create(true).append(true).open(&program)?;
    bind_file(&env::current_exe()?, &program)?;
    control(options)?;
    chroot(root).context("cannot change the root")?;
    env::set_current_dir("/")?;
    Ok(())
}

/// The few devices that programs need, and none of the machine's disks.
fn devices(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    mount(&["-t", "tmpfs", "-o", "mode=755", "dev", text(folder)?])?;
    for name in DEVICES {
        fs::write(folder.join(name), "")?;
        bind_file(&Path::new("/dev").join(name), &folder.join(name))?;
    }
    for (name, target) in [("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")] {
        symlink(format!("/proc/self/fd{target}"), folder.join(name))?;
    }
    Ok(())
}

/// Makes the user's control file that of the phone.
fn control(options: &Options) -> Result<()> {
    let ours = options.dir.join(files::FAULTS.trim_start_matches('/'));
    if ours.is_symlink() {
        fs::remove_file(&ours)?;
    }
    let Some(file) = &options.control else { return Ok(()) };
    let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else { bail!("{} is no file", file.display()) };
    let place = options.dir.join("standin/control");
    fs::create_dir_all(&place)?;
    // The folder, because the file may be replaced.
    mount(&["--bind", text(folder)?, text(&place)?])?;
    let _ = fs::remove_file(&ours);
    symlink(Path::new("/standin/control").join(name), &ours)?;
    Ok(())
}

fn bind_file(from: &Path, to: &Path) -> Result<()> {
    mount(&["--bind", text(from)?, text(to)?])
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is not in UTF-8", path.display()))
}

fn mount(arguments: &[&str]) -> Result<()> {
    let output = Command::new("/usr/bin/mount").args(arguments).stdin(Stdio::null()).output()?;
    if !output.status.success() {
        bail!("mount {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
