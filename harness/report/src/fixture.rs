//! Made-up results with the shape of real ones.

pub mod energy;
pub mod sweep;

use pocketwatt_meter::{Bandwidth, CaseReadings, DeviceFacts, MemoryReading, SamplerCost};
use pocketwatt_protocol::{
    BackendInfo, GraphKind, Iteration, IterationKind, LoadStage, LoadStageTime, Loaded, ModelInfo, MonotonicNs, Stage,
    StopReason, TokenId, TurnTrace,
};
use pocketwatt_record::{
    Case, GateSettings, ModelPassport, Outcome, Passport, PlannedCase, Precision, RECORD_FORMAT, Record, Run,
    RunSettings, Samples, derive_metrics,
};

const MEBIBYTE: u64 = 1 << 20;
const MILLISECOND: f64 = 1e6;

/// The speed of a made-up backend.
struct Speed {
    backend: &'static str,
    engine: &'static str,
    version: &'static str,
    graph: Option<GraphKind>,
    prefill_ms_per_token: f64,
    decode_ms: f64,
    load_ms: f64,
    read_ms: Option<f64>,
    own_bytes: u64,
}

const SPEEDS: [Speed; 3] = [
    Speed {
        backend: "onnxruntime",
        engine: "ONNX Runtime",
        version: "1.32.0",
        graph: Some(GraphKind::Onnxruntime),
        prefill_ms_per_token: 3.1,
        decode_ms: 31.4,
        load_ms: 389.0,
        read_ms: None,
        own_bytes: 498 * MEBIBYTE,
    },
    Speed {
        backend: "tract",
        engine: "tract",
        version: "0.23.9",
        graph: Some(GraphKind::Opset17),
        prefill_ms_per_token: 5.2,
        decode_ms: 38.9,
        load_ms: 1420.0,
        read_ms: Some(310.0),
        own_bytes: 561 * MEBIBYTE,
    },
    Speed {
        backend: "candle",
        engine: "candle",
        version: "0.11.1",
        graph: None,
        prefill_ms_per_token: 2.7,
        decode_ms: 31.6,
        load_ms: 252.0,
        read_ms: Some(231.0),
        own_bytes: 503 * MEBIBYTE,
    },
];

/// Prompt and output tokens of each turn.
const CHAT: &[(u32, u32)] = &[(96, 64), (41, 64), (57, 64)];
const API_CALL: &[(u32, u32)] = &[(412, 48)];
const PREFILL: &[(u32, u32)] = &[(512, 0)];

/// Two scenarios on three backends, without failures.
pub fn records() -> Vec<Record> {
    cases(&[("chat", CHAT), ("api-call", API_CALL)])
}

/// A scenario that generates nothing.
pub fn prefill() -> Vec<Record> {
    cases(&[("prefill-512", PREFILL)])
}

/// `chat` with every kind of problem: one backend diverges, one failed, one was skipped, one was disturbed.
pub fn troubled() -> Vec<Record> {
    let mut records = cases(&[("chat", CHAT)]);
    for iteration in &mut records[2].samples.iterations {
        iteration.turns[1].tokens[16] = TokenId(7);
    }
    records[2].readings.steal_ns = Some(600_000_000);
    records[2].metrics = derive_metrics(&records[2]);
    fail(
        &mut records[1],
        Outcome::Failed {
            stage: Stage::Load,
            message: "cannot read graph: node 12 \"Gather\"\nis\u{1b}[31m not supported".into(),
        },
    );
    let mut skipped = records[0].clone();
    skipped.case.backend = "fake".into();
    skipped.case.id = "chat-fake".into();
    skipped.passport.backend = None;
    fail(
        &mut skipped,
        Outcome::Skipped { reason: "the runner is not built: run `cargo build -p pocketwatt-fake`".into() },
    );
    records.push(skipped);
    records
}

fn fail(record: &mut Record, outcome: Outcome) {
    record.outcome = outcome;
    record.samples = Samples::default();
    record.readings = CaseReadings::default();
    record.metrics = Vec::new();
}

fn cases(scenarios: &[(&str, &[(u32, u32)])]) -> Vec<Record> {
    scenarios
        .iter()
        .flat_map(|(scenario, turns)| SPEEDS.iter().map(move |speed| record(scenario, turns, speed)))
        .collect()
}

