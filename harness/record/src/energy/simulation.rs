//! A device with a known power curve, and meters that behave like real ones: for tests, on a virtual clock.

use pocketwatt_meter::{
    CaseReadings, IdleWindows, TimeSpan,
    energy::{Basis, Measurand, MeterInfo, MeterSeries, MeterSource, RawReading, Scope, UpdatePeriod},
};
use pocketwatt_protocol::{
    Iteration, IterationKind, Loaded, ModelInfo, MonotonicNs, Precision, StopReason, TokenId, TurnTrace,
};

use crate::{Block, Case, ModelPassport, Outcome, Passport, RECORD_FORMAT, Record, Samples};

/// SplitMix64: the same numbers in every run of the tests.
pub struct Random(pub u64);

impl Random {
    pub fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + self.unit() * (high - low)
    }
}

/// True power: each level holds until a time in seconds.
#[derive(Clone, Debug, Default)]
pub struct Power {
    ends: Vec<f64>,
    levels: Vec<f64>,
    joules: Vec<f64>,
}

impl Power {
    pub fn end(&self) -> f64 {
        self.ends.last().copied().unwrap_or(0.0)
    }

    pub fn then(&mut self, seconds: f64, watts: f64) {
        let joules = self.joules.last().copied().unwrap_or(0.0) + seconds * watts;
        self.ends.push(self.end() + seconds);
        self.levels.push(watts);
        self.joules.push(joules);
    }

    /// A level with noise that changes every `grain` seconds.
    pub fn then_noisy(&mut self, seconds: f64, watts: f64, noise: f64, grain: f64, random: &mut Random) -> (f64, f64) {
        let start = self.end();
        let pieces = (seconds / grain).ceil().max(1.0);
        for _ in 0..pieces as u64 {
            let watts = watts * (1.0 + noise * random.between(-1.0, 1.0));
            self.then(seconds / pieces, watts);
        }
        (start, self.end())
    }

    pub fn watts(&self, at: f64) -> f64 {
        self.levels[self.ends.partition_point(|&end| end <= at).min(self.levels.len() - 1)]
    }

    /// Joules used until that time; before time zero at the first level.
    pub fn joules(&self, at: f64) -> f64 {
        let index = self.ends.partition_point(|&end| end <= at).min(self.levels.len() - 1);
        let (start, before) = if index == 0 { (0.0, 0.0) } else { (self.ends[index - 1], self.joules[index - 1]) };
        before + (at - start) * self.levels[index]
    }

    pub fn between(&self, span: &TimeSpan) -> f64 {
        self.joules(seconds(span.end)) - self.joules(seconds(span.start))
    }

    pub fn all(&self, spans: &[TimeSpan]) -> f64 {
        spans.iter().map(|span| self.between(span)).sum()
    }
}

/// How a meter shows power.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// A counter with this unit in joules and modulus that begins at a raw value.
    Counter { unit: f64, modulus: Option<i64>, first: i64 },
    /// A battery whose energy in joules has this step.
    Battery { step: f64, holds: f64 },
    /// A gauge: mean power since the last update, in steps of watts.
    Gauge { step: f64 },
    /// A gauge: the power at the moment of the update, in steps of watts.
    Momentary { step: f64 },
}

/// A meter that is updated every `tick` seconds, the first time at `phase`.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    pub shape: Shape,
    pub tick: f64,
    pub phase: f64,
}

impl Meter {
    pub fn info(&self) -> MeterInfo {
        let (source, scope, measurand) = match self.shape {
            Shape::Counter { unit, modulus, .. } => {
                let measurand = Measurand::EnergyCounter { joules_per_unit: unit, modulus };
                (MeterSource::Powercap, Scope::Package, measurand)
            }
            Shape::Battery { step, .. } => {
                // The unit is finer than the step, as it is in microwatt-hours.
                (MeterSource::Battery, Scope::Device, Measurand::RemainingEnergy { joules_per_unit: step / 1000.0 })
            }
            Shape::Gauge { step } | Shape::Momentary { step } => {
                (MeterSource::Hwmon, Scope::Device, Measurand::Power { watts_per_unit: step })
            }
        };
        MeterInfo {
            id: format!("{}:simulated", source.name()),
            source,
            scope,
            part: "package-0".into(),
            path: "simulated".into(),
            measurand,
            unit_basis: Basis::Documented,
            resolution: 1,
            update_period: Some(UpdatePeriod { ns: (self.tick * 1e9) as u64, basis: Basis::Documented }),
            gain_error: None,
            power_limit_watts: None,
        }
    }

