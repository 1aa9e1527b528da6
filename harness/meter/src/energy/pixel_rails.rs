//! On-device power monitor (ODPM) of Pixel phones: supply rails with an energy counter each, through IIO.

use std::sync::{Arc, Mutex, PoisonError};

use pocketwatt_protocol::{Clock, MonotonicClock, MonotonicNs};

use super::{
    AbsentMeter, Basis, Discovery, EnergyMeter, Measurand, MeterInfo, MeterSource, RawFile, RawReading, Reason, Scope,
    Unavailable,
};
use crate::SystemRoot;

const CLASS: &str = "sys/bus/iio/devices";
/// All rails of a monitor are in one file: readings this close together share one read of it.
const SHARED_NS: u64 = 3_000_000;

/// Finds every rail.
pub fn discover(root: &SystemRoot) -> Discovery {
    let mut found = Discovery::default();
    let mut monitors = 0;
    for device in root.names(CLASS) {
        let path = format!("{CLASS}/{device}/energy_value");
        if !root.join(&path).exists() {
            continue;
        }
        monitors += 1;
        match Monitor::open(root, &path) {
            Ok((monitor, rails)) => {
                let monitor = Arc::new(Mutex::new(monitor));
                for rail in &rails {
                    // Monitors may have rails of the same name; their device then tells them apart.
                    let is_taken = found.meters.iter().any(|meter| meter.info().part == rail.name);
                    let part = match is_taken {
                        true => format!("{}@{device}", rail.name),
                        false => rail.name.clone(),
                    };
                    found.meters.push(Box::new(RailMeter::new(&monitor, rail, part, &root.join(&path))));
                }
            }
            Err(unavailable) => found.absent.push(absent(format!("pixel-rails:{device}"), unavailable)),
        }
    }
    if monitors == 0 {
        let hint = format!("no device below {} has an energy_value", root.join(CLASS).display());
        found.absent.push(absent("pixel-rails".into(), Unavailable::new(Reason::NoMeter, hint)));
    }
    found
}

fn absent(id: String, unavailable: Unavailable) -> AbsentMeter {
    AbsentMeter { source: MeterSource::PixelRails, id, scope: None, unavailable }
}

/// One rail, as a line of the file describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rail {
    name: String,
    microjoules: i64,
}

/// Parses `CH3(T=349894)[S2M_VDD_CPUCL2], 30203502`; `None` for any other line.
fn rail(line: &str) -> Option<Rail> {
    let (head, value) = line.rsplit_once(',')?;
    let (channel, rest) = head.trim().split_once('[')?;
    let name = rest.strip_suffix(']')?.trim();
    let is_channel = channel.starts_with("CH") && !name.is_empty();
    let microjoules = value.trim().parse().ok().filter(|microjoules| *microjoules >= 0)?;
    is_channel.then(|| Rail { name: name.to_owned(), microjoules })
}

/// The file of one monitor, which is read once for all its rails.
#[derive(Debug)]
struct Monitor {
    file: RawFile,
    rails: Vec<Rail>,
    read_at: Option<MonotonicNs>,
}

impl Monitor {
    fn open(root: &SystemRoot, path: &str) -> Result<(Self, Vec<Rail>), Unavailable> {
        let mut monitor =
            Self { file: RawFile::open(root, path).map_err(with_grant)?, rails: Vec::new(), read_at: None };
        monitor.look().map_err(with_grant)?;
        let rails = monitor.rails.clone();
        monitor.read_at = None;
        Ok((monitor, rails))
    }

    fn look(&mut self) -> Result<(), Unavailable> {
        let now = MonotonicClock.now();
        if self.read_at.is_some_and(|read_at| now.since(read_at) < SHARED_NS) {
            return Ok(());
        }
        let mut buffer = [0; 4096];
        let text = self.file.text(&mut buffer)?;
        let rails: Vec<Rail> = text.lines().filter_map(rail).collect();
        if rails.is_empty() {
            let hint = format!("{} holds no rail", self.file.path().display());
            return Err(Unavailable::new(Reason::Unreadable, hint));
        }
        self.rails = rails;
        self.read_at = Some(now);
        Ok(())
    }

    fn microjoules(&mut self, name: &str) -> Result<i64, Unavailable> {
        self.look()?;
        let rail = self.rails.iter().find(|rail| rail.name == name);
        let missing =
            || Unavailable::new(Reason::Unreadable, format!("{} is not in {}", name, self.file.path().display()));
        rail.map(|rail| rail.microjoules).ok_or_else(missing)
    }
}

fn with_grant(unavailable: Unavailable) -> Unavailable {
    if unavailable.reason != Reason::NotPermitted {
        return unavailable;
    }
    let hint = format!("{}; only root reads it on most builds: adb root", unavailable.hint);
    Unavailable::new(Reason::NotPermitted, hint)
}

