use std::collections::VecDeque;

use super::Scope;
use crate::SystemRoot;

pub(in crate::energy) const CLASS: &str = "sys/class/powercap";
/// Zones of the processor's own registers.
pub(in crate::energy) const CONTROL_TYPE: &str = "intel-rapl";
/// The package again, through other registers, which firmware may use to set limits.
const MEMORY_MAPPED: &str = "intel-rapl-mmio";

/// A zone, as its folder describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Zone {
    pub(super) id: String,
    /// Its path below the root.
    pub(super) path: String,
    /// `package-0`, or a part with its package in front: `package-0/dram`.
    pub(super) part: String,
    pub(super) scope: Option<Scope>,
    /// For memory-mapped registers: the id of the same zone among the processor's own.
    pub(super) twin_id: Option<String>,
}

/// The contents of the class folder.
#[derive(Debug, Default)]
pub(super) struct Zones {
    /// Zones in the order of their numbers, the processor's own registers first.
    pub(super) known: Vec<Zone>,
    /// Folders of zones that are not read, because of another control type or a missing number.
    pub(super) others: Vec<String>,
}

/// All zones.
pub(super) fn zones(root: &SystemRoot) -> Zones {
    let (folders, others) = folders(root);
    let mut zones: Vec<Zone> = Vec::new();
    for folder in &folders {
        let mut part = part(folder, &folders);
        let mut id = format!("powercap:{part}");
        let twin_id = (folder.control_type == MEMORY_MAPPED).then(|| id.clone());
        if twin_id.is_some() {
            id.push_str("-mmio");
        }
        // The name of memory at the top level does not include the number of its package.
        if zones.iter().any(|other| other.id == id) {
            id = format!("{id}@{}", folder.numbers_text());
            part = format!("{part}@{}", folder.numbers_text());
        }
        zones.push(Zone { id, path: folder.path.clone(), scope: scope(&folder.name), part, twin_id });
    }
    Zones { known: zones, others }
}

/// A folder such as `intel-rapl:0:1`.
struct Folder {
    control_type: &'static str,
    /// The numbers of its parents, then its own.
    numbers: Vec<u32>,
    path: String,
    /// Content of its file `name`.
    name: String,
}

impl Folder {
    fn numbers_text(&self) -> String {
        let numbers: Vec<String> = self.numbers.iter().map(|number| format!("{number:x}")).collect();
        numbers.join(":")
    }
}

/// In a flat tree every zone lies in the class folder; in a nested one, children lie in their parents. The kernel's own
/// tree is both, and shows a child twice: folders of the same name are one zone. Also returns the names of folders that are
/// not such a zone.
fn folders(root: &SystemRoot) -> (Vec<Folder>, Vec<String>) {
    let mut folders: Vec<Folder> = Vec::new();
    let mut others: Vec<String> = Vec::new();
    let mut open: VecDeque<String> = root.names(CLASS).into_iter().map(|name| format!("{CLASS}/{name}")).collect();
    while let Some(path) = open.pop_front() {
        let folder_name = path.rsplit('/').next().unwrap_or_default();
        let Some((control_type, numbers)) = parse(folder_name) else {
            // Control types have no colon; their zones do.
            if folder_name.starts_with(CONTROL_TYPE)
                && folder_name.contains(':')
                && !others.iter().any(|other| other == folder_name)
            {
                others.push(folder_name.to_owned());
            }
            continue;
        };
        // A link that leads nowhere: its zone is covered.
        if !root.join(&path).is_dir() {
            continue;
        }
        let children = root
            .names(&path)
            .into_iter()
            .filter(|child| child.strip_prefix(folder_name).is_some_and(|rest| rest.starts_with(':')));
        open.extend(children.map(|child| format!("{path}/{child}")));
        let known = folders.iter().any(|known| (known.control_type, &known.numbers) == (control_type, &numbers));
        if !known && !numbers.is_empty() {
            let name = root.text(format!("{path}/name")).unwrap_or_else(|| folder_name.to_owned());
            folders.push(Folder { control_type, numbers, path, name });
        }
    }
    folders.sort_by(|one, other| (one.control_type, &one.numbers).cmp(&(other.control_type, &other.numbers)));
    (folders, others)
}

/// Control types that do not read a processor's registers, each with a description.
pub(super) fn other_control_types(root: &SystemRoot) -> Vec<(String, &'static str)> {
    let mut types: Vec<(String, &str)> = Vec::new();
    for folder in root.names(CLASS) {
        let name = folder.split(':').next().unwrap_or_default();
        if [CONTROL_TYPE, MEMORY_MAPPED].contains(&name) || types.iter().any(|(known, _)| known == name) {
            continue;
        }
        let what = match name {
            // Documentation/power/powercap/dtpm.rst
            "dtpm" => "power limits by estimates from the processors' energy model; nothing is measured",
            // drivers/powercap/arm_scmi_powercap.c
            "arm-scmi" => "power limits that the firmware keeps; it reports no energy",
            "idle_inject" => "power limits by forced idling; it reports no energy",
            _ => "an unknown kind of power limit",
        };
        types.push((name.to_owned(), what));
    }
    types
}

/// `intel-rapl:0:1`, or the control type itself, which has no number and holds its zones. Numbers are hexadecimal (`%x` in
/// the kernel's drivers/powercap/powercap_sys.c): the eleventh package is `intel-rapl:a`.
fn parse(folder: &str) -> Option<(&'static str, Vec<u32>)> {
    let (control_type, numbers) = match folder.split_once(':') {
        Some((control_type, numbers)) => (control_type, numbers.split(':').collect()),
        None => (folder, Vec::new()),
    };
    let control_type = [CONTROL_TYPE, MEMORY_MAPPED].into_iter().find(|known| *known == control_type)?;
    let numbers: Result<Vec<u32>, _> = numbers.into_iter().map(|number| u32::from_str_radix(number, 16)).collect();
    Some((control_type, numbers.ok()?))
}

/// Every package has a `core`, so the part is `package-0/core`.
fn part(folder: &Folder, folders: &[Folder]) -> String {
    let parents = folders.iter().filter(|other| {
        other.control_type == folder.control_type
            && other.numbers.len() < folder.numbers.len()
            && folder.numbers.starts_with(&other.numbers)
    });
    let names: Vec<&str> = parents.chain([folder]).map(|zone| zone.name.as_str()).collect();
    names.join("/")
}

/// `psys-1` is the platform as the second package reports it, where that package is in charge of it.
fn scope(name: &str) -> Option<Scope> {
    let numbered = |prefix: &str| {
        name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()))
    };
    match name {
        "core" => Some(Scope::Core),
        "uncore" => Some(Scope::Uncore),
        "dram" => Some(Scope::Dram),
        _ if name == "psys" || numbered("psys-") => Some(Scope::Platform),
        _ if numbered("package-") => Some(Scope::Package),
        _ => None,
    }
}
