use super::{AbsentMeter, MeterSource, Observation, Reason, Scope};

/// Turns the parts of a processor's scope into rails, each with its own name, where another part is not read: their sum would
/// look like the whole. Batteries and cards decide for themselves what a missing one means.
pub fn settle_scopes(watched: &mut [Observation], absent: &[AbsentMeter]) {
    for seen in watched {
        let meter = &mut seen.series.meter;
        if is_in_part(meter.source, meter.scope, absent) {
            meter.scope = Scope::Rail;
        }
    }
}

fn is_in_part(source: MeterSource, scope: Scope, absent: &[AbsentMeter]) -> bool {
    let of_processor = matches!(scope, Scope::Package | Scope::Core | Scope::Uncore | Scope::Dram);
    let is_missing = |part: &AbsentMeter| {
        // A duplicate is not a part, and where a part does not exist, nothing is missing.
        let is_part = !matches!(part.unavailable.reason, Reason::Duplicate | Reason::NoMeter | Reason::NotSupported);
        is_part && part.source == source && part.scope == Some(scope)
    };
    of_processor && absent.iter().any(is_missing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::{MeterInfo, MeterSeries, choose, discover, fixture::Tree};

    const ZONES: &str = "sys/class/powercap";

    fn packages(files: &[(&str, &str)], wanted: &[String]) -> Vec<(String, Scope)> {
        let zones = (0..2).map(|zone| {
            format!(
                "{ZONES}/intel-rapl:{zone}/name = package-{zone}\n{ZONES}/intel-rapl:{zone}/energy_uj = {}\n\
                 {ZONES}/intel-rapl:{zone}/max_energy_range_uj = 262143328850\n",
                1000 + zone
            )
        });
        let tree = Tree::parse(&zones.collect::<String>());
        for (file, content) in files {
            tree.set(&format!("{ZONES}/{file}"), content);
        }
        let choice = choose(discover(&tree.root()), wanted).unwrap();
        let seen = |info: &MeterInfo| Observation {
            series: MeterSeries::new(info.clone()),
            update_period: None,
            changes: 0,
            smallest_step: None,
            watched_ns: 1,
        };
        let mut watched: Vec<Observation> = choice.meters.iter().map(|meter| seen(meter.info())).collect();
        settle_scopes(&mut watched, &choice.absent);
        watched.into_iter().map(|seen| (seen.series.meter.part, seen.series.meter.scope)).collect()
    }

    #[test]
    fn a_package_without_the_other_one_is_not_the_processor() {
        let both = [("package-0".to_owned(), Scope::Package), ("package-1".to_owned(), Scope::Package)];
        assert_eq!(packages(&[], &[]), both);
        let alone = [("package-0".to_owned(), Scope::Rail)];
        assert_eq!(packages(&[("intel-rapl:1/energy_uj", "")], &[]), alone);
        assert_eq!(packages(&[], &["powercap:package-0".into()]), alone, "by the user's choice, too");
        assert_eq!(packages(&[], &["powercap".into()]), both);
    }
}
