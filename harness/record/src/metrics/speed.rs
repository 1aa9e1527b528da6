//! Speed and memory.

use pocketwatt_meter::{CaseReadings, MemoryReading};
use pocketwatt_protocol::{Iteration, LoadStage, TurnTrace};

use super::{
    definition::{
        Observations,
        Observe::{Iterations, Launch},
        metrics,
    },
    observations::{each, one, some},
};
use crate::{
    AbsentKind::{
        self, FewGaps, FewerThanTwoTokens, LoadsInOneCall, NoSamples, NoTimePassed, NotLoaded, NothingGenerated,
        ProcessGone,
    },
    Evidence, Passport,
};

metrics! {
    /// Times, throughput and memory.
    SpeedMetric {
        TimeToFirstToken = "time_to_first_token" {
            label: "time to first token",
            unit: Nanoseconds,
            direction: LowerIsBetter,
            observation: "a turn",
            formula: "token_times[0] - start; tokenisation is outside: the runner receives tokens",
            observe: Iterations(|_, iterations| each_turn(iterations, time_to_first_token, NothingGenerated)),
        }
        PrefillThroughput = "prefill_throughput" {
            label: "prefill",
            unit: TokensPerSecond,
            direction: HigherIsBetter,
            follows: TimeToFirstToken,
            observation: "an iteration",
            formula: "sum of prompt_tokens over its turns / sum of (prefill_end - start)",
            observe: Iterations(|_, iterations| each(iterations, prefill_throughput, NoTimePassed)),
        }
        DecodeThroughput = "decode_throughput" {
            label: "decode",
            unit: TokensPerSecond,
            direction: HigherIsBetter,
            observation: "an iteration",
            formula: "sum of (output tokens - 1) over its turns / sum of (last token time - first token time)",
            observe: Iterations(|_, iterations| each(iterations, |one| decode_throughput([one]), FewerThanTwoTokens)),
        }
        InterTokenLatency = "inter_token_latency" {
            label: "inter-token latency",
            unit: Nanoseconds,
            direction: LowerIsBetter,
            follows: DecodeThroughput,
            observation: "a gap between two output tokens of a turn",
            formula: "token_times[i + 1] - token_times[i]",
            observe: Iterations(|_, iterations| some(turns(iterations).flat_map(gaps), FewerThanTwoTokens)),
        }
        UndisturbedTokenLatency = "undisturbed_token_latency" {
            label: "token, undisturbed",
            unit: Nanoseconds,
            direction: LowerIsBetter,
            follows: InterTokenLatency,
            observation: "an iteration with at least 8 gaps between output tokens",
            formula: "mean of the shortest quarter of the gaps of its turns: what the engine does when it is left alone, and too little by \
         construction",
            observe: Iterations(|_, iterations| each(iterations, undisturbed_token_latency, FewGaps)),
        }
        TimePerOutputToken = "time_per_output_token" {
            label: "time per output token",
            unit: Nanoseconds,
            direction: LowerIsBetter,
            observation: "a turn with at least 2 output tokens",
            formula: "(request_latency - time_to_first_token) / (output tokens - 1)",
            observe: Iterations(|_, iterations| each_turn(iterations, time_per_output_token, FewerThanTwoTokens)),
        }
        RequestLatency = "request_latency" {
            label: "request latency",
            unit: Nanoseconds,
            direction: LowerIsBetter,
            observation: "a turn",
            formula: "last token time - start (prefill_end - start where nothing is generated)",
            observe: Iterations(|_, iterations| Ok(turns(iterations).map(request_latency).collect())),
        }
        LoadTime = "load_time" {
            label: "load time",
            unit: Nanoseconds,
            direction: LowerIsBetter,
            observation: "the load phase",
            formula: "loaded.end - loaded.start",
            observe: Launch(|case| one(case.samples.loaded.as_ref().map(|loaded| loaded.span().duration_ns()), NotLoaded)),
        }
        LoadReadTime = "load_read_time" {
            label: "  of which reading",
            unit: Nanoseconds,
            direction: LowerIsBetter,
            observation: "the load phase",
            formula: "sum of loaded.stages of kind `read`; the file was read before, so it comes from the page cache",
            observe: Launch(|case| load_stage(case, LoadStage::Read)),
        }
        LoadPrepareTime = "load_prepare_time" {
            label: "  of which preparing",
            unit: Nanoseconds,
            direction: LowerIsBetter,
            observation: "the load phase",
            formula: "sum of loaded.stages of kind `prepare`",
            observe: Launch(|case| load_stage(case, LoadStage::Prepare)),
        }
        FirstTokenAfterLoad = "first_token_after_load" {
            label: "first token after load",
            unit: Nanoseconds,
            direction: LowerIsBetter,
            follows: LoadTime,
            observation: "the first turn of the first iteration, warm-up included",
            formula: "token_times[0] - start, with caches and pages still cold",
            observe: Launch(first_token_after_load),
        }
        PeakResidentMemory = "peak_resident_memory" {
            label: "peak memory",
            unit: Bytes,
            direction: LowerIsBetter,
            observation: "the runner process, load included",
            formula: "VmHWM of the runner: anonymous, file-backed and shared pages that were resident at once; with HugetlbPages, which \
         VmHWM leaves out",
            observe: Launch(|case| one(peak_resident_bytes(case.readings), ProcessGone)),
        }
        PeakAnonymousMemory = "peak_anonymous_memory" {
            label: "  of which own",
            unit: Bytes,
            direction: LowerIsBetter,
            follows: PeakResidentMemory,
            observation: "the runner process, load included",
            formula: "largest sampled RssAnon + HugetlbPages: without pages of mapped files, which the kernel may drop",
            observe: Launch(|case| one(peak_anonymous_bytes(case.readings), NoSamples)),
        }
        KvCacheMemory = "kv_cache_memory" {
            label: "key-value cache",
            unit: Bytes,
            direction: LowerIsBetter,
            follows: PeakAnonymousMemory,
            observation: "an iteration",
            formula: "bytes of the cache as allocated at the end of the iteration",
            observe: Iterations(|_, iterations| Ok(iterations.iter().map(|one| one.kv_cache_bytes as f64).collect())),
        }
        ModelBandwidthUtilisation = "model_bandwidth_utilisation" {
            label: "of memory bandwidth",
            unit: Fraction,
            direction: HigherIsBetter,
            observation: "an iteration",
            formula: "(weight bytes per token + mean cached positions x cache bytes per position) x decode_throughput / measured bandwidth",
            observe: Iterations(bandwidth_utilisation),
        }
    }
}

