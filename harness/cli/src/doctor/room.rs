//! Heat, load and memory: the resources that other programs leave.

use pocketwatt_meter::{Heat, KernelCounter, Load, Memory};

use super::{Check, Status, listed};

/// Shares of processor time that other programs may take.
const BUSY_UNFIT: f64 = 0.5;
const BUSY_WARNING: f64 = 0.05;
/// The same in processors.
const BUSY_PROCESSORS: f64 = 0.5;
const STEAL_UNFIT: f64 = 0.05;
const STEAL_WARNING: f64 = 0.01;
/// This close to its limit, in degrees, a processor soon slows down.
const NEAR_LIMIT: f64 = 10.0;
/// Least and most memory that runners were seen to need for each byte of weights.
const LEAST_PER_WEIGHT: f64 = 1.1;
const MOST_PER_WEIGHT: f64 = 2.5;
const MIB: f64 = (1 << 20) as f64;

/// Heat slows processors down.
pub fn temperature(heat: &Heat) -> Check {
    const NAME: &str = "temperature";
    let cool = "let the device cool down, and improve its airflow";
    if heat.temperatures.is_empty() && heat.slowed_by.is_empty() {
        return Check::new(NAME, Status::Unknown, "no sensor of the processor was found");
    }
    let words: Vec<String> = heat
        .temperatures
        .iter()
        .map(|sensor| match sensor.limit_celsius {
            Some(limit) => format!("{} {:.0} °C (limit {limit:.0} °C)", sensor.name, sensor.celsius),
            None => format!("{} {:.0} °C", sensor.name, sensor.celsius),
        })
        .collect();
    let room = heat
        .temperatures
        .iter()
        .filter_map(|sensor| Some(sensor.limit_celsius? - sensor.celsius))
        .min_by(f64::total_cmp);
    let mut seen = listed(&words);
    if !heat.slowed_by.is_empty() {
        seen += &format!("; slowed down by {}", listed(&heat.slowed_by));
    }
    match room {
        Some(room) if room <= 0.0 => Check::new(NAME, Status::Unfit, seen).fix(cool),
        Some(room) if room < NEAR_LIMIT => Check::new(NAME, Status::Warning, seen).fix(cool),
        _ if !heat.slowed_by.is_empty() => Check::new(NAME, Status::Warning, seen).fix(cool),
        _ => Check::ok(NAME, seen),
    }
}

/// The processor time that others take: programs, and with a hypervisor other machines.
/// `untold` is the reason where the kernel does not report it.
pub fn load(load: &Load, online: Option<u32>, untold: &str) -> Vec<Check> {
    vec![busy(load, online, untold), steal(load, untold)]
}

fn busy(load: &Load, online: Option<u32>, untold: &str) -> Check {
    const NAME: &str = "load";
    if let Some(check) = broken(NAME, load, KernelCounter::Busy) {
        return check;
    }
    let Some(share) = load.busy_share else {
        return Check::new(NAME, Status::Unknown, format!("how busy the processors are: {untold}"));
    };
    let average = load.average.map_or(String::new(), |average| format!("; load average {average:.2}"));
    let of = online.map_or(String::new(), |online| format!(" of {online} processors"));
    let seen = format!("{:.0} %{of} busy with other work{average}", share * 100.0);
    let processors = share * f64::from(online.unwrap_or(1));
    let status = match share {
        share if share > BUSY_UNFIT => Status::Unfit,
        share if share > BUSY_WARNING || processors > BUSY_PROCESSORS => Status::Warning,
        _ => return Check::ok(NAME, seen),
    };
    Check::new(NAME, status, seen).fix("close other programs; `top` shows which they are")
}

fn steal(load: &Load, untold: &str) -> Check {
    const NAME: &str = "steal";
    if let Some(check) = broken(NAME, load, KernelCounter::Steal) {
        return check;
    }
    let Some(share) = load.steal_share else {
        return Check::new(NAME, Status::Unknown, untold);
    };
    let seen = format!("{:.1} % of processor time goes to other virtual machines", share * 100.0);
    let status = match share {
        share if share > STEAL_UNFIT => Status::Unfit,
        share if share > STEAL_WARNING => Status::Warning,
        _ => return Check::ok(NAME, seen),
    };
    Check::new(NAME, status, seen).fix("measure at another time, or on a machine of your own")
}

/// A counter with an impossible value says nothing about what others take.
fn broken(name: &'static str, load: &Load, counter: KernelCounter) -> Option<Check> {
    let broken = load.broken.iter().find(|broken| broken.counter == counter)?;
    let seen = format!("the kernel's {} counter is broken: {}", counter.name(), broken.seen);
    Some(Check::new(name, Status::Unknown, seen))
}

