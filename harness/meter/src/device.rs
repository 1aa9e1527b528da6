use std::collections::BTreeSet;

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use crate::{
    DeviceFacts, Memory, SystemRoot,
    context::hertz,
    core_clusters,
    emulation::emulation,
    surroundings::{allowed_processors, online_processors, present_processors, quota},
};

/// Longest name of a device, in characters.
const NAME_CHARACTERS: usize = 40;

/// What the device reports about itself through its kernel. `name` overrides the name made from its processor.
pub fn device_facts(root: &SystemRoot, name: Option<&str>) -> DeviceFacts {
    let cpuinfo = root.text("proc/cpuinfo").unwrap_or_default();
    let processor = processor(root, &cpuinfo);
    let logical_cores = logical_cores(root, &cpuinfo);
    let made_name = || format!("{}-{logical_cores}", processor.as_deref().unwrap_or(std::env::consts::ARCH));
    let kernel = rustix::system::uname();
    DeviceFacts {
        name: device_folder_name(&name.map_or_else(made_name, ToOwned::to_owned)),
        architecture: std::env::consts::ARCH.into(),
        logical_cores,
        physical_cores: physical_cores(&cpuinfo).map(|cores| cores.min(logical_cores)),
        allowed_cores: allowed_processors(root).map(|allowed| allowed.min(logical_cores)),
        processor_quota: quota(root),
        memory_bytes: memory_bytes(root),
        memory_limit_bytes: Memory::look(root).limit_bytes,
        operating_system: operating_system(root),
        kernel: kernel.release().to_str().ok().map(ToOwned::to_owned),
        virtualisation: virtualisation(root, &cpuinfo),
        governor: root.text("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        maximum_frequency_hz: maximum_frequency_hz(root),
        last_level_cache_bytes: last_level_cache_bytes(root),
        clusters: core_clusters(root).unwrap_or_default(),
        page_bytes: root.is_real().then(|| rustix::param::page_size() as u64),
        phone: None,
        emulated: emulation(root, &cpuinfo),
        processor,
    }
}

/// Which start of the device this is, by the kernel's random name for it (Documentation/admin-guide/sysctl/kernel.rst).
pub fn boot_id(root: &SystemRoot) -> Option<String> {
    root.text("proc/sys/kernel/random/boot_id").filter(|id| !id.is_empty())
}

fn memory_bytes(root: &SystemRoot) -> Option<u64> {
    if root.is_real() {
        let memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
        return System::new_with_specifics(memory).ok().map(|system| system.total_memory());
    }
    meminfo(root, "MemTotal")
}

/// A value of `/proc/meminfo` in bytes.
pub(crate) fn meminfo(root: &SystemRoot, wanted: &str) -> Option<u64> {
    let text = root.text("proc/meminfo")?;
    let value = field(&text, wanted)?;
    value.strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The value of the first `key : value` line.
fn field<'a>(text: &'a str, wanted: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == wanted).then(|| value.trim()).filter(|value| !value.is_empty())
    })
}

/// x86 names its processor; on ARM boards the device tree names the board, and older kernels the hardware.
fn processor(root: &SystemRoot, cpuinfo: &str) -> Option<String> {
    let board = || root.text("proc/device-tree/model");
    let part = || Some(format!("arm-{}-{}", field(cpuinfo, "CPU implementer")?, field(cpuinfo, "CPU part")?));
    let named = |key| field(cpuinfo, key).map(ToOwned::to_owned);
    named("model name").or_else(board).or_else(|| named("Hardware")).or_else(part)
}

/// Processors of the device, whether or not this process may use them: in a container, `/proc/cpuinfo` may list fewer.
fn logical_cores(root: &SystemRoot, cpuinfo: &str) -> u32 {
    let listed = cpuinfo.lines().filter(|line| line.starts_with("processor")).count() as u32;
    let online = online_processors(root).unwrap_or(0);
    // Phones switch cores off while nobody needs them.
    let present = present_processors(root).unwrap_or(0);
    listed.max(online).max(present).max(1)
}

/// Distinct pairs of package and core; `None` where the kernel does not list them (ARM).
fn physical_cores(cpuinfo: &str) -> Option<u32> {
    let blocks = cpuinfo.split("\n\n");
    let cores: BTreeSet<_> =
        blocks.filter_map(|block| Some((field(block, "physical id")?, field(block, "core id")?))).collect();
    (!cores.is_empty()).then_some(cores.len() as u32)
}