fn turns<'a>(iterations: &[&'a Iteration]) -> impl Iterator<Item = &'a TurnTrace> {
    iterations.iter().flat_map(|iteration| &iteration.turns)
}

fn each_turn(iterations: &[&Iteration], observe: fn(&TurnTrace) -> Option<f64>, none: AbsentKind) -> Observations {
    some(turns(iterations).filter_map(observe), none)
}

fn time_to_first_token(turn: &TurnTrace) -> Option<f64> {
    turn.to_first_token().map(|span| span.duration_ns() as f64)
}

fn request_latency(turn: &TurnTrace) -> f64 {
    turn.request().duration_ns() as f64
}

fn time_per_output_token(turn: &TurnTrace) -> Option<f64> {
    let gaps = Some(turn.decoded_tokens()).filter(|&gaps| gaps > 0)?;
    Some((request_latency(turn) - time_to_first_token(turn)?) / gaps as f64)
}

fn gaps(turn: &TurnTrace) -> impl Iterator<Item = f64> {
    turn.gaps().map(|gap| gap as f64)
}

/// Others only ever make a token later, so the shortest gaps are those in which nobody did.
fn undisturbed_token_latency(iteration: &Iteration) -> Option<f64> {
    /// Fewer have no quarter to speak of.
    const LEAST_GAPS: usize = 8;
    let mut gaps: Vec<f64> = iteration.turns.iter().flat_map(gaps).collect();
    gaps.sort_by(f64::total_cmp);
    let quarter = gaps.len().div_ceil(4);
    (gaps.len() >= LEAST_GAPS).then(|| gaps[..quarter].iter().sum::<f64>() / quarter as f64)
}

fn prefill_throughput(iteration: &Iteration) -> Option<f64> {
    let tokens: u64 = iteration.turns.iter().map(|turn| u64::from(turn.prompt_tokens)).sum();
    // A sum of whole numbers as floats is exact for months, and does not overflow whatever a record contains.
    let time: f64 = iteration.turns.iter().map(|turn| turn.prefill().duration_ns() as f64).sum();
    per_second(tokens, time)
}