    pub fn value(&self, power: &Power, at: f64) -> i64 {
        let updated = ((at - self.phase) / self.tick).floor() * self.tick + self.phase;
        match self.shape {
            Shape::Counter { unit, modulus, first } => {
                let counted = first + (power.joules(updated) / unit).floor() as i64;
                modulus.map_or(counted, |modulus| counted.rem_euclid(modulus))
            }
            Shape::Battery { step, holds } => ((holds - power.joules(updated)) / step).floor() as i64 * 1000,
            Shape::Gauge { step } => {
                let mean = (power.joules(updated) - power.joules(updated - self.tick)) / self.tick;
                (mean / step).round() as i64
            }
            Shape::Momentary { step } => (power.watts(updated) / step).round() as i64,
        }
    }

    /// Reads about every 100 ms, and shortly after each of `edges`.
    pub fn series(&self, power: &Power, edges: &[f64], random: &mut Random) -> MeterSeries {
        let mut times: Vec<f64> = edges.iter().map(|edge| edge + random.between(0.00005, 0.001)).collect();
        let mut at = 0.0;
        while at < power.end() {
            times.push(at);
            at += random.between(0.1, 0.102);
        }
        times.sort_by(f64::total_cmp);
        let mut series = MeterSeries::new(self.info());
        for at in times {
            series.push(moment(at), RawReading::new(self.value(power, at)));
        }
        series
    }
}

/// The clock did not begin with the simulation.
pub const ORIGIN_NS: u64 = 5_000_000_000_000;

pub fn moment(at: f64) -> MonotonicNs {
    MonotonicNs((ORIGIN_NS as f64 + at * 1e9).round() as u64)
}

pub fn seconds(at: MonotonicNs) -> f64 {
    (at.0 as f64 - ORIGIN_NS as f64) * 1e-9
}

pub fn span(start: f64, end: f64) -> TimeSpan {
    TimeSpan { start: moment(start), end: moment(end) }
}

/// The course of a case, in seconds and watts.
#[derive(Clone, Debug)]
pub struct Plan {
    pub idle_seconds: f64,
    pub idle_watts: f64,
    pub load: (f64, f64),
    /// Prefill and decode of each counted iteration.
    pub iterations: Vec<[(f64, f64); 2]>,
    pub pause_seconds: f64,
    /// Relative noise of all powers, and the duration of each value of it.
    pub noise: f64,
    pub grain: f64,
}

/// A case as it happened, with its record, which has no readings yet.
pub struct Happened {
    pub power: Power,
    pub record: Record,
    pub edges: Vec<f64>,
}

impl Plan {
    pub fn happen(&self, random: &mut Random) -> Happened {
        let mut power = Power::default();
        let mut edges = Vec::new();
        let mut phase = |power: &mut Power, random: &mut Random, seconds: f64, watts: f64| {
            let (start, end) = power.then_noisy(seconds, watts, self.noise, self.grain, random);
            edges.extend([start, end]);
            span(start, end)
        };
        // The sampler runs a little before and after the case.
        power.then(0.5, self.idle_watts);
        let before = phase(&mut power, random, self.idle_seconds, self.idle_watts);
        let load = phase(&mut power, random, self.load.0, self.load.1);
        let mut iterations = Vec::new();
        for &[prefill, decode] in &self.iterations {
            if self.pause_seconds > 0.0 {
                power.then(self.pause_seconds, self.idle_watts);
            }
            let prefill = phase(&mut power, random, prefill.0, prefill.1);
            let decode = phase(&mut power, random, decode.0, decode.1);
            iterations.push(iteration(prefill, decode));
        }
        let after = phase(&mut power, random, self.idle_seconds, self.idle_watts);
        power.then(0.5, self.idle_watts);
        let mut record = record();
        record.readings.idle = Some(IdleWindows { before, after: Some(after) });
        record.samples = Samples {
            loaded: Some(Loaded {
                start: load.start,
                end: load.end,
                stages: vec![],
                model: ModelInfo { vocabulary: 100, implementation: "own model".into() },
            }),
            iterations,
            blocks: Vec::new(),
        };
        Happened { power, record, edges }
    }
}

