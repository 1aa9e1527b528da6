//! `dumpsys android.hardware.power.stats.IPowerStats/default`: the energy counters of a Pixel's supply rails, which are true on
//! the cable, too.
//!
//! The form is that of AOSP's `PowerStats.cpp`, of which one line in Google's own tests is a real one. In the block `energy meter`,
//! a line is `[VSYS_PWR_DISPLAY]:Display      1039108.42 mWs`: a rail, the part of the phone that it feeds, and the energy so far in
//! millijoules. With the argument `delta`, the difference to the last call follows in parentheses. The block `energy consumers`
//! also has numbers in mWs: those are estimates by a model, and are not read.
//!
//! The counter is in microjoules, but is converted to a 32-bit float before it is printed: above 168 J, a float cannot hold every
//! step of 10 µJ, and after 36 kJ it steps by 4 mJ. So the resolution depends on the value.

use pocketwatt_meter::energy::{Reason, Scope, Unavailable, scope_of_rail};

use crate::Unread;

/// What the phone's rails say.
#[derive(Clone, Debug, PartialEq)]
pub struct RailsReport {
    /// In the printed order; never empty.
    pub rails: Vec<PowerRail>,
}

/// One supply rail.
#[derive(Clone, Debug, PartialEq)]
pub struct PowerRail {
    /// `S2M_VDD_CPUCL2`: the maker's, untrusted.
    pub name: String,
    /// `CPU`, `Display`: the maker's, untrusted.
    pub subsystem: String,
    /// What it covers.
    pub scope: Scope,
    /// Energy so far, in microjoules.
    pub microjoules: Result<i64, Unread>,
}

const BLOCK: &str = " energy meter ====";
const END: &str = "== End of ";
/// A Pixel has some dozens.
const MOST_RAILS: usize = 256;
/// The smallest step that two decimals of a millijoule show, in microjoules.
const PRINTED_STEP: i64 = 10;
/// More than any phone uses in its life: 10 GJ.
const MOST_MICROJOULES: i64 = 10_000_000_000_000_000;

impl RailsReport {
    /// Reads the text.
    ///
    /// # Errors
    /// When the phone has no such service, keeps it from the shell, or prints no rail.
    pub fn read(text: &str) -> Result<Self, Unavailable> {
        let block = text.lines().skip_while(|line| !line.contains(BLOCK)).skip(1);
        let rails: Vec<PowerRail> =
            block.take_while(|line| !line.contains(END)).filter_map(rail).take(MOST_RAILS).collect();
        if !rails.is_empty() {
            return Ok(Self { rails });
        }
        Err(if text.contains("Permission Denial") || text.contains("SecurityException") {
            Unavailable::new(Reason::NotPermitted, "the phone's shell may not read the power statistics")
        } else {
            Unavailable::new(Reason::NoMeter, "the phone reports no supply rails: Pixel 6 and later do")
        })
    }

    /// Those that feed the clusters of cores.
    pub fn of_cores(&self) -> impl Iterator<Item = &PowerRail> {
        self.rails.iter().filter(|rail| rail.scope == Scope::CpuRails && rail.microjoules.is_ok())
    }

    /// The coarsest step of the rails of the cores, in microjoules.
    pub fn resolution_of_cores(&self) -> Option<i64> {
        self.of_cores().filter_map(PowerRail::resolution_microjoules).max()
    }
}

impl PowerRail {
    /// The smallest step that its number shows, in microjoules.
    pub fn resolution_microjoules(&self) -> Option<i64> {
        let printed = *self.microjoules.as_ref().ok()? as f32;
        Some(((printed.next_up() - printed).ceil() as i64).max(PRINTED_STEP))
    }
}

/// Reads a line of the block; `None` for its header.
fn rail(line: &str) -> Option<PowerRail> {
    let (name, rest) = line.trim().strip_prefix('[')?.split_once("]:")?;
    let (rest, _delta) = rest.split_once(" mWs")?;
    let (subsystem, value) = rest.rsplit_once(' ')?;
    Some(PowerRail {
        name: name.to_owned(),
        subsystem: subsystem.trim().to_owned(),
        scope: scope_of_rail(name),
        microjoules: microjoules(value),
    })
}

