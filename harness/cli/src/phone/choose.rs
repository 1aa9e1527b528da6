//! Which phones a command is for.

use std::{collections::BTreeSet, thread, time::Duration};

use anyhow::{Result, anyhow};
use pocketwatt_meter::device_folder_name;
use pocketwatt_phone::{
    Facts, Obstacle, Phone, Severity,
    adb::{Adb, Listed, Serial, State, find_adb, install_command},
    examine,
    host::Connection,
};

use crate::refusal::Refusal;

/// How long a phone may take to answer a question.
const LIMIT: Duration = Duration::from_secs(10);

/// A phone that a command is for.
#[derive(Debug)]
pub struct Chosen {
    /// How adb tells it from others. It is never stored.
    pub serial: Serial,
    /// Its name in results: that of its model, with a number behind it where several are alike.
    pub name: String,
    /// What it answered.
    pub facts: Facts,
    /// What stands in the way.
    pub obstacles: Vec<Obstacle>,
}

impl Chosen {
    /// To ask it.
    pub fn connection<'a>(&'a self, adb: &'a Adb) -> Connection<'a> {
        Connection { adb, phone: &self.serial }
    }
}

/// The client, with its server running.
///
/// # Errors
/// When it is not installed, or its server does not start.
pub fn adb() -> Result<Adb> {
    let Some(program) = find_adb() else {
        return Err(Refusal::error(format!(
            "adb, the Android Debug Bridge, is not in PATH: install it with `{}`, or set ADB to its path",
            install_command()
        )));
    };
    let adb = Adb::at(program);
    adb.start_server().map_err(|error| {
        anyhow!("{error}; set ADB to a program that starts, or end a server that does not answer: adb kill-server")
    })?;
    Ok(adb)
}

/// The phones with these serial numbers; without any, the one that is connected. All are examined at the same time. `name` is the user's
/// for the device.
///
/// # Errors
/// When one is not there or does not answer, or when it is not clear which is meant.
pub fn choose(adb: &Adb, serials: &[String], name: Option<&str>) -> Result<Vec<Chosen>> {
    let listed = listed(adb, serials)?;
    let phones: Vec<Phone> = thread::scope(|scope| {
        let asked: Vec<_> = listed.into_iter().map(|listed| scope.spawn(move || examine(adb, listed, LIMIT))).collect();
        // A thread that panicked has said so.
        asked.into_iter().filter_map(|phone| phone.join().ok()).collect()
    });
    let mut names = BTreeSet::new();
    phones.into_iter().map(|phone| chosen(phone, name, &mut names)).collect()
}

/// The phones with these serial numbers, as they are listed; without any, the one that is connected.
///
/// # Errors
/// When one is not there or not ready, or when it is not clear which is meant.
pub fn listed(adb: &Adb, serials: &[String]) -> Result<Vec<Listed>> {
    wanted(adb.devices()?, serials)
}

fn wanted(listed: Vec<Listed>, serials: &[String]) -> Result<Vec<Listed>> {
    let named: Vec<&String> = serials.iter().filter(|serial| !serial.is_empty()).collect();
    let known = || listed.iter().map(|phone| phone.serial.for_the_user()).collect::<Vec<_>>().join(", ");
    if named.is_empty() {
        let mut ready: Vec<Listed> = listed.iter().filter(|phone| phone.state == State::Device).cloned().collect();
        return match (ready.len(), listed.first()) {
            (1, _) => Ok(ready),
            (0, None) => Err(Refusal::error("adb lists no phone: `pocketwatt phones` says how to connect one")),
            (0, Some(first)) => Err(not_ready(first.state)),
            (_, _) => {
                ready.truncate(0);
                Err(Refusal::error(format!("adb lists several phones: name one with --phone, of {}", known())))
            }
        };
    }
    let mut chosen: Vec<Listed> = Vec::new();
    for serial in named {
        let found = listed.iter().find(|phone| phone.serial.for_the_user() == serial).ok_or_else(|| {
            let listed = if listed.is_empty() { "no phone".into() } else { known() };
            Refusal::error(format!("adb lists no phone {serial:?}, but {listed}: see `pocketwatt phones`"))
        })?;
        if found.state != State::Device {
            return Err(not_ready(found.state));
        }
        if chosen.iter().any(|other| other.serial == found.serial) {
            return Err(Refusal::error(format!("the phone {serial:?} is named twice")));
        }
        chosen.push(found.clone());
    }
    Ok(chosen)
}

