//! How absent numbers are stored, in records of all format versions: the text has always been in the same place, and since
//! format 1.6 the kind is beside it. Only this file knows what older versions wrote.

use pocketwatt_meter::energy::Reason;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::IntoDeserializer};

use crate::{Absent, AbsentKind, Summary};

/// The kind of an absent number, beside its text; since format 1.6.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Absent")]
pub(crate) struct StoredKind {
    /// Why there is no number, for programs. Later versions may write other kinds.
    #[serde(deserialize_with = "known_or_other")]
    kind: AbsentKind,
    /// Name of the physics check that failed, if the number is withheld.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    check: Option<String>,
}

/// A number, or the reason why there is none. Never a zero that means "unknown".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Value")]
pub(crate) enum StoredValue {
    /// Over all observations of the case.
    Measured(Summary),
    /// In a few words.
    Unavailable(String),
}

/// The two parts of a stored absent number.
pub(crate) fn parts(absent: &Absent) -> (String, StoredKind) {
    (absent.to_string(), StoredKind { kind: absent.kind, check: absent.check.clone() })
}

/// An absent number from its stored parts; `unknown` is the kind of a text that no known version wrote.
pub(crate) fn absent(words: String, kind: Option<StoredKind>, unknown: AbsentKind) -> Absent {
    let (kind, check) = match kind {
        Some(StoredKind { kind, check }) => (kind, check),
        None => (kind_of(&words).unwrap_or(unknown), None),
    };
    let words = match (kind, words.strip_prefix(WITHHELD)) {
        (AbsentKind::Withheld, Some(detail)) => detail.to_owned(),
        _ => words,
    };
    Absent { kind, words, check }
}

fn known_or_other<'a, D: Deserializer<'a>>(from: D) -> Result<AbsentKind, D::Error> {
    let name = String::deserialize(from)?;
    let known: Result<AbsentKind, serde::de::value::Error> = AbsentKind::deserialize(name.into_deserializer());
    Ok(known.unwrap_or(AbsentKind::Other))
}

const WITHHELD: &str = "withheld: ";

/// The kind of a text that formats 1.0 to 1.5 stored without a kind.
fn kind_of(words: &str) -> Option<AbsentKind> {
    let whole = WHOLE.iter().find(|(known, _)| *known == words);
    let start = || STARTS.iter().find(|(start, _)| words.starts_with(start));
    whole.or_else(start).map(|(_, kind)| *kind)
}

/// Texts that continue with numbers or names.
const STARTS: [(&str, AbsentKind); 7] = [
    (WITHHELD, AbsentKind::Withheld),
    ("too short: ", AbsentKind::TooShort),
    ("the kernel's ", AbsentKind::CounterBroken),
    ("answers are not judged", AbsentKind::NotJudged),
    ("no reference, ", AbsentKind::NoReference),
    ("no backend gives a reference", AbsentKind::NoReference),
    ("what ", AbsentKind::MadeUpAnswers),
];