/// The run that the records belong to.
pub fn run(records: &[Record]) -> Run {
    Run {
        format: RECORD_FORMAT,
        id: "20261123-124233-main".into(),
        pocketwatt: "0.1.0".into(),
        started_unix_ms: 1_795_437_753_000,
        command: vec!["pocketwatt".into(), "run".into()],
        device: DeviceFacts {
            name: "xeon-2".into(),
            processor: Some("Intel(R) Xeon(R) Processor @ 2.60GHz".into()),
            architecture: "x86_64".into(),
            logical_cores: 2,
            physical_cores: Some(1),
            allowed_cores: None,
            processor_quota: None,
            memory_bytes: Some(7936 * MEBIBYTE),
            memory_limit_bytes: None,
            operating_system: Some("Debian GNU/Linux 13".into()),
            kernel: Some("6.12.8".into()),
            virtualisation: Some("kvm".into()),
            governor: None,
            maximum_frequency_hz: None,
            last_level_cache_bytes: Some(32 * MEBIBYTE),
            ..DeviceFacts::default()
        },
        bandwidth: vec![bandwidth()],
        energy: energy::virtual_machine(),
        settings: RunSettings {
            warmup_iterations: 1,
            iterations: 5,
            settle_ms: 0,
            timeout_s: 60,
            quality: true,
            sustain_ms: None,
            turns: None,
            gates: GateSettings::default(),
            cores: None,
        },
        scenarios: Vec::new(),
        baseline: None,
        against: None,
        study: None,
        shard: None,
        merged: None,
        rebuilt: None,
        plan: records
            .iter()
            .map(|record| PlannedCase { case: record.case.clone(), estimate_s: 10.0, shard: None })
            .collect(),
    }
}

fn bandwidth() -> Bandwidth {
    Bandwidth {
        threads: 1,
        buffer_bytes: 512 * MEBIBYTE,
        best_bytes_per_second: 18.2e9,
        median_bytes_per_second: 17.6e9,
        passes: 12,
    }
}

fn record(scenario: &str, turns: &[(u32, u32)], speed: &Speed) -> Record {
    let mut noise = Noise(speed.backend.len() as u64 * 77 + scenario.len() as u64);
    let mut clock = Clock(1_000_000_000);
    let loaded = load(speed, &mut clock);
    let iterations = (0..6).map(|index| iteration(index, turns, speed, &mut clock, &mut noise)).collect();
    let mut record = Record {
        format: RECORD_FORMAT,
        case: Case {
            id: format!("{scenario}-{}", speed.backend),
            scenario: scenario.into(),
            model: "mobilellm-125m".into(),
            backend: speed.backend.into(),
            precision: Precision::F32,
            graph: speed.graph,
            threads: 1,
            constrained: false,
            baseline: false,
        },
        passport: passport(speed),
        outcome: Outcome::Measured,
        samples: Samples { loaded: Some(loaded), iterations, blocks: Vec::new() },
        readings: readings(speed),
        waits: Vec::new(),
        quality: None,
        calls: Vec::new(),
        unjudged: None,
        energy: Vec::new(),
        metrics: Vec::new(),
        checks: Vec::new(),
    };
    record.metrics = derive_metrics(&record);
    record
}

fn load(speed: &Speed, clock: &mut Clock) -> Loaded {
    let start = clock.now();
    let stages = speed.read_ms.map(|read_ms| {
        let middle = clock.pass(read_ms);
        let end = clock.pass(speed.load_ms - read_ms);
        vec![
            LoadStageTime { stage: LoadStage::Read, start, end: middle },
            LoadStageTime { stage: LoadStage::Prepare, start: middle, end },
        ]
    });
    let end = if stages.is_some() { clock.now() } else { clock.pass(speed.load_ms) };
    let implementation = speed.graph.map_or("own model", GraphKind::name).to_owned();
    Loaded { start, end, stages: stages.unwrap_or_default(), model: ModelInfo { vocabulary: 32_000, implementation } }
}

