use std::fmt;

use pocketwatt_meter::energy::{Reason, Unavailable};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a number does not exist: a kind for programs, and a text for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absent {
    /// The part that code depends on.
    pub kind: AbsentKind,
    /// The text for people, on one line; for [`AbsentKind::Withheld`], the numbers that cannot be true.
    pub words: String,
    /// Name of the physics check that failed, for [`AbsentKind::Withheld`]; absent in records that do not contain it.
    pub check: Option<String>,
}

impl Absent {
    /// With a text other than the default one.
    pub fn new(kind: AbsentKind, words: impl Into<String>) -> Self {
        Self { kind, words: words.into(), check: None }
    }

    /// A number that exists and cannot be true, according to the check with that name. `detail` has the numbers that it
    /// compared.
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
    /// The record has no metric with that name: the version that wrote it did not know the metric.
    NotInRecord,
    /// The meters of other cases were not read in this one.
    NotReadInCase,
    /// Nothing was observed.
    NoObservations,
    /// The observation is not a finite number.
    NoFiniteNumber,
    /// The divisor is a time of zero.
    NoTimePassed,
    /// The scenario asks for no output tokens, or there were none.
    NothingGenerated,
    /// There is no time between two output tokens.
    FewerThanTwoTokens,
    /// There are too few times between output tokens for a quarter of them; since format 1.10.
    FewGaps,
    /// The runner never said that its model was ready.
    NotLoaded,
    /// The engine does not report the parts of loading separately.
    LoadsInOneCall,
    /// The runner had already ended when it was read.
    ProcessGone,
    /// The memory was never sampled.
    NoSamples,
    /// A counter of the kernel showed an impossible value.
    CounterBroken,
    /// The kernel does not report it.
    NotToldByKernel,
    /// The probe of the memory's bandwidth was not run.
    BandwidthNotMeasured,
    /// Random weights: their text means nothing.
    SeededWeights,
    /// The case is the reference that others are compared with.
    IsReference,
    /// No comparison with the reference was requested.
    NotCompared,
    /// The reference gave no answer.
    NoReference,
    /// The backend's answers do not come from the model.
    MadeUpAnswers,
    /// The comparison was tried and failed.
    ComparisonFailed,
    /// A logit is not a number, or far too large.
    Infinite,
    /// The scenario asks for no calls.
    NotAsked,
    /// The scenario asks for no words.
    NoWordsAsked,
    /// No question is of the Berkeley Function Calling Leaderboard.
    NotOfBfcl,
    /// Calls were requested, but the answers are not judged.
    NotJudged,
    /// Answers are not constrained by a grammar.
    NotConstrained,
    /// No answer has a complete call.
    NoCompleteCall,
    /// No call is right.
    NoRightCall,
    /// The case is not a sustained one.
    NotSustained,
    /// The sustained case was too short.
    TooShort,
    /// The device reports no temperature.
    NoTemperature,
    /// The temperature was not read when it was needed.
    TemperatureNotRead,
    /// The device reports no frequency of its processors.
    NoFrequency,
    /// The frequency was not read when it was needed.
    FrequencyNotRead,
    /// No battery was stated, and the device has none.
    NoBattery,
    /// The energy is zero or less, so it cannot be a divisor.
    NoEnergyUsed,
    /// The phase did not take place.
    DidNotHappen,
    /// The case was not measured in turns with others.
    NotInBlocks,
    /// It is observed once in a case, not in every block.
    ObservedOnce,
    /// Too few blocks have both cases.
    FewBlocks,
    /// Too few blocks, or rounds of one process, to show how much it varies.
    FewRounds,
    /// A number is not positive, so there is no ratio.
    NoRatio,
    /// Another reason, which the text gives: from a newer version, or from an older one that stored only the text.
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
            Self::FewGaps => "fewer than 8 gaps between output tokens in an iteration",
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
            Self::NotInBlocks => "not measured in turns with the others",
            Self::ObservedOnce => "observed once in a case",
            Self::FewBlocks => "fewer than 2 blocks have both cases",
            Self::FewRounds => "fewer than 3 blocks or rounds, which do not show how much it varies",
            Self::NoRatio => "a number is zero or less, so there is no ratio",
            Self::Other => "for another reason",
            Self::Meter(reason) => reason.words(),
        }
    }
}