const WHOLE: [(&str, AbsentKind); 44] = [
    ("no observations", AbsentKind::NoObservations),
    ("no finite number", AbsentKind::NoFiniteNumber),
    ("no time passed", AbsentKind::NoTimePassed),
    ("nothing is generated", AbsentKind::NothingGenerated),
    ("fewer than 2 output tokens", AbsentKind::FewerThanTwoTokens),
    ("the model was not loaded", AbsentKind::NotLoaded),
    ("the engine loads in one call", AbsentKind::LoadsInOneCall),
    ("the process was gone before it was read", AbsentKind::ProcessGone),
    ("no samples", AbsentKind::NoSamples),
    ("the kernel does not say", AbsentKind::NotToldByKernel),
    ("bandwidth was not measured", AbsentKind::BandwidthNotMeasured),
    ("not applicable to seeded weights", AbsentKind::SeededWeights),
    ("it is the reference", AbsentKind::IsReference),
    ("not compared", AbsentKind::NotCompared),
    ("there is no reference", AbsentKind::NoReference),
    ("infinite: a logit is no number, or out of all proportion", AbsentKind::Infinite),
    ("no calls were asked for", AbsentKind::NotAsked),
    ("no words were asked for", AbsentKind::NoWordsAsked),
    ("no question is of BFCL", AbsentKind::NotOfBfcl),
    ("answers are not kept to a grammar", AbsentKind::NotConstrained),
    ("no call was complete", AbsentKind::NoCompleteCall),
    ("no call was right", AbsentKind::NoRightCall),
    ("not a sustained run", AbsentKind::NotSustained),
    ("no sensor of temperature can be read", AbsentKind::NoTemperature),
    ("the temperature was not read all the time", AbsentKind::TemperatureNotRead),
    ("the frequency cannot be read", AbsentKind::NoFrequency),
    ("the frequency was not read meanwhile", AbsentKind::FrequencyNotRead),
    ("no battery stated (--battery 50kJ)", AbsentKind::NoBattery),
    ("no energy was used", AbsentKind::NoEnergyUsed),
    ("did not happen", AbsentKind::DidNotHappen),
    ("no meter", AbsentKind::Meter(Reason::NoMeter)),
    ("virtual machine: no meter", AbsentKind::Meter(Reason::VirtualMachine)),
    ("not permitted", AbsentKind::Meter(Reason::NotPermitted)),
    ("covered (container)", AbsentKind::Meter(Reason::Covered)),
    ("meter unreadable", AbsentKind::Meter(Reason::Unreadable)),
    ("charger connected", AbsentKind::Meter(Reason::ChargerConnected)),
    ("below resolution", AbsentKind::Meter(Reason::BelowResolution)),
    ("counter went backwards", AbsentKind::Meter(Reason::WentBackwards)),
    ("meter vanished", AbsentKind::Meter(Reason::Vanished)),
    ("same as another meter", AbsentKind::Meter(Reason::Duplicate)),
    ("not chosen", AbsentKind::Meter(Reason::NotChosen)),
    ("not supported", AbsentKind::Meter(Reason::NotSupported)),
    ("no readings", AbsentKind::Meter(Reason::NotCovered)),
    ("implausible", AbsentKind::Meter(Reason::Implausible)),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn of_words(words: &str) -> Absent {
        absent(words.into(), None, AbsentKind::Other)
    }

    #[test]
    fn words_of_older_versions_have_their_kind() {
        assert_eq!(of_words("below resolution").kind, AbsentKind::Meter(Reason::BelowResolution));
        assert_eq!(of_words("too short: 1 of 3 rounds; sustain it for longer").kind, AbsentKind::TooShort);
        assert_eq!(of_words("what fake answers is made up").kind, AbsentKind::MadeUpAnswers);
        let withheld = of_words("withheld: 9.0 GB/s is too much");
        assert_eq!(withheld, Absent::new(AbsentKind::Withheld, "9.0 GB/s is too much"));
        assert_eq!(withheld.to_string(), "withheld: 9.0 GB/s is too much");
        assert_eq!(of_words("somebody else's words"), Absent::new(AbsentKind::Other, "somebody else's words"));
    }

    #[test]
    fn what_is_stored_comes_back() {
        let kinds =
            [Absent::withheld("bandwidth", "too much"), Reason::NotPermitted.into(), AbsentKind::NotJudged.into()];
        for stored in kinds {
            let (words, kind) = parts(&stored);
            let kind = serde_json::from_str(&serde_json::to_string(&kind).unwrap()).unwrap();
            assert_eq!(absent(words, Some(kind), AbsentKind::Other), stored);
        }
    }

    #[test]
    fn kinds_have_names_for_programs_and_those_of_newer_versions_are_other() {
        let name = |kind: AbsentKind| serde_json::to_value(kind).unwrap();
        assert_eq!(name(AbsentKind::Meter(Reason::BelowResolution)), "below-resolution");
        assert_eq!(name(AbsentKind::Withheld), "withheld");
        let newer: StoredKind = serde_json::from_str(r#"{"kind": "eaten-by-the-dog"}"#).unwrap();
        assert_eq!(newer.kind, AbsentKind::Other);
        assert_eq!(absent("a dog ate it".into(), Some(newer), AbsentKind::Other).words, "a dog ate it");
    }
}