fn iteration(index: u32, turns: &[(u32, u32)], speed: &Speed, clock: &mut Clock, noise: &mut Noise) -> Iteration {
    let start = clock.now();
    let mut context = 0;
    let turns: Vec<TurnTrace> = turns
        .iter()
        .map(|&(prompt_tokens, output_tokens)| {
            let start = clock.now();
            let prefill_end = clock.pass(f64::from(prompt_tokens) * speed.prefill_ms_per_token * noise.around_one());
            let token_times = (0..output_tokens)
                .map(|token| {
                    let position = f64::from(context + prompt_tokens + token);
                    let slower = if index == 0 { 1.2 } else { 1.0 };
                    clock.pass(if token == 0 {
                        0.05
                    } else {
                        (speed.decode_ms + position * 0.012) * slower * noise.around_one()
                    })
                })
                .collect();
            let trace = TurnTrace {
                context_tokens: context,
                prompt_tokens,
                start,
                prefill_end,
                token_times,
                tokens: (0..output_tokens).map(|token| TokenId(1000 + token * 7)).collect(),
                stop: StopReason::Length,
                grammar_ns: None,
            };
            context += prompt_tokens + output_tokens;
            trace
        })
        .collect();
    let kind = if index == 0 { IterationKind::Warmup } else { IterationKind::Measured };
    let cpu_ns = clock.now().since(start) * 99 / 100;
    Iteration { kind, conversation: 0, turns, cpu_ns, kv_cache_bytes: 512 * 34_560 }
}

fn passport(speed: &Speed) -> Passport {
    Passport {
        pocketwatt: "0.1.0".into(),
        run: None,
        started_unix_ms: 1_795_437_760_000,
        backend: Some(BackendInfo {
            name: speed.backend.into(),
            version: "0.1.0".into(),
            engine: speed.engine.into(),
            engine_version: speed.version.into(),
            accelerator: "cpu".into(),
            build: "release x86_64".into(),
            platform: None,
        }),
        runner_sha256: Some("ab".repeat(32)),
        library_sha256: None,
        model: ModelPassport {
            name: "mobilellm-125m".into(),
            origin: "seeded weights (seed 42)".into(),
            seeded: true,
            weights_sha256: "0123456789abcdef".repeat(4),
            rounded_sha256: None,
            config_sha256: "cd".repeat(32),
            tokenizer_sha256: None,
            parameters: 124_635_456,
            weight_bytes: 498_541_824,
            weight_bytes_per_token: 498_541_824,
            kv_bytes_per_token: 34_560,
            remarks: Vec::new(),
        },
        graph_sha256: speed.graph.map(|_| "ef".repeat(32)),
        scenario_sha256: "12".repeat(32),
        bandwidth: Some(bandwidth()),
        last_level_cache_bytes: None,
        battery: None,
        sustain_ms: None,
        planned_blocks: None,
        boot_id: None,
        beside: None,
        cores: None,
        emulated: None,
        left_out: None,
    }
}

fn readings(speed: &Speed) -> CaseReadings {
    CaseReadings {
        memory: vec![MemoryReading {
            at: MonotonicNs(2_000_000_000),
            anonymous_bytes: speed.own_bytes,
            file_bytes: 24 * MEBIBYTE,
            shared_bytes: 0,
            huge_bytes: 0,
        }],
        peak_resident_bytes: Some(speed.own_bytes + 24 * MEBIBYTE),
        run_queue_wait_ns: Some(20_000_000),
        steal_ns: Some(0),
        system_cpu_ns: Some(20_000_000_000),
        other_busy_ns: Some(100_000_000),
        broken_counters: Vec::new(),
        no_energy: energy::virtual_machine().absent.into_iter().next().map(|meter| meter.unavailable),
        sampler: SamplerCost { reads: 100, cpu_ns: 4_000_000, wall_ns: 10_000_000_000 },
        ..CaseReadings::default()
    }
}

struct Clock(u64);

impl Clock {
    fn now(&self) -> MonotonicNs {
        MonotonicNs(self.0)
    }

    fn pass(&mut self, milliseconds: f64) -> MonotonicNs {
        self.0 += (milliseconds * MILLISECOND) as u64;
        self.now()
    }
}

/// A fixed sequence that looks random.
struct Noise(u64);

impl Noise {
    /// Between 0.98 and 1.02.
    fn around_one(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        0.98 + (self.0 >> 33) as f64 / (1u64 << 31) as f64 * 0.04
    }
}