fn operating_system(root: &SystemRoot) -> Option<String> {
    if root.is_real() {
        return System::long_os_version().ok();
    }
    let text = root.text("etc/os-release")?;
    text.lines().find_map(|line| Some(line.strip_prefix("PRETTY_NAME=")?.trim_matches('"').to_owned()))
}

/// The hypervisor's name where it is known; `unknown hypervisor` where only its presence is.
fn virtualisation(root: &SystemRoot, cpuinfo: &str) -> Option<String> {
    if let Some(kind) = root.text("sys/hypervisor/type") {
        return Some(kind);
    }
    let vendor = root.text("sys/class/dmi/id/sys_vendor").unwrap_or_default();
    let product = root.text("sys/class/dmi/id/product_name").unwrap_or_default();
    let firmware = format!("{vendor} {product}").to_lowercase();
    const KNOWN: [(&str, &str); 8] = [
        ("kvm", "kvm"),
        ("qemu", "qemu"),
        ("vmware", "vmware"),
        ("virtualbox", "virtualbox"),
        ("virtual machine", "hyper-v"),
        ("amazon ec2", "ec2"),
        ("google compute", "google compute engine"),
        ("xen", "xen"),
    ];
    if let Some((_, name)) = KNOWN.iter().find(|(word, _)| firmware.contains(word)) {
        return Some((*name).into());
    }
    let flags = field(cpuinfo, "flags").unwrap_or_default();
    flags.split_ascii_whitespace().any(|flag| flag == "hypervisor").then(|| "unknown hypervisor".into())
}

fn maximum_frequency_hz(root: &SystemRoot) -> Option<u64> {
    let kilohertz = root.text("sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq")?;
    hertz(kilohertz.parse().ok()?)
}

/// The cache of the highest level that the first processor has.
fn last_level_cache_bytes(root: &SystemRoot) -> Option<u64> {
    let caches = (0..8).filter_map(|index| {
        let cache = format!("sys/devices/system/cpu/cpu0/cache/index{index}");
        let level: u32 = root.text(format!("{cache}/level"))?.parse().ok()?;
        Some((level, binary_size(&root.text(format!("{cache}/size"))?)?))
    });
    caches.max().map(|(_, bytes)| bytes)
}

