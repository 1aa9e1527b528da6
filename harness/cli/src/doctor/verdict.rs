//! All checks, summarised in one sentence.

use pocketwatt_meter::energy::Unavailable;
use serde::Serialize;

use super::{Check, Status, energy::SIMULATION, listed};

/// The result of all checks together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whether speed and memory can be measured.
    pub fit: bool,
    /// Whether energy can be measured, too.
    pub fit_for_energy: bool,
    /// The same as a sentence.
    pub sentence: String,
}

impl Verdict {
    /// `meters` says whether there are any, `none` why there are none.
    pub fn of(checks: &[Check], meters: bool, none: Option<&Unavailable>) -> Self {
        let unfit: Vec<&str> =
            checks.iter().filter(|check| check.status == Status::Unfit).map(|check| check.name.as_str()).collect();
        if !unfit.is_empty() {
            let sentence = format!("Unfit for measuring: {}.", listed(&unfit));
            return Self { fit: false, fit_for_energy: false, sentence };
        }
        let warnings = match checks.iter().filter(|check| check.status == Status::Warning).count() {
            0 => String::new(),
            1 => ", with 1 warning".into(),
            several => format!(", with {several} warnings"),
        };
        let sentence = match none {
            _ if meters && checks.iter().any(|check| check.name == SIMULATION) => {
                format!("Fit for measuring speed, and the energy of simulated meters{warnings}.")
            }
            _ if meters => format!("Fit for measuring speed and energy{warnings}."),
            Some(none) => {
                format!("Fit for measuring speed{warnings}; energy cannot be measured ({}).", none.reason.words())
            }
            None => format!("Fit for measuring speed{warnings}; energy cannot be measured."),
        };
        Self { fit: true, fit_for_energy: meters, sentence }
    }
}

#[cfg(test)]
mod tests {
    use pocketwatt_meter::energy::Reason;

    use super::*;

    #[test]
    fn the_worst_check_decides_and_a_missing_meter_does_not() {
        let check = |name: &str, status| Check::new(name, status, "");
        let none = Unavailable::new(Reason::VirtualMachine, "");
        let mut checks = vec![check("turbo", Status::Warning), check("steal", Status::Unknown)];
        let verdict = Verdict::of(&checks, false, Some(&none));
        assert_eq!(
            verdict.sentence,
            "Fit for measuring speed, with 1 warning; energy cannot be measured (virtual machine: no meter)."
        );
        assert!(verdict.fit && !verdict.fit_for_energy);
        assert_eq!(Verdict::of(&[], true, None).sentence, "Fit for measuring speed and energy.");
        let simulated = [check(SIMULATION, Status::Warning)];
        assert_eq!(
            Verdict::of(&simulated, true, None).sentence,
            "Fit for measuring speed, and the energy of simulated meters, with 1 warning."
        );
        checks.extend([check("load", Status::Unfit), check("temperature", Status::Unfit)]);
        let verdict = Verdict::of(&checks, true, None);
        assert_eq!(verdict.sentence, "Unfit for measuring: load and temperature.");
        assert!(!verdict.fit && !verdict.fit_for_energy);
    }
}
