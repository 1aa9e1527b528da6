use std::fmt;

use pocketwatt_meter::energy::{Reason, Unavailable};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a number does not exist: a kind for programs, and words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absent {
    /// What code dispatches on.
    pub kind: AbsentKind,
    /// What a person reads, on one line; of [`AbsentKind::Withheld`], the numbers that cannot be true.
    pub words: String,
    /// Name of the physics check that failed, of [`AbsentKind::Withheld`]; absent in records that do not tell.
    pub check: Option<String>,
}

impl Absent {
    /// With words of its own.
    pub fn new(kind: AbsentKind, words: impl Into<String>) -> Self {
        Self { kind, words: words.into(), check: None }
    }

    /// A number that exists and cannot be true, by the check of that name. `detail` has the numbers that were compared.
    pub fn withheld(check: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { kind: AbsentKind::Withheld, words: detail.into(), check: Some(check.into()) }
    }

    /// Whether the number exists and failed a check.
    pub fn is_withheld(&self) -> bool {
        self.kind == AbsentKind::Withheld
    }
}

impl fmt::Display for Absent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            AbsentKind::Withheld => write!(formatter, "withheld: {}", self.words),
            _ => formatter.write_str(&self.words),
        }
    }
}

impl From<AbsentKind> for Absent {
    fn from(kind: AbsentKind) -> Self {
        Self::new(kind, kind.words())
    }
}

impl From<Reason> for Absent {
    fn from(reason: Reason) -> Self {
        AbsentKind::Meter(reason).into()
    }
}

/// The hint stays with the energy figure that gives it.
impl From<&Unavailable> for Absent {
    fn from(unavailable: &Unavailable) -> Self {
        unavailable.reason.into()
    }
}

/// Why a number does not exist, for programs: `below-resolution`, `withheld`, `nothing-generated`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AbsentKind {
    /// The number exists, and failed a physics check.
    Withheld,
    /// The record has nothing of that name: it was written by a version that did not know it.
    NotInRecord,
    /// The meters of other cases were not read in this one.
    NotReadInCase,
    /// Nothing was observed.
    NoObservations,
    /// What was observed is beyond all numbers.
    NoFiniteNumber,
    /// What is divided by took no time.
    NoTimePassed,
    /// The scenario asks for no output tokens, or there were none.
    NothingGenerated,
    /// There is no time between two output tokens.
    FewerThanTwoTokens,
    /// The runner never said that its model was ready.
    NotLoaded,
    /// The engine does not tell the parts of loading apart.
    LoadsInOneCall,
    /// The runner had ended when it was to be looked at.
    ProcessGone,
    /// The memory was never sampled.
    NoSamples,
    /// A counter of the kernel showed what cannot be.
    CounterBroken,
    /// The kernel does not tell it.
    NotToldByKernel,
    /// The probe of the memory's bandwidth was not run.
    BandwidthNotMeasured,
    /// Random weights: what they say means nothing.
    SeededWeights,
    /// The case is what others are compared with.
    IsReference,
    /// Nobody asked for a comparison with the reference.
    NotCompared,
    /// The reference gave no answer.
    NoReference,
    /// The backend's answers do not come from the model.
    MadeUpAnswers,
    /// The comparison was tried and failed.
    ComparisonFailed,
    /// A logit is no number, or out of all proportion.
    Infinite,
    /// The scenario asks for no calls.
    NotAsked,
    /// The scenario asks for no words.
    NoWordsAsked,
    /// No question is of the Berkeley Function Calling Leaderboard.
    NotOfBfcl,
    /// Calls were asked for, and the answers are not judged.
    NotJudged,
    /// Answers are free.
    NotConstrained,
    /// No answer has a whole call.
    NoCompleteCall,
    /// No call is right.
    NoRightCall,
    /// The case was not asked to go on for long.
    NotSustained,
    /// The case did not go on for long enough.
    TooShort,
    /// The device shows no temperature.
    NoTemperature,
    /// The temperature was not read when it was needed.
    TemperatureNotRead,
    /// The device shows no frequency of its processors.
    NoFrequency,
    /// The frequency was not read when it was needed.
    FrequencyNotRead,
    /// No battery was stated, and the device has none.
    NoBattery,
    /// The energy is zero or less, so that nothing can be divided by it.
    NoEnergyUsed,
    /// The phase did not take place.
    DidNotHappen,
    /// Another reason, which the words tell: of a newer version, or of an older one that stored words alone.
    Other,
    /// A meter's own reason.
    #[serde(untagged)]
    Meter(Reason),
}

impl AbsentKind {
    /// The few words that a table has room for.
    pub fn words(self) -> &'static str {
        match self {
            Self::Withheld => "it cannot be true",
            Self::NotInRecord => "not in the record",
            Self::NotReadInCase => "not read in this case",
            Self::NoObservations => "no observations",
            Self::NoFiniteNumber => "no finite number",
            Self::NoTimePassed => "no time passed",
            Self::NothingGenerated => "nothing is generated",
            Self::FewerThanTwoTokens => "fewer than 2 output tokens",
            Self::NotLoaded => "the model was not loaded",
            Self::LoadsInOneCall => "the engine loads in one call",
            Self::ProcessGone => "the process was gone before it was read",
            Self::NoSamples => "no samples",
            Self::CounterBroken => "a counter of the kernel is broken",
            Self::NotToldByKernel => "the kernel does not say",
            Self::BandwidthNotMeasured => "bandwidth was not measured",
            Self::SeededWeights => "not applicable to seeded weights",
            Self::IsReference => "it is the reference",
            Self::NotCompared => "not compared",
            Self::NoReference => "there is no reference",
            Self::MadeUpAnswers => "what it answers is made up",
            Self::ComparisonFailed => "the comparison failed",
            Self::Infinite => "infinite: a logit is no number, or out of all proportion",
            Self::NotAsked => "no calls were asked for",
            Self::NoWordsAsked => "no words were asked for",
            Self::NotOfBfcl => "no question is of BFCL",
            Self::NotJudged => "answers are not judged",
            Self::NotConstrained => "answers are not kept to a grammar",
            Self::NoCompleteCall => "no call was complete",
            Self::NoRightCall => "no call was right",
            Self::NotSustained => "not a sustained run",
            Self::TooShort => "too short; sustain it for longer",
            Self::NoTemperature => "no sensor of temperature can be read",
            Self::TemperatureNotRead => "the temperature was not read all the time",
            Self::NoFrequency => "the frequency cannot be read",
            Self::FrequencyNotRead => "the frequency was not read meanwhile",
            Self::NoBattery => "no battery stated (--battery 50kJ)",
            Self::NoEnergyUsed => "no energy was used",
            Self::DidNotHappen => "did not happen",
            Self::Other => "for another reason",
            Self::Meter(reason) => reason.words(),
        }
    }
}
