//! NVIDIA cards through their management library, which is loaded at run time. Needs the cargo feature `nvml`.

use super::{AbsentMeter, Discovery, MeterSource, Reason, Scope, Unavailable};
use crate::SystemRoot;

#[cfg(feature = "nvml")]
mod cards;

/// Finds every card.
pub fn discover(root: &SystemRoot) -> Discovery {
    if !has_card(root) {
        return none(Reason::NoMeter, "there is no NVIDIA card".into());
    }
    if !root.is_real() {
        return none(Reason::NotSupported, "the library reads this machine's cards, not a simulated tree's".into());
    }
    cards()
}

#[cfg(feature = "nvml")]
use cards::cards;

#[cfg(not(feature = "nvml"))]
fn cards() -> Discovery {
    none(
        Reason::NotSupported,
        "this pocketwatt was built without NVIDIA's library: build it with --features nvml".into(),
    )
}

/// Checks the vendor of PCI display controllers (class 0x03), so that it works without a loaded driver.
fn has_card(root: &SystemRoot) -> bool {
    const DEVICES: &str = "sys/bus/pci/devices";
    let is_card = |device: &String| {
        let text = |file: &str| root.text(format!("{DEVICES}/{device}/{file}")).unwrap_or_default();
        text("vendor") == "0x10de" && text("class").starts_with("0x03")
    };
    root.join("proc/driver/nvidia/version").exists() || root.names(DEVICES).iter().any(is_card)
}

fn none(reason: Reason, hint: String) -> Discovery {
    let absent = AbsentMeter {
        source: MeterSource::Nvml,
        id: "nvml".into(),
        scope: Some(Scope::Accelerator),
        unavailable: Unavailable::new(reason, hint),
    };
    Discovery { meters: Vec::new(), absent: vec![absent] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::fixture::Tree;

    #[test]
    fn without_a_card_there_is_no_meter_and_with_one_there_is_a_reason() {
        let reason = |text: &str| {
            let found = discover(&Tree::parse(text).root());
            assert!(found.meters.is_empty());
            found.absent[0].unavailable.reason
        };
        assert_eq!(reason(""), Reason::NoMeter);
        let network =
            "sys/bus/pci/devices/0000:01:00.0/vendor = 0x10de\nsys/bus/pci/devices/0000:01:00.0/class = 0x020000\n";
        assert_eq!(reason(network), Reason::NoMeter);
        assert_eq!(reason(&network.replace("0x0200", "0x0302")), Reason::NotSupported);
    }

    /// Whatever hardware this machine has, the library answers and does not crash.
    #[test]
    fn this_machine_answers() {
        let found = discover(&SystemRoot::real());
        assert!(!found.meters.is_empty() || !found.absent.is_empty());
    }
}