/// `1039108.42` millijoules, exactly.
fn microjoules(seen: &str) -> Result<i64, Unread> {
    if seen.starts_with('-') {
        return Err(Unread::Impossible { seen: seen.to_owned(), range: "0 and more" });
    }
    let unreadable = || Unread::unreadable(seen);
    let (whole, hundredths) = seen.split_once('.').ok_or_else(unreadable)?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || hundredths.len() != 2 || !digits(hundredths) {
        return Err(unreadable());
    }
    let tens: i64 = format!("{whole}{hundredths}").parse().map_err(|_| unreadable())?;
    tens.checked_mul(PRINTED_STEP)
        .filter(|microjoules| *microjoules <= MOST_MICROJOULES)
        .ok_or(Unread::Impossible { seen: seen.to_owned(), range: "0 to 10 GJ" })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture::capture;

    /// The service's text with the rails of a real Pixel 6, whose counters a file of its kernel showed.
    fn text() -> String {
        let counters = capture("google-pixel6-root/odpm_energy_value_device0.txt");
        let subsystems = capture("google-pixel6-root/odpm_enabled_rails_device0.txt");
        let mut text = "\n============= PowerStats HAL 2.0 state residencies ==============\n\
                        \n============= PowerStats HAL 2.0 energy consumers ==============\n\
                        Display      :     1039108.42 mWs\n  10057 -         12.00 mWs\n\
                        ========== End of PowerStats HAL 2.0 energy consumers ==========\n\
                        \n============= PowerStats HAL 2.0 energy meter ==============\n"
            .to_owned();
        text += &format!("  {:>32}   {:>18}\n", "Channel", "Cumulative Energy");
        for (counter, subsystem) in counters.lines().skip(1).zip(subsystems.lines()) {
            let (name, microjoules) = counter.split_once('[').unwrap().1.split_once("], ").unwrap();
            let name = format!("[{name}]:{}", subsystem.split_once("]:").unwrap().1);
            // As AOSP prints it.
            let millijoules = f64::from(microjoules.parse::<i64>().unwrap() as f32) / 1000.0;
            text += &format!("  {name:>32}   {millijoules:>14.2} mWs\n");
        }
        text + "========== End of PowerStats HAL 2.0 energy meter ==========\n"
    }

    #[test]
    fn the_rails_of_the_cores_are_found_with_the_resolution_of_what_is_printed() {
        let report = RailsReport::read(&text()).unwrap();
        assert_eq!(report.rails.len(), 8);
        let cores: Vec<_> =
            report.of_cores().map(|rail| (&*rail.name, &*rail.subsystem, rail.microjoules.clone())).collect();
        assert_eq!(
            cores,
            [
                ("S2M_VDD_CPUCL2", "CPU", Ok(30_203_500)),
                ("S3M_VDD_CPUCL1", "CPU", Ok(23_377_530)),
                ("S4M_VDD_CPUCL0", "CPU", Ok(46_356_940)),
            ]
        );
        assert_eq!(report.resolution_of_cores(), Some(10));
        assert_eq!((&*report.rails[7].name, report.rails[7].scope), ("S1M_VDD_MIF", Scope::Rail));
        let late = RailsReport::read(&text().replace("30203.50", "36000000.00")).unwrap();
        assert_eq!(late.resolution_of_cores(), Some(4096), "a float has 24 digits");
    }

    #[test]
    fn the_one_line_of_googles_tests_is_read() {
        let text = "============= PowerStats HAL 2.0 energy meter ==============\n  [VSYS_PWR_DISPLAY]:Display   1039108.42 mWs (   344.69)\n";
        let rail = RailsReport::read(text).unwrap().rails.remove(0);
        assert_eq!((&*rail.name, &*rail.subsystem), ("VSYS_PWR_DISPLAY", "Display"));
        assert_eq!((rail.microjoules.clone(), rail.resolution_microjoules()), (Ok(1_039_108_420), Some(64)));
    }

    #[test]
    fn phones_without_rails_say_why() {
        let reason = |text: &str| RailsReport::read(text).unwrap_err().reason;
        assert_eq!(reason("Can't find service: android.hardware.power.stats.IPowerStats/default"), Reason::NoMeter);
        assert_eq!(reason("Permission Denial: can't dump"), Reason::NotPermitted);
        assert_eq!(reason(text().split("energy meter").next().unwrap()), Reason::NoMeter, "consumers are estimates");
    }

    #[test]
    fn values_that_are_no_energy_are_absent() {
        let of = |value: &str| microjoules(value);
        for value in [
            "-0.01",
            "1",
            "1.2",
            "1.234",
            "1e5",
            "NaN",
            "inf",
            "",
            ".",
            "99999999999999999.00",
            "9223372036854775807.00",
            "+1.00",
        ] {
            assert!(of(value).is_err(), "{value}");
        }
        assert_eq!(of("0.00"), Ok(0));
    }

    proptest! {
        #[test]
        fn a_changed_text_gives_possible_energies(
            line in any::<prop::sample::Index>(),
            with in prop::sample::select(vec!["-1.00", "NaN", "1e400", "4294967295.00", "18446744073709551615.00", "\u{1b}[2J", "]:"]),
            cut in any::<prop::sample::Index>(),
        ) {
            let text = text();
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            let at = line.index(lines.len());
            lines[at] = lines[at].split_whitespace().next().map_or_else(String::new, |name| format!("  {name} {with} mWs"));
            let changed = lines.join("\n");
            for text in [&changed[..], &changed[..changed.floor_char_boundary(cut.index(changed.len() + 1))]] {
                for rail in RailsReport::read(text).map(|report| report.rails).unwrap_or_default() {
                    prop_assert!(rail.microjoules.clone().unwrap_or(0) >= 0);
                    prop_assert!(rail.resolution_microjoules().is_none_or(|step| step >= 10));
                }
            }
        }
    }
}