/// One turn: 10 prompt tokens, then 11 output tokens at even intervals.
fn iteration(prefill: TimeSpan, decode: TimeSpan) -> Iteration {
    let time = |index: u64| MonotonicNs(decode.start.0 + decode.duration_ns() * index / 10);
    Iteration {
        kind: IterationKind::Measured,
        conversation: 0,
        turns: vec![TurnTrace {
            context_tokens: 0,
            prompt_tokens: 10,
            start: prefill.start,
            prefill_end: prefill.end,
            token_times: (0..=10).map(time).collect(),
            tokens: vec![TokenId(1); 11],
            stop: StopReason::Length,
            grammar_ns: None,
        }],
        cpu_ns: 0,
        kv_cache_bytes: 0,
    }
}

/// A counted iteration with one turn that decodes three tokens, with this many nanoseconds between them.
pub fn decoding(gap: u64, conversation: u32) -> Iteration {
    let turn = TurnTrace {
        context_tokens: 0,
        prompt_tokens: 2,
        start: MonotonicNs(0),
        prefill_end: MonotonicNs(10),
        token_times: (0..3).map(|token| MonotonicNs(10 + token * gap)).collect(),
        tokens: vec![TokenId(1); 3],
        stop: StopReason::Length,
        grammar_ns: None,
    };
    Iteration { kind: IterationKind::Measured, conversation, turns: vec![turn], cpu_ns: 5, kv_cache_bytes: 7 }
}

/// A block that counts, after those with smaller numbers; nothing but its iterations is known.
pub fn block(number: u32, first_iteration: u32, iterations: u32) -> Block {
    Block {
        number,
        place: 1,
        span: TimeSpan { start: MonotonicNs(u64::from(number) * 2), end: MonotonicNs(u64::from(number) * 2 + 1) },
        loaded: None,
        peak_resident_bytes: None,
        peak_with_huge_pages_bytes: None,
        first_iteration,
        iterations,
        disturbances: Vec::new(),
        repeated: false,
    }
}

pub fn record() -> Record {
    let case = Case {
        id: "case".into(),
        scenario: "chat".into(),
        model: "simulated".into(),
        backend: "fake".into(),
        precision: Precision::F32,
        graph: None,
        threads: 1,
        constrained: false,
        baseline: false,
    };
    let model = ModelPassport {
        name: "simulated".into(),
        origin: "seeded weights (seed 1)".into(),
        seeded: true,
        weights_sha256: String::new(),
        rounded_sha256: None,
        config_sha256: String::new(),
        tokenizer_sha256: None,
        parameters: 1_000,
        weight_bytes: 4_000,
        weight_bytes_per_token: 4_000,
        kv_bytes_per_token: 16,
        remarks: Vec::new(),
    };
    Record {
        format: RECORD_FORMAT,
        case,
        passport: Passport {
            pocketwatt: "0.1.0".into(),
            run: None,
            started_unix_ms: 0,
            backend: None,
            runner_sha256: None,
            library_sha256: None,
            model,
            graph_sha256: None,
            scenario_sha256: String::new(),
            bandwidth: None,
            last_level_cache_bytes: None,
            battery: None,
            sustain_ms: None,
            planned_blocks: None,
            boot_id: None,
            beside: None,
            cores: None,
            emulated: None,
            left_out: None,
        },
        outcome: Outcome::Measured,
        samples: Samples::default(),
        readings: CaseReadings::default(),
        waits: Vec::new(),
        quality: None,
        calls: Vec::new(),
        unjudged: None,
        energy: Vec::new(),
        metrics: Vec::new(),
        checks: Vec::new(),
    }
}
