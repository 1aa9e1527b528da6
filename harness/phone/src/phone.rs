//! A phone: what it is, asked question by question.

use std::{collections::BTreeMap, time::Duration};

use pocketwatt_meter::energy::{Reason, Unavailable};

use crate::{
    Metering, Obstacle, Unread,
    adb::{Adb, AdbError, Answer, Listed, Serial, State},
    condition::obstacles,
    printed::{
        BatteryReport, Cluster, Properties, RailsReport, Seccomp, ThermalReport, clusters, free_bytes, power_supplies,
        seccomp, values_of_cores,
    },
    questions,
};

/// A phone that adb lists.
#[derive(Debug)]
pub struct Phone {
    /// How it is listed.
    pub listed: Listed,
    /// What it answered; absent if it could not be asked.
    pub facts: Option<Facts>,
    /// What stands in the way of measuring on it.
    pub obstacles: Vec<Obstacle>,
}

/// What a phone answered.
#[derive(Debug)]
pub struct Facts {
    /// Who it is.
    pub properties: Properties,
    /// Its clusters of cores, slowest first.
    pub clusters: Result<Vec<Cluster>, Unread>,
    /// Free bytes where programs and models lie.
    pub free_bytes: Result<u64, Unread>,
    /// Its battery.
    pub battery: BatteryReport,
    /// Its temperatures.
    pub thermal: Result<ThermalReport, Unread>,
    /// Which system calls programs may make.
    pub seccomp: Result<Seccomp, Unread>,
    /// What could measure its energy.
    pub metering: Metering,
}

/// Asks a phone everything. Each question has the limit; after one that was not answered, no further one is asked.
pub fn examine(adb: &Adb, listed: Listed, limit: Duration) -> Phone {
    if listed.state != State::Device {
        let obstacles = vec![Obstacle::NotReady { state: listed.state }];
        return Phone { listed, facts: None, obstacles };
    }
    let has_shell_v2 = match adb.has_shell_v2(&listed.serial, limit) {
        Ok(has_shell_v2) => has_shell_v2,
        Err(error) => {
            let obstacles = vec![Obstacle::NotAnswering { words: error.to_string() }];
            return Phone { listed, facts: None, obstacles };
        }
    };
    let mut interview = Interview { adb, phone: &listed.serial, limit, ended: None };
    let facts = Facts::ask(&mut interview);
    let mut obstacles = obstacles(&facts);
    if !has_shell_v2 {
        obstacles.insert(0, Obstacle::NoShellV2);
    }
    if let Some(error) = interview.ended {
        obstacles.insert(0, Obstacle::NotAnswering { words: error.to_string() });
    }
    Phone { listed, facts: Some(facts), obstacles }
}

/// Questions until one is not answered.
struct Interview<'a> {
    adb: &'a Adb,
    phone: &'a Serial,
    limit: Duration,
    /// Why the phone was given up.
    ended: Option<AdbError>,
}

impl Interview<'_> {
    /// Standard output of a command; see [`Unread`] for why there is none.
    fn ask(&mut self, command: &str) -> Result<String, Unread> {
        if self.ended.is_some() {
            return Err(Unread::NotAnswered);
        }
        let Answer { stdout, stderr, status } = self.adb.shell(self.phone, command, self.limit).map_err(|error| {
            self.ended = Some(error);
            Unread::NotAnswered
        })?;
        if status == 0 {
            return Ok(stdout);
        }
        let words =
            stderr.lines().chain(stdout.lines()).map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        if words.contains("Permission denied") || words.contains("Permission Denial") {
            return Err(Unread::NotPermitted);
        }
        Err(Unread::Failed { status, words: words.chars().take(200).collect() })
    }
}

impl Facts {
    fn ask(interview: &mut Interview) -> Self {
        let properties =
            interview.ask(&questions::properties()).map(|text| Properties::read(&text)).unwrap_or_default();
        let mut of_cores = |file: &str| -> BTreeMap<u32, u32> {
            let text = interview.ask(&questions::of_cores(file)).unwrap_or_default();
            values_of_cores(&text)
        };
        let [capacities, highest, allowed] =
            ["cpu_capacity", "cpufreq/cpuinfo_max_freq", "cpufreq/scaling_max_freq"].map(&mut of_cores);
        let battery = match interview.ask(questions::BATTERY) {
            Ok(text) => BatteryReport::read(&text),
            Err(why) => BatteryReport::without_values(false, &why),
        };
        let supplies = interview.ask(questions::SUPPLIES).map(|text| power_supplies(&text));
        let rails = match interview.ask(questions::RAILS) {
            Ok(text) => RailsReport::read(&text),
            // The service is missing: `dumpsys` says so in its text, and some versions fail besides.
            Err(Unread::Failed { words, .. }) => RailsReport::read(&words),
            Err(why) => Err(unavailable(&why)),
        };
        Self {
            clusters: clusters(&capacities, &highest, &allowed),
            free_bytes: interview.ask(&questions::room()).and_then(|text| free_bytes(&text)),
            thermal: interview.ask(questions::TEMPERATURES).map(|text| ThermalReport::read(&text)),
            seccomp: interview.ask(questions::STATUS_OF_PROCESS).and_then(|text| seccomp(&text)),
            metering: Metering::new(rails, supplies.as_deref().map_err(unavailable), &battery),
            properties,
            battery,
        }
    }
}

fn unavailable(why: &Unread) -> Unavailable {
    let reason = if *why == Unread::NotPermitted { Reason::NotPermitted } else { Reason::Unreadable };
    Unavailable::new(reason, why.to_string())
}