/// Decode throughput of iterations together, in tokens per second; `None` if no turn has two output tokens.
pub fn decode_throughput<'a>(iterations: impl IntoIterator<Item = &'a Iteration>) -> Option<f64> {
    let (mut tokens, mut time) = (0, 0.0);
    for turn in iterations.into_iter().flat_map(|iteration| &iteration.turns) {
        let Some(decode) = turn.decode() else { continue };
        tokens += turn.decoded_tokens();
        time += decode.duration_ns() as f64;
    }
    per_second(tokens, time)
}

fn per_second(tokens: u64, time_ns: f64) -> Option<f64> {
    (tokens > 0 && time_ns > 0.0).then(|| tokens as f64 * 1e9 / time_ns)
}

fn load_stage(case: &Evidence<'_>, stage: LoadStage) -> Observations {
    let loaded = case.samples.loaded.as_ref().ok_or(NotLoaded)?;
    let parts = loaded.stages.iter().filter(|part| part.stage == stage);
    let parts: Vec<f64> = parts.map(|part| part.span().duration_ns() as f64).collect();
    if parts.is_empty() {
        return Err(LoadsInOneCall.into());
    }
    Ok(vec![parts.iter().sum()])
}

/// From the first iteration, which is a warm-up if the case has one.
fn first_token_after_load(case: &Evidence<'_>) -> Observations {
    let first = case.samples.iterations.first().and_then(|iteration| iteration.turns.first());
    some(first.and_then(time_to_first_token).into_iter(), NothingGenerated)
}

fn peak_resident_bytes(readings: &CaseReadings) -> Option<u64> {
    readings.peak_with_huge_pages_bytes.or(readings.peak_resident_bytes)
}

fn peak_anonymous_bytes(readings: &CaseReadings) -> Option<u64> {
    let own = |reading: &MemoryReading| reading.anonymous_bytes.saturating_add(reading.huge_bytes);
    readings.memory.iter().map(own).max()
}

/// Bytes that a decoded token has to read, divided by what the memory can deliver.
fn bandwidth_utilisation(passport: &Passport, iterations: &[&Iteration]) -> Observations {
    let bandwidth = passport.bandwidth.as_ref().ok_or(AbsentKind::BandwidthNotMeasured)?;
    let utilisation = |iteration: &Iteration| {
        let bytes_per_token = bytes_per_decoded_token(passport, iteration)?;
        Some(bytes_per_token * decode_throughput([iteration])? / bandwidth.best_bytes_per_second)
    };
    each(iterations, utilisation, FewerThanTwoTokens)
}

/// Bytes of weights and cached positions that a decoded token of this iteration has to read, on average; `None` if none was
/// decoded.
pub fn bytes_per_decoded_token(passport: &Passport, iteration: &Iteration) -> Option<f64> {
    let model = &passport.model;
    let positions = mean_decode_context(iteration)?;
    Some(model.weight_bytes_per_token as f64 + positions * model.kv_bytes_per_token as f64)
}

/// Mean number of positions that a decoded token attends to. Output token `i` (from 1) of a turn follows from a forward
/// pass over `context_tokens + prompt_tokens + i` positions.
fn mean_decode_context(iteration: &Iteration) -> Option<f64> {
    let mut positions = 0.0;
    let mut passes = 0.0;
    for turn in &iteration.turns {
        let decoded = turn.tokens.len().saturating_sub(1) as f64;
        let prompt_end = f64::from(turn.context_tokens) + f64::from(turn.prompt_tokens);
        positions += decoded * prompt_end + decoded * (decoded + 1.0) / 2.0;
        passes += decoded;
    }
    (passes > 0.0).then(|| positions / passes)
}

#[cfg(test)]
mod tests {
    use pocketwatt_protocol::MonotonicNs;

    use super::*;
    use crate::energy::simulation;

    #[test]
    fn memory_in_huge_pages_is_memory() {
        let mut readings = simulation::record().readings;
        let reading = |anonymous_bytes, huge_bytes| MemoryReading {
            at: MonotonicNs(0),
            anonymous_bytes,
            file_bytes: 1,
            shared_bytes: 0,
            huge_bytes,
        };
        readings.memory = vec![reading(50, 0), reading(40, 60), reading(90, 0)];
        readings.peak_resident_bytes = Some(95);
        assert_eq!(peak_resident_bytes(&readings), Some(95));
        readings.peak_with_huge_pages_bytes = Some(155);
        assert_eq!(peak_resident_bytes(&readings), Some(155));
        assert_eq!(peak_anonymous_bytes(&readings), Some(100));
    }
}
