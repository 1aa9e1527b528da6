//! Meters that exist but are out of reach: container engines lay an empty folder over what reveals too much
//! (moby's default masked paths, runc's `maskedPaths`), and the links that lead there stay.

use std::{
    fs,
    io::ErrorKind,
    path::{Component, Path, PathBuf},
};

use super::{AbsentMeter, MeterSource, Reason, Unavailable};
use crate::SystemRoot;

/// Where each interface lists its devices.
const CLASSES: [(MeterSource, &str); 4] = [
    (MeterSource::Powercap, "sys/class/powercap"),
    (MeterSource::Battery, "sys/class/power_supply"),
    (MeterSource::Hwmon, "sys/class/hwmon"),
    (MeterSource::PixelRails, "sys/bus/iio/devices"),
];
const STEP: &str = "run on the host, or let the container see it: docker run --security-opt systempaths=unconfined, or with \
     another engine bind-mount the host's folder there";
/// This many links are named; the others are counted.
const LISTED: usize = 4;

/// Interfaces that are covered or may not be listed, one entry each.
pub(super) fn covered(root: &SystemRoot) -> Vec<AbsentMeter> {
    let classes = CLASSES.into_iter().filter_map(|(source, class)| {
        let unavailable =
            not_listed(root, class).or_else(|| dangling(root, class)).or_else(|| mounted_over(root, class))?;
        Some(AbsentMeter { source, id: source.name().to_owned(), scope: None, unavailable })
    });
    classes.collect()
}

/// Whether this process runs in a container that says so, as those of Docker and Podman do.
pub(super) fn in_container(root: &SystemRoot) -> bool {
    root.sys().is_none() && [".dockerenv", "run/.containerenv"].iter().any(|file| root.join(file).exists())
}

fn not_listed(root: &SystemRoot, class: &str) -> Option<Unavailable> {
    let folder = root.join(class);
    let error = fs::read_dir(&folder).err().filter(|error| error.kind() == ErrorKind::PermissionDenied)?;
    Some(Unavailable::new(Reason::NotPermitted, format!("{} may not be listed: {error}", folder.display())))
}

/// Links of the class that lead to missing devices.
fn dangling(root: &SystemRoot, class: &str) -> Option<Unavailable> {
    let leads_nowhere = |name: &String| {
        let path = root.join(format!("{class}/{name}"));
        path.is_symlink() && fs::metadata(&path).is_err_and(|error| error.kind() == ErrorKind::NotFound)
    };
    // Other kinds of zones have other names.
    let wanted = |name: &String| class != super::powercap::CLASS || name.starts_with(super::powercap::CONTROL_TYPE);
    let names: Vec<String> = root.names(class).into_iter().filter(wanted).filter(leads_nowhere).collect();
    let first = root.join(format!("{class}/{}", names.first()?));
    let target = fs::read_link(&first).ok()?;
    let target = resolved(first.parent().unwrap_or(Path::new("/")), &target);
    let cover = target.ancestors().find(|folder| folder.is_dir()).unwrap_or(&target);
    let listed = names.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
    let more = match names.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let hint = format!(
        "{listed}{more} in {} lead into {}, where nothing is: a container engine has covered it; {STEP}",
        root.join(class).display(),
        cover.display()
    );
    Some(Unavailable::new(Reason::Covered, hint))
}

/// A folder of the class that is empty because something was mounted over it, or over one of its parents.
fn mounted_over(root: &SystemRoot, class: &str) -> Option<Unavailable> {
    if root.sys().is_some() || !root.names(class).is_empty() {
        return None;
    }
    let text = root.text("proc/self/mountinfo")?;
    let folder = PathBuf::from(format!("/{class}"));
    let mounts = text.lines().filter_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        Some((place.split(' ').nth(4)?, kind.split(' ').next()?))
    });
    // The last mount is the visible one.
    let mut around = mounts.filter(|(over, _)| over.starts_with("/sys") && folder.starts_with(over));
    let (over, kind) = around.next_back()?;
    let hint = format!("{over} is covered by another file system ({kind}), as container engines do; {STEP}");
    (kind != "sysfs").then(|| Unavailable::new(Reason::Covered, hint))
}

/// Where a relative link leads, without asking the file system: the folders on the way may be covered.
fn resolved(folder: &Path, target: &Path) -> PathBuf {
    let mut path = folder.to_owned();
    for part in target.components() {
        match part {
            Component::ParentDir => {
                path.pop();
            }
            Component::CurDir => {}
            part => path.push(part),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::{discover, fixture::Tree};

    /// What a container sees: links, and an empty folder over their targets.
    const MASKED: &str = "sys/devices/virtual/powercap/.empty =\n\
         sys/class/powercap/intel-rapl -> ../../devices/virtual/powercap/intel-rapl\n\
         sys/class/powercap/intel-rapl:0 -> ../../devices/virtual/powercap/intel-rapl/intel-rapl:0\n\
         sys/class/powercap/intel-rapl:0:0 -> ../../devices/virtual/powercap/intel-rapl/intel-rapl:0/intel-rapl:0:0\n\
         sys/class/powercap/dtpm -> ../../devices/virtual/powercap/dtpm\n";

    fn absent(tree: &str, id: &str) -> Unavailable {
        let found = discover(&Tree::parse(tree).root());
        assert!(found.meters.is_empty());
        let of_id: Vec<_> = found.absent.into_iter().filter(|absent| absent.id == id).collect();
        let [absent] = &of_id[..] else { panic!("{of_id:?}") };
        absent.unavailable.clone()
    }

    #[test]
    fn zones_whose_links_lead_nowhere_are_covered() {
        let zones = absent(MASKED, "powercap");
        assert_eq!(zones.reason, Reason::Covered);
        for part in
            ["intel-rapl:0, intel-rapl:0:0 in", "sys/devices/virtual/powercap, where", "run on the host", "bind-mount"]
        {
            assert!(zones.hint.contains(part), "{}", zones.hint);
        }
        assert!(!zones.hint.contains("not a known part"), "{}", zones.hint);
        let dtpm = absent(MASKED, "powercap:dtpm");
        assert_eq!(dtpm.reason, Reason::NotSupported);
        assert!(dtpm.hint.contains("energy model"), "{}", dtpm.hint);
    }

    #[test]
    fn other_classes_can_be_covered_too() {
        let covered = |class: &str, id: &str| absent(&format!("{class}/x0 -> ../../devices/platform/x0\n"), id).reason;
        assert_eq!(covered("sys/class/hwmon", "hwmon"), Reason::Covered);
        assert_eq!(covered("sys/class/power_supply", "battery"), Reason::Covered);
        let mount = "proc/self/mountinfo = 22 1 0:21 / /sys ro - sysfs sysfs rw\\n30 22 0:30 / /sys/class/powercap ro - tmpfs tmpfs ro\n";
        assert_eq!(absent(mount, "powercap").reason, Reason::Covered);
        assert_eq!(absent(mount, "hwmon").reason, Reason::NoMeter);
        assert_eq!(absent("", "powercap").reason, Reason::NoMeter);
    }

    #[test]
    fn a_device_laid_over_a_counter_covers_it() {
        let tree = "sys/class/powercap/intel-rapl:0/name = package-0\n\
                    sys/class/powercap/intel-rapl:0/energy_uj -> /dev/null\n";
        let zone = absent(tree, "powercap:package-0");
        assert_eq!(zone.reason, Reason::Covered);
        assert!(zone.hint.contains("energy_uj"), "{}", zone.hint);
    }
}