/// What a rail covers, by its name.
pub fn scope_of_rail(name: &str) -> Scope {
    if feeds_a_cluster(name) { Scope::CpuRails } else { Scope::Rail }
}

/// Whether it supplies one cluster of cores, such as `S2M_VDD_CPUCL2`: these rails add up. Other rails with cores in their
/// name may contain them, or be a part of them.
fn feeds_a_cluster(part: &str) -> bool {
    let cluster = part.split_once("VDD_CPUCL").map(|(_, cluster)| cluster);
    cluster.is_some_and(|cluster| !cluster.is_empty() && cluster.chars().all(|digit| digit.is_ascii_digit()))
}

/// A meter of one rail.
#[derive(Debug)]
struct RailMeter {
    info: MeterInfo,
    name: String,
    monitor: Arc<Mutex<Monitor>>,
}

impl RailMeter {
    fn new(monitor: &Arc<Mutex<Monitor>>, rail: &Rail, part: String, path: &std::path::Path) -> Self {
        let scope = scope_of_rail(&part);
        let info = MeterInfo {
            id: format!("pixel-rails:{part}"),
            source: MeterSource::PixelRails,
            scope,
            part,
            path: path.display().to_string(),
            measurand: Measurand::EnergyCounter { joules_per_unit: 1e-6, modulus: None },
            unit_basis: Basis::Documented,
            resolution: 1,
            update_period: None,
            gain_error: None,
            power_limit_watts: None,
        };
        Self { info, name: rail.name.clone(), monitor: monitor.clone() }
    }
}

impl EnergyMeter for RailMeter {
    fn info(&self) -> &MeterInfo {
        &self.info
    }

    fn read(&mut self) -> Result<RawReading, Unavailable> {
        // A poisoned lock still guards numbers that were read whole.
        let mut monitor = self.monitor.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(RawReading::new(monitor.microjoules(&self.name)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::fixture::Tree;

    const FILE: &str = "sys/bus/iio/devices/iio:device0/energy_value";

    #[test]
    fn clusters_of_cores_are_one_scope_and_other_rails_stand_alone() {
        let tree = Tree::named("pixel-rails");
        let mut found = discover(&tree.root());
        let rails: Vec<(&str, Scope)> =
            found.meters.iter().map(|meter| (meter.info().id.as_str(), meter.info().scope)).collect();
        assert_eq!(
            rails,
            [
                ("pixel-rails:S2M_VDD_CPUCL2", Scope::CpuRails),
                ("pixel-rails:S3M_VDD_CPUCL1", Scope::CpuRails),
                ("pixel-rails:S1M_VDD_MIF", Scope::Rail),
            ]
        );
        assert_eq!(found.meters[0].read(), Ok(RawReading::new(30_203_502)));
        assert_eq!(found.absent[0].unavailable.reason, Reason::Unreadable, "the second monitor is empty");
    }

    #[test]
    fn a_rail_can_lose_its_line_and_a_monitor_its_file() {
        let tree = Tree::named("pixel-rails");
        let mut found = discover(&tree.root());
        tree.set(FILE, "t=349999\\nCH4(T=349999)[S3M_VDD_CPUCL1], 5");
        assert_eq!(found.meters[0].read().unwrap_err().reason, Reason::Unreadable);
        assert_eq!(found.meters[1].read(), Ok(RawReading::new(5)));
        assert_eq!(discover(&Tree::parse("").root()).absent[0].unavailable.reason, Reason::NoMeter);
    }

    #[test]
    fn only_the_supplies_of_clusters_add_up() {
        for (part, adds_up) in [
            ("S2M_VDD_CPUCL2", true),
            ("VDD_CPUCL0", true),
            ("S2M_VDD_CPUCL2@iio:device1", false),
            ("S2M_VDD_CPUCL2_M", false),
            ("VSYS_CPU", false),
        ] {
            assert_eq!(feeds_a_cluster(part), adds_up, "{part}");
        }
        let tree = Tree::parse(&format!("{FILE} = CH3(T=1)[A], 5\n{} = CH3(T=1)[A], 7\n", FILE.replace('0', "1")));
        let found = discover(&tree.root());
        let ids: Vec<&str> = found.meters.iter().map(|meter| &*meter.info().id).collect();
        assert_eq!(ids, ["pixel-rails:A", "pixel-rails:A@iio:device1"]);
    }

    #[test]
    fn other_lines_are_no_rails() {
        for line in
            ["t=349894", "", "CH3(T=349894)[], 5", "CH3(T=349894)[X], many", "CHX, 5", "[X], 5", "CH1(T=1)[X], -5"]
        {
            assert_eq!(rail(line), None, "{line}");
        }
    }
}
