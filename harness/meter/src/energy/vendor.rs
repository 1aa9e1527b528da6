use crate::SystemRoot;

/// Whether the processor is AMD's, or Hygon's, which has the same design. Two of their registers differ from Intel's
/// although the kernel gives them the same names: `core` counts one core alone, and all dies of a package share one
/// counter (`rapl_pmu_is_pkg_scope` in the kernel's arch/x86/events/rapl.c).
pub(super) fn is_amd(root: &SystemRoot) -> bool {
    // Another device's tree stands in place of `/sys`: this machine's processor says nothing about that device.
    let told = root.sys().is_none().then(|| root.text("proc/cpuinfo")).flatten();
    told.is_some_and(|text| text.contains("AuthenticAMD") || text.contains("HygonGenuine"))
}

/// The package that a part belongs to: `package-0` for `package-0-die-1/dram`.
pub(super) fn package(part: &str) -> Option<&str> {
    let zone = part.split(['/', '@']).next()?;
    zone.starts_with("package-").then(|| zone.split("-die-").next()).flatten()
}

/// The whole package's name for a part: `package-0/dram` for `package-0-die-1/dram`; `None` for a part that is not of a die.
pub(super) fn without_die(part: &str) -> Option<String> {
    let package = package(part)?;
    let (zone, rest) = part.find('/').map_or((part, ""), |slash| part.split_at(slash));
    zone.contains("-die-").then(|| format!("{package}{rest}"))
}
