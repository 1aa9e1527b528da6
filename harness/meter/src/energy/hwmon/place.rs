//! Which part of the device a sensor covers, from the evidence beside it: labels, the node's other files, and how many nodes of
//! its kind there are. A name alone does not prove that a sensor covers a whole.

use crate::{SystemRoot, energy::Scope};

/// ACPI power meters (Documentation/hwmon/acpi_power_meter.rst).
const ACPI_POWER_METER: &str = "power_meter";
/// Energy counters of AMD's processors (Documentation/hwmon/amd_energy.rst), 64 bits wide in the driver.
const AMD_ENERGY: &str = "amd_energy";
const AMDGPU: &str = "amdgpu";
/// Drivers of graphics cards.
const CARDS: [&str; 4] = [AMDGPU, "nouveau", "i915", "xe"];
/// Label of the sensor that covers all of a card.
const WHOLE_CARD: &str = "card";
/// Label of a card's chip, which is only a part of the card.
const CHIP: &str = "pkg";

/// An hwmon node whose files were examined.
pub(super) struct Node {
    /// Its folder in the class: `hwmon7`.
    pub(super) node: String,
    /// Path of its files below the root.
    pub(super) folder: String,
    /// Content of its file `name`.
    pub(super) name: String,
    /// The device that it belongs to: `0000:03:00.0`, which is stable where the node's number is not.
    pub(super) address: String,
    /// Its files of energy or power.
    pub(super) sensors: Vec<String>,
}

impl Node {
    fn text(&self, root: &SystemRoot, file: &str) -> Option<String> {
        root.text(format!("{}/{file}", self.folder))
    }

    /// How many of its sensors are of the same kind as `channel`: for `energy1`, those of energy.
    fn sensors_like(&self, channel: &str) -> usize {
        let kind = channel.trim_end_matches(|character: char| character.is_ascii_digit());
        self.sensors.iter().filter(|file| file.starts_with(kind)).count()
    }
}

/// What a sensor covers.
pub(super) struct Place {
    pub(super) scope: Scope,
    /// Its name among the parts of that scope.
    pub(super) part: String,
}

/// What a channel (`energy1`) of a node covers, given all nodes.
pub(super) fn place_of(root: &SystemRoot, node: &Node, channel: &str, nodes: &[Node]) -> Place {
    let label = node.text(root, &format!("{channel}_label"));
    let part = format!("{}/{}", node.name, label.as_deref().unwrap_or(channel));
    match node.name.as_str() {
        ACPI_POWER_METER => power_meter(root, node, channel, nodes),
        AMD_ENERGY if label.as_ref().is_some_and(|label| label.starts_with("Esocket")) => {
            Place { scope: Scope::Package, part }
        }
        AMD_ENERGY => Place { scope: Scope::Core, part },
        AMDGPU if is_in_the_processor(root, node) => Place { scope: Scope::Package, part },
        card if CARDS.contains(&card) && covers_card(label.as_deref(), node.sensors_like(channel)) => {
            Place { scope: Scope::Accelerator, part }
        }
        _ => Place { scope: Scope::Rail, part },
    }
}

/// A single power meter without a label is taken to feed the whole device. Servers with several, such as NVIDIA's Grace,
/// label what each one covers; the smaller ones are part of the larger, so they stand side by side.
fn power_meter(root: &SystemRoot, node: &Node, channel: &str, nodes: &[Node]) -> Place {
    let name = node.text(root, &format!("{channel}_oem_info"));
    let meters: usize = nodes.iter().filter(|node| node.name == ACPI_POWER_METER).map(|node| node.sensors.len()).sum();
    match name {
        Some(part) => Place { scope: Scope::Rail, part },
        None if meters == 1 => Place { scope: Scope::Device, part: format!("{}/{channel}", node.name) },
        None => Place { scope: Scope::Rail, part: format!("{}@{}/{channel}", node.name, node.address) },
    }
}

/// A processor's graphics unit has a voltage of the processor's other half (`vddnb`), which cards do not have
/// (Documentation/gpu/amdgpu/thermal.rst). Its power is then that of the whole package, cores included.
fn is_in_the_processor(root: &SystemRoot, node: &Node) -> bool {
    const NORTHBRIDGE: &str = "vddnb";
    let is_label = |file: &String| file.starts_with("in") && file.ends_with("_label");
    let labels = root.names(&node.folder).into_iter().filter(is_label);
    labels.filter_map(|file| node.text(root, &file)).any(|label| label == NORTHBRIDGE)
}

/// True for the sensor whose label says so, or for the only sensor of its kind unless its label names the chip. Of several
/// unlabelled sensors, it is not known which one contains the others.
fn covers_card(label: Option<&str>, sensors: usize) -> bool {
    match label {
        Some(WHOLE_CARD) => true,
        Some(CHIP) => false,
        _ => sensors == 1,
    }
}
