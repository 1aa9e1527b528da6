use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    calls::CallMetric,
    definition::{Metric, Observe},
    energy::EnergyMetric,
    machine::MachineMetric,
    quality::QualityMetric,
    speed::SpeedMetric,
    sustained::SustainedMetric,
};

/// A metric of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricId {
    /// Times, throughput and memory.
    Speed(SpeedMetric),
    /// Closeness to the reference.
    Quality(QualityMetric),
    /// Whether answers are right.
    Calls(CallMetric),
    /// The work of the processors.
    Machine(MachineMetric),
    /// Energy and power.
    Energy(EnergyMetric),
    /// The first minutes of a long run, compared with its last ones.
    Sustained(SustainedMetric),
}

impl MetricId {
    /// The metric with that name in records.
    pub fn named(name: &str) -> Option<Self> {
        catalogue().iter().copied().find(|metric| metric.name() == name)
    }

    /// Its family: the name of the file that defines it.
    pub fn family(self) -> &'static str {
        match self {
            Self::Speed(_) => "speed",
            Self::Quality(_) => "quality",
            Self::Calls(_) => "calls",
            Self::Machine(_) => "machine",
            Self::Energy(_) => "energy",
            Self::Sustained(_) => "sustained",
        }
    }

    /// Its name in records.
    pub fn name(self) -> &'static str {
        self.definition().name
    }

    /// Whether it is computed from the readings of energy meters, so that there is one value for each figure.
    pub fn is_of_energy(self) -> bool {
        matches!(self.definition().observe, Observe::Figure(_) | Observe::Power(_))
    }

    /// Whether a longer answer alone makes it larger, so that it is compared between answers of the same length only.
    pub fn grows_with_answers(self) -> bool {
        matches!(
            self,
            Self::Speed(SpeedMetric::RequestLatency | SpeedMetric::KvCacheMemory)
                | Self::Energy(EnergyMetric::EnergyPerRequest | EnergyMetric::NetEnergyPerRequest)
        )
    }

    /// Its place among metrics that say nearly the same: the first of their chain, and how many are before it. A family of tests has
    /// most of its weight on the first ones.
    pub fn chain(self) -> (Self, usize) {
        let mut first = self;
        let mut before = 0;
        while let Some(followed) = first.followed() {
            (first, before) = (followed, before + 1);
        }
        (first, before)
    }

    fn followed(self) -> Option<Self> {
        match self {
            Self::Speed(metric) => metric.followed().map(Self::Speed),
            Self::Quality(metric) => metric.followed().map(Self::Quality),
            Self::Calls(metric) => metric.followed().map(Self::Calls),
            Self::Machine(metric) => metric.followed().map(Self::Machine),
            Self::Energy(metric) => metric.followed().map(Self::Energy),
            Self::Sustained(metric) => metric.followed().map(Self::Sustained),
        }
    }

    /// Its entry in the catalogue.
    pub fn definition(self) -> &'static Metric {
        match self {
            Self::Speed(metric) => metric.definition(),
            Self::Quality(metric) => metric.definition(),
            Self::Calls(metric) => metric.definition(),
            Self::Machine(metric) => metric.definition(),
            Self::Energy(metric) => metric.definition(),
            Self::Sustained(metric) => metric.definition(),
        }
    }
}

impl Metric {
    /// The label where it stands alone: that of a part is understood after its whole, as in `peak memory, of which own`.
    pub fn full_label(&self) -> String {
        let own = self.label.trim_start();
        let before = catalogue().iter().map(|id| id.definition()).take_while(|metric| metric.name != self.name);
        match before.filter(|metric| !metric.label.starts_with(' ')).last() {
            Some(whole) if own.len() < self.label.len() => format!("{}, {own}", whole.label),
            _ => own.to_owned(),
        }
    }
}

/// Every metric, in the order of records and tables.
pub fn catalogue() -> &'static [MetricId] {
    &CATALOGUE
}