/// Whether another process measures.
pub fn other(other: &anyhow::Result<Option<String>>) -> Check {
    const NAME: &str = "measurements";
    match other {
        Ok(None) => Check::ok(NAME, "no other process measures on this device"),
        Ok(Some(who)) => Check::new(NAME, Status::Unfit, format!("{who} measures on this device"))
            .fix("wait until it ends, as `pocketwatt run --wait` does"),
        Err(error) => Check::new(NAME, Status::Unknown, format!("{error:#}")),
    }
}

/// Whether the model fits into the free memory.
pub fn memory(memory: &Memory, (model, weight_bytes): (&str, u64), untold: &str) -> Check {
    const NAME: &str = "free memory";
    let Some(available) = memory.available_bytes else {
        return Check::new(NAME, Status::Unknown, untold);
    };
    let mebibytes = |bytes: f64| format!("{:.0} MiB", bytes / MIB);
    let (least, most) = (weight_bytes as f64 * LEAST_PER_WEIGHT, weight_bytes as f64 * MOST_PER_WEIGHT);
    let swapped = memory.swapped_bytes.filter(|bytes| *bytes > 0);
    let swapped = swapped.map_or(String::new(), |bytes| format!("; {} are swapped out", mebibytes(bytes as f64)));
    let limit = memory
        .limit_bytes
        .map_or(String::new(), |bytes| format!(" (the limit of its control group is {})", mebibytes(bytes as f64)));
    let seen = format!(
        "{} free{limit}, {model} needs {:.0} to {}{swapped}",
        mebibytes(available as f64),
        least / MIB,
        mebibytes(most)
    );
    let status = match available as f64 {
        available if available < least => Status::Unfit,
        available if available < most => Status::Warning,
        _ => return Check::ok(NAME, seen),
    };
    Check::new(NAME, status, seen).fix("close other programs, or choose a smaller model with --model")
}

#[cfg(test)]
mod tests {
    use pocketwatt_meter::{BrokenCounter, Temperature};

    use super::*;

    #[test]
    fn heat_is_judged_by_the_limit_of_the_sensor() {
        let at = |celsius, limit_celsius| {
            let sensor = Temperature { name: "cpu".into(), celsius, limit_celsius };
            temperature(&Heat { temperatures: vec![sensor], slowed_by: Vec::new() }).status
        };
        assert_eq!(at(60.0, Some(100.0)), Status::Ok);
        assert_eq!(at(95.0, Some(100.0)), Status::Warning);
        assert_eq!(at(100.0, Some(100.0)), Status::Unfit);
        assert_eq!(at(95.0, None), Status::Ok, "nobody knows what it stands");
        let slowed = Heat { temperatures: Vec::new(), slowed_by: vec!["Processor".into()] };
        assert_eq!(temperature(&slowed).status, Status::Warning);
        assert_eq!(temperature(&Heat::default()).status, Status::Unknown);
    }

    #[test]
    fn others_may_take_little() {
        let look = |busy, steal| {
            let load = Load { average: Some(1.0), busy_share: Some(busy), steal_share: Some(steal), ..Load::default() };
            super::load(&load, Some(2), "?").into_iter().map(|check| check.status).collect::<Vec<_>>()
        };
        assert_eq!(look(0.02, 0.0), [Status::Ok, Status::Ok]);
        assert_eq!(look(0.3, 0.02), [Status::Warning, Status::Warning]);
        assert_eq!(look(0.6, 0.06), [Status::Unfit, Status::Unfit]);
        assert_eq!(busy(&Load { busy_share: Some(0.02), ..Load::default() }, Some(64), "?").status, Status::Warning);
        assert_eq!(load(&Load::default(), None, "?")[0].status, Status::Unknown);
        let seen = "it grew by 416228716 ticks in 0.50 s, of which 2 processors have 100".to_owned();
        let broken = vec![BrokenCounter { counter: KernelCounter::Steal, seen }];
        let check = steal(&Load { broken, ..Load::default() }, "?");
        assert_eq!(check.status, Status::Unknown);
        assert!(check.seen.starts_with("the kernel's steal counter is broken: it grew by 416228716"), "{}", check.seen);
    }

    #[test]
    fn a_model_that_does_not_fit_is_unfit() {
        let with = |mebibytes: u64| {
            let memory = Memory { available_bytes: Some(mebibytes << 20), limit_bytes: None, swapped_bytes: Some(0) };
            super::memory(&memory, ("tiny", 400 << 20), "?").status
        };
        assert_eq!((with(300), with(600), with(2000)), (Status::Unfit, Status::Warning, Status::Ok));
    }
}