/// Parses sizes such as `32K` and `8M`.
fn binary_size(text: &str) -> Option<u64> {
    let (number, unit) = match text.strip_suffix('K') {
        Some(number) => (number, 1024),
        None => (text.strip_suffix('M')?, 1024 * 1024),
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// The folder name of a device with that name: lower-case letters, digits, and single hyphens, dots and underscores, which are valid in
/// folder names everywhere.
pub fn device_folder_name(text: &str) -> String {
    let filler = ["(r)", "(tm)", "cpu", "processor"];
    let mut lower = text.to_lowercase();
    for word in filler {
        lower = lower.replace(word, " ");
    }
    let words = lower.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.' && letter != '_');
    let name = words.map(|word| word.trim_matches('.')).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    let name: String = name.chars().take(NAME_CHARACTERS).collect();
    let name = name.trim_end_matches('-');
    if name.is_empty() { "device".into() } else { name.into() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn facts(files: &[(&str, &str)]) -> DeviceFacts {
        let tree = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = tree.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        device_facts(&SystemRoot::at(tree.path()), None)
    }

    const XEON: &str = "processor\t: 0\nmodel name\t: Intel(R) Xeon(R) Processor @ 2.60GHz\nphysical id\t: 0\ncore id\t\t: 0\nflags\t\t: fpu avx2 hypervisor\n\nprocessor\t: 1\nmodel name\t: Intel(R) Xeon(R) Processor @ 2.60GHz\nphysical id\t: 0\ncore id\t\t: 0\nflags\t\t: fpu avx2 hypervisor\n";

    #[test]
    fn a_server_tells_what_it_is() {
        let facts = facts(&[
            ("proc/cpuinfo", XEON),
            ("proc/meminfo", "MemTotal:        8126464 kB\n"),
            ("etc/os-release", "NAME=\"x\"\nPRETTY_NAME=\"Debian GNU/Linux 13\"\n"),
            ("sys/class/dmi/id/product_name", "KVM Virtual Machine\n"),
            ("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n"),
            ("sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "3500000\n"),
            ("sys/devices/system/cpu/cpu0/cache/index0/level", "1\n"),
            ("sys/devices/system/cpu/cpu0/cache/index0/size", "48K\n"),
            ("sys/devices/system/cpu/cpu0/cache/index3/level", "3\n"),
            ("sys/devices/system/cpu/cpu0/cache/index3/size", "32M\n"),
        ]);
        assert_eq!(facts.name, "intel-xeon-2.60ghz-2");
        assert_eq!((facts.logical_cores, facts.physical_cores), (2, Some(1)));
        assert_eq!(facts.memory_bytes, Some(8_126_464 * 1024));
        assert_eq!(facts.operating_system.as_deref(), Some("Debian GNU/Linux 13"));
        assert_eq!(facts.virtualisation.as_deref(), Some("kvm"));
        assert_eq!(facts.governor.as_deref(), Some("performance"));
        assert_eq!(facts.maximum_frequency_hz, Some(3_500_000_000));
        assert_eq!(facts.last_level_cache_bytes, Some(32 << 20));
    }

    #[test]
    fn what_a_process_may_use_makes_no_other_device() {
        let pinned = facts(&[
            ("proc/cpuinfo", XEON),
            ("sys/devices/system/cpu/online", "0-1\n"),
            ("proc/self/status", "Name:\tx\nCpus_allowed_list:\t1\n"),
            ("proc/self/cgroup", "0::/app\n"),
            ("sys/fs/cgroup/app/cpu.max", "50000 100000\n"),
            ("sys/fs/cgroup/app/memory.max", "536870912\n"),
        ]);
        assert_eq!((pinned.name.as_str(), pinned.logical_cores), ("intel-xeon-2.60ghz-2", 2));
        assert_eq!((pinned.physical_cores, pinned.allowed_cores), (Some(1), Some(1)));
        assert_eq!((pinned.processor_quota, pinned.memory_limit_bytes), (Some(0.5), Some(512 << 20)));
        // A container that sees two of the device's eight processors.
        let container = facts(&[
            ("proc/cpuinfo", XEON),
            ("sys/devices/system/cpu/online", "0-7\n"),
            ("proc/self/status", "Cpus_allowed_list:\t5-6\n"),
        ]);
        assert_eq!((container.logical_cores, container.allowed_cores), (8, Some(2)));
    }

    #[test]
    fn a_board_is_named_by_its_device_tree_and_a_phone_by_its_hardware() {
        let arm = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd08\n\nprocessor\t: 1\n";
        let board = facts(&[("proc/cpuinfo", arm), ("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0")]);
        assert_eq!(board.processor.as_deref(), Some("Raspberry Pi 4 Model B Rev 1.4"));
        assert_eq!(board.name, "raspberry-pi-4-model-b-rev-1.4-2");
        assert_eq!((board.physical_cores, board.virtualisation), (None, None));
        let phone = facts(&[("proc/cpuinfo", &format!("{arm}\nHardware\t: Example SM8250\n"))]);
        assert_eq!(phone.processor.as_deref(), Some("Example SM8250"));
        assert_eq!(facts(&[("proc/cpuinfo", arm)]).processor.as_deref(), Some("arm-0x41-0xd08"));
    }

    #[test]
    fn a_device_that_tells_nothing_has_a_name_and_no_made_up_facts() {
        let facts = facts(&[("proc/cpuinfo", ""), ("sys/devices/system/cpu/cpu0/cache/index0/level", "x")]);
        assert!(facts.name.ends_with("-1"), "{}", facts.name);
        assert_eq!((facts.processor, facts.memory_bytes, facts.last_level_cache_bytes), (None, None, None));
    }

    #[test]
    fn a_start_of_the_device_has_a_name() {
        let tree = tempfile::tempdir().unwrap();
        assert_eq!(boot_id(&SystemRoot::at(tree.path())), None);
        let folder = tree.path().join("proc/sys/kernel/random");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("boot_id"), "6d0c5b3e-0f0d-4c34-9c8e-0a8f3d6d5a11\n").unwrap();
        assert_eq!(boot_id(&SystemRoot::at(tree.path())).unwrap(), "6d0c5b3e-0f0d-4c34-9c8e-0a8f3d6d5a11");
    }

    #[test]
    fn names_given_by_people_become_folder_names() {
        for (given, name) in
            [("My Phone!", "my-phone"), ("../../etc", "etc"), ("...", "device"), ("Pixel_8.pro", "pixel_8.pro")]
        {
            assert_eq!(device_folder_name(given), name);
        }
    }

    #[test]
    fn this_machine_has_memory_and_cores() {
        let facts = device_facts(&SystemRoot::real(), Some("here"));
        assert!(facts.memory_bytes.unwrap() > 1 << 28 && facts.logical_cores >= 1, "{facts:?}");
        assert!(facts.allowed_cores.unwrap() <= facts.logical_cores, "{facts:?}");
        assert!(facts.physical_cores.is_none_or(|cores| cores <= facts.logical_cores), "{facts:?}");
    }
}
