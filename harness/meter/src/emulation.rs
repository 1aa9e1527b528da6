//! Whether the processor is imitated by a program, such as QEMU: then times say nothing about the device that it seems to be. A
//! virtual machine whose programs run on the processor itself is not meant.

use std::{env::consts::ARCH, fs, path::Path};

use crate::SystemRoot;

/// Instruction sets whose programs the processor of another one runs by itself.
const NATIVE: [(&str, &[&str]); 2] = [("x86", &["x86_64"]), ("arm", &["aarch64", "armv7l", "armv8l"])];

/// How it was recognised; `None` if nothing says so.
pub(crate) fn emulation(root: &SystemRoot, cpuinfo: &str) -> Option<String> {
    let kernel = root.text("proc/sys/kernel/arch").and_then(|kernel| other_kernel(ARCH, &kernel));
    let program = || if root.is_real() { imitating_program(Path::new("/proc/thread-self/exe")) } else { None };
    kernel.or_else(program).or_else(|| other_processor(ARCH, cpuinfo))
}

/// A kernel of another instruction set (Documentation/admin-guide/sysctl/kernel.rst, `arch`).
fn other_kernel(own: &str, kernel: &str) -> Option<String> {
    let is_native =
        own == kernel || NATIVE.iter().any(|(program, kernels)| *program == own && kernels.contains(&kernel));
    // Only these are spelled alike by Rust and by the kernel.
    let is_known = ["x86_64", "aarch64"].contains(&kernel);
    (is_known && !is_native).then(|| format!("this is a program for {own}, and the kernel runs on {kernel}"))
}

/// QEMU shows a program itself as `/proc/self/exe`, and not as that of a thread.
fn imitating_program(executable: &Path) -> Option<String> {
    let target = fs::read_link(executable).ok()?;
    let name = target.file_name()?.to_str()?;
    name.starts_with("qemu-").then(|| format!("{name} imitates the processor"))
}

/// A processor of another kind, or one that QEMU made up.
fn other_processor(own: &str, cpuinfo: &str) -> Option<String> {
    let has = |key: &str| cpuinfo.lines().any(|line| line.split(':').next().is_some_and(|name| name.trim() == key));
    if own == "aarch64" && has("vendor_id") && !has("CPU implementer") {
        return Some("this is a program for aarch64, and /proc/cpuinfo shows another kind of processor".into());
    }
    let made_up = |line: &str| {
        let (key, value) = line.split_once(':')?;
        let is_reserved = key.trim() == "CPU implementer" && ["0x0", "0x00"].contains(&value.trim());
        let is_named = key.trim() == "model name" && value.trim().starts_with("QEMU TCG CPU");
        (is_reserved || is_named).then(|| format!("/proc/cpuinfo has {} {}", key.trim(), value.trim()))
    };
    cpuinfo.lines().find_map(made_up)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_kernel_of_another_instruction_set_is_recognised() {
        assert_eq!(other_kernel("aarch64", "aarch64"), None);
        assert_eq!(other_kernel("x86", "x86_64"), None);
        assert_eq!(other_kernel("arm", "aarch64"), None);
        assert_eq!(other_kernel("riscv64", "riscv"), None, "spelled in another way");
        assert!(other_kernel("aarch64", "x86_64").unwrap().contains("for aarch64, and the kernel runs on x86_64"));
    }

    #[test]
    fn processors_that_are_made_up_are_recognised_and_real_ones_are_not() {
        let arm = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd05\n";
        let x86 = "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC\n";
        assert_eq!(other_processor("aarch64", arm), None);
        assert_eq!(other_processor("x86_64", x86), None);
        assert!(other_processor("aarch64", x86).unwrap().contains("another kind of processor"));
        assert_eq!(other_processor("aarch64", ""), None, "a phone may hide it");
        let reserved = arm.replace("0x41", "0x00");
        assert_eq!(other_processor("aarch64", &reserved).unwrap(), "/proc/cpuinfo has CPU implementer 0x00");
        let tcg = x86.replace("AMD EPYC", "QEMU TCG CPU version 2.5+");
        assert!(other_processor("x86_64", &tcg).is_some());
        assert_eq!(
            other_processor("x86_64", &x86.replace("AMD EPYC", "QEMU Virtual CPU version 2.5+")),
            None,
            "with KVM, too"
        );
    }

    #[test]
    fn the_program_that_imitates_is_found_behind_a_thread() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("exe");
        symlink("/usr/bin/qemu-aarch64-static", &link).unwrap();
        assert_eq!(imitating_program(&link).unwrap(), "qemu-aarch64-static imitates the processor");
        assert_eq!(imitating_program(&folder.path().join("none")), None);
        assert_eq!(emulation(&SystemRoot::real(), ""), None, "tests run on a real processor");
    }
}