fn not_ready(state: State) -> anyhow::Error {
    let obstacle = Obstacle::NotReady { state };
    Refusal::error(format!("the phone cannot be used, {}: {}", obstacle.seen(), obstacle.remedy()))
}

fn chosen(phone: Phone, wanted: Option<&str>, names: &mut BTreeSet<String>) -> Result<Chosen> {
    let Phone { listed, facts, obstacles } = phone;
    let stopped =
        obstacles.iter().find(|obstacle| matches!(obstacle, Obstacle::NotAnswering { .. } | Obstacle::NoShellV2));
    let (Some(facts), None) = (facts, stopped) else {
        let why = obstacles.first().map_or_else(|| "it does not answer".into(), told);
        return Err(anyhow!("the phone cannot be used: {why}"));
    };
    let (maker, model) = (facts.properties.manufacturer(), facts.properties.model());
    // `samsung SM-S9110`, but `Redmi Note 14` alone where the model begins with the maker.
    let own = match (maker, model) {
        (Some(maker), Some(model)) if !model.to_lowercase().starts_with(&maker.to_lowercase()) => {
            format!("{maker} {model}")
        }
        (_, Some(model)) => model.to_owned(),
        (Some(maker), None) => format!("{maker} phone"),
        (None, None) => "phone".to_owned(),
    };
    let own = device_folder_name(wanted.unwrap_or(&own));
    let numbered = (2..).map(|number| format!("{own}-{number}"));
    let free = std::iter::once(own.clone()).chain(numbered).find(|name| !names.contains(name));
    let name = free.unwrap_or(own);
    names.insert(name.clone());
    Ok(Chosen { serial: listed.serial, name, facts, obstacles })
}

/// An obstacle, and what to do.
pub(super) fn told(obstacle: &Obstacle) -> String {
    format!("{}; {}", obstacle.seen(), obstacle.remedy())
}

impl Chosen {
    /// Why nothing may be measured on it; heat is none where the phone is left to cool down.
    pub fn unfit(&self, cools_down: bool) -> Vec<String> {
        let counts = |obstacle: &&Obstacle| {
            obstacle.severity() == Severity::Unfit && !(cools_down && matches!(obstacle, Obstacle::TooHot { .. }))
        };
        self.obstacles.iter().filter(counts).map(told).collect()
    }

    /// What is told, and does not keep anybody from measuring.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        self.obstacles.iter().filter(|obstacle| obstacle.severity() == Severity::Warning).map(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(serial: &str, state: State) -> Listed {
        Listed { serial: Serial::new(serial), state, model: None }
    }

    fn chosen_of(phones: &[Listed], serials: &[&str]) -> Result<Vec<String>, String> {
        let serials: Vec<String> = serials.iter().map(|serial| (*serial).to_owned()).collect();
        let chosen = wanted(phones.to_vec(), &serials).map_err(|error| error.to_string())?;
        Ok(chosen.iter().map(|phone| phone.serial.for_the_user().to_owned()).collect())
    }

    #[test]
    fn the_one_phone_is_meant_and_several_have_to_be_named() {
        let (one, other) = (listed("A1", State::Device), listed("B2", State::Device));
        let offline = listed("C3", State::Offline);
        let all = [one.clone(), other, offline.clone()];
        assert_eq!(chosen_of(&[one.clone(), offline.clone()], &[""]), Ok(vec!["A1".into()]), "only one is ready");
        assert_eq!(chosen_of(&all, &["B2", "A1"]), Ok(vec!["B2".into(), "A1".into()]));
        let error = |phones: &[Listed], serials: &[&str]| chosen_of(phones, serials).unwrap_err();
        assert!(error(&all, &[]).starts_with("adb lists several phones: name one with --phone, of A1, B2, C3"));
        assert!(error(&[], &[""]).starts_with("adb lists no phone: `pocketwatt phones`"));
        assert!(error(&all, &["D4"]).starts_with("adb lists no phone \"D4\", but A1, B2, C3"));
        assert!(error(&all, &["C3"]).starts_with("the phone cannot be used, offline: "));
        assert!(error(&[offline], &[""]).starts_with("the phone cannot be used, offline: "));
        assert_eq!(error(&all, &["A1", "A1"]), "the phone \"A1\" is named twice");
    }
}