static CATALOGUE: LazyLock<Vec<MetricId>> = LazyLock::new(|| {
    let speed = SpeedMetric::ALL.iter().copied().map(MetricId::Speed);
    let quality = QualityMetric::ALL.iter().copied().map(MetricId::Quality);
    let calls = CallMetric::ALL.iter().copied().map(MetricId::Calls);
    let machine = MachineMetric::ALL.iter().copied().map(MetricId::Machine);
    let energy = EnergyMetric::ALL.iter().copied().map(MetricId::Energy);
    let sustained = SustainedMetric::ALL.iter().copied().map(MetricId::Sustained);
    speed.chain(quality).chain(calls).chain(machine).chain(energy).chain(sustained).collect()
});

macro_rules! families {
    ($($family:ident: $metric:ident),*) => {
        $(impl From<$metric> for MetricId {
            fn from(metric: $metric) -> Self {
                Self::$family(metric)
            }
        })*
    };
}

families!(
    Speed: SpeedMetric, Quality: QualityMetric, Calls: CallMetric, Machine: MachineMetric, Energy: EnergyMetric,
    Sustained: SustainedMetric
);

/// The name of a metric in a record. A newer version may have written one that this catalogue does not know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "String", into = "String")]
pub enum MetricName {
    /// A metric of the catalogue.
    Known(MetricId),
    /// A metric of another version.
    Unknown(String),
}

impl MetricName {
    /// The metric, if the catalogue has it.
    pub fn id(&self) -> Option<MetricId> {
        match self {
            Self::Known(metric) => Some(*metric),
            Self::Unknown(_) => None,
        }
    }

    /// Its name in records.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(metric) => metric.name(),
            Self::Unknown(name) => name,
        }
    }
}

impl From<String> for MetricName {
    fn from(name: String) -> Self {
        MetricId::named(&name).map_or(Self::Unknown(name), Self::Known)
    }
}

impl From<MetricName> for String {
    fn from(name: MetricName) -> Self {
        name.as_str().to_owned()
    }
}

impl<M: Into<MetricId>> From<M> for MetricName {
    fn from(metric: M) -> Self {
        Self::Known(metric.into())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::Direction;

    #[test]
    fn names_are_unique_and_every_metric_says_how_it_is_computed() {
        let names: HashSet<_> = catalogue().iter().map(|metric| metric.name()).collect();
        assert_eq!(names.len(), catalogue().len());
        let told = |metric: &MetricId| {
            let Metric { formula, observation, .. } = metric.definition();
            !formula.is_empty() && !observation.is_empty()
        };
        assert!(catalogue().iter().all(told));
        let decode = MetricId::named("decode_throughput").unwrap();
        assert_eq!(
            (decode, decode.definition().direction),
            (SpeedMetric::DecodeThroughput.into(), Direction::HigherIsBetter)
        );
        assert_eq!(MetricId::named("nonsense"), None);
    }

    #[test]
    fn metrics_that_say_nearly_the_same_are_a_chain() {
        let mut followers = HashSet::new();
        for metric in catalogue().iter().copied() {
            let Some(followed) = metric.followed() else { continue };
            assert!(followers.insert(followed), "{followed:?} is followed twice");
            // Around a circle, this would not end.
            let (first, before) = metric.chain();
            assert_eq!(followed.chain(), (first, before - 1));
        }
        let chain = |name: &str| {
            let (first, before) = MetricId::named(name).unwrap().chain();
            (first.name(), before)
        };
        assert_eq!(chain("kv_cache_memory"), ("peak_resident_memory", 2));
        assert_eq!(chain("energy_per_prefill_token"), ("energy_per_request", 2));
        assert_eq!(chain("request_latency"), ("request_latency", 0));
    }

    #[test]
    fn a_metric_of_a_newer_version_keeps_its_name() {
        let name: MetricName = serde_json::from_str(r#""smiles_per_token""#).unwrap();
        assert_eq!((name.id(), name.as_str()), (None, "smiles_per_token"));
        assert_eq!(serde_json::to_string(&name).unwrap(), r#""smiles_per_token""#);
    }
}
