use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether more or less of a metric is what a user wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Less is better.
    LowerIsBetter,
    /// More is better.
    HigherIsBetter,
    /// Neither: context that explains other metrics.
    Informative,
}

/// What a metric's numbers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Nanoseconds.
    Nanoseconds,
    /// Tokens per second.
    TokensPerSecond,
    /// Bytes.
    Bytes,
    /// A share of one, shown in per cent.
    Fraction,
    /// Processor cores kept busy.
    Cores,
    /// Joules.
    Joules,
    /// Watts.
    Watts,
    /// Joules times seconds.
    JouleSeconds,
    /// Tokens for a watt-hour.
    TokensPerWattHour,
    /// Hours.
    Hours,
    /// Natural units of information.
    Nats,
    /// Degrees Celsius.
    DegreesCelsius,
    /// Hertz.
    Hertz,
    /// A number without a unit.
    One,
}

/// One entry of the metric catalogue: the same words in records, tables, charts and METHODOLOGY.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Name in records.
    pub name: &'static str,
    /// Words in tables.
    pub label: &'static str,
    /// What the numbers count.
    pub unit: Unit,
    /// Which way is better.
    pub direction: Direction,
    /// One observation, in the fields of the protocol's events.
    pub formula: &'static str,
    /// What one observation covers.
    pub observation: &'static str,
}

/// Every metric, in the order of records and tables.
pub fn catalogue() -> &'static [Metric] {
    CATALOGUE
}

/// The metric of that name.
pub fn metric(name: &str) -> Option<&'static Metric> {
    CATALOGUE.iter().find(|metric| metric.name == name)
}

const fn entry(
    name: &'static str,
    label: &'static str,
    unit: Unit,
    direction: Direction,
    observation: &'static str,
    formula: &'static str,
) -> Metric {
    Metric { name, label, unit, direction, formula, observation }
}

use Direction::{HigherIsBetter, Informative, LowerIsBetter};
use Unit::{
    Bytes, Cores, DegreesCelsius, Fraction, Hertz, Hours, JouleSeconds, Joules, Nanoseconds, Nats, One,
    TokensPerSecond, TokensPerWattHour, Watts,
};

const CATALOGUE: &[Metric] = &[
    entry(
        "time_to_first_token",
        "time to first token",
        Nanoseconds,
        LowerIsBetter,
        "a turn",
        "token_times[0] - start; tokenisation is outside: the runner receives tokens",
    ),
    entry(
        "prefill_throughput",
        "prefill",
        TokensPerSecond,
        HigherIsBetter,
        "an iteration",
        "sum of prompt_tokens over its turns / sum of (prefill_end - start)",
    ),
    entry(
        "decode_throughput",
        "decode",
        TokensPerSecond,
        HigherIsBetter,
        "an iteration",
        "sum of (output tokens - 1) over its turns / sum of (last token time - first token time)",
    ),
    entry(
        "inter_token_latency",
        "inter-token latency",
        Nanoseconds,
        LowerIsBetter,
        "a gap between two output tokens of a turn",
        "token_times[i + 1] - token_times[i]",
    ),
    entry(
        "time_per_output_token",
        "time per output token",
        Nanoseconds,
        LowerIsBetter,
        "a turn with at least 2 output tokens",
        "(request_latency - time_to_first_token) / (output tokens - 1)",
    ),
    entry(
        "request_latency",
        "request latency",
        Nanoseconds,
        LowerIsBetter,
        "a turn",
        "last token time - start (prefill_end - start where nothing is generated)",
    ),
    entry("load_time", "load time", Nanoseconds, LowerIsBetter, "the load phase", "loaded.end - loaded.start"),
    entry(
        "load_read_time",
        "  of which reading",
        Nanoseconds,
        LowerIsBetter,
        "the load phase",
        "sum of loaded.stages of kind `read`; the file was read before, so it comes from the page cache",
    ),
    entry(
        "load_prepare_time",
        "  of which preparing",
        Nanoseconds,
        LowerIsBetter,
        "the load phase",
        "sum of loaded.stages of kind `prepare`",
    ),
    entry(
        "first_token_after_load",
        "first token after load",
        Nanoseconds,
        LowerIsBetter,
        "the first turn of the first iteration, warm-up included",
        "token_times[0] - start, with caches and pages still cold",
    ),
    entry(
        "peak_resident_memory",
        "peak memory",
        Bytes,
        LowerIsBetter,
        "the runner process, load included",
        "VmHWM of the runner: anonymous, file-backed and shared pages that were resident at once",
    ),
    entry(
        "peak_anonymous_memory",
        "  of which own",
        Bytes,
        LowerIsBetter,
        "the runner process, load included",
        "largest sampled RssAnon: without pages of mapped files, which the kernel may drop",
    ),
    entry(
        "kv_cache_memory",
        "key-value cache",
        Bytes,
        LowerIsBetter,
        "an iteration",
        "bytes of the cache as allocated at the end of the iteration",
    ),
    entry(
        "model_bandwidth_utilisation",
        "of memory bandwidth",
        Fraction,
        HigherIsBetter,
        "an iteration",
        "(weight bytes per token + mean cached positions x cache bytes per position) x decode_throughput / measured bandwidth",
    ),
    entry(
        "token_agreement",
        "agreement with f32",
        Fraction,
        HigherIsBetter,
        "a fixed text",
        "positions at which the most probable token is that of the reference in f32 / positions",
    ),
    entry(
        "kl_divergence",
        "divergence from f32",
        Nats,
        LowerIsBetter,
        "a fixed text",
        "mean over positions of sum p (ln p - ln q), p = softmax(logits of the reference in f32), q = softmax(logits)",
    ),
    entry("perplexity", "perplexity", One, LowerIsBetter, "a fixed text", "exp(-mean ln q(next token of the text))"),
    entry(
        "call_intent",
        "right function (EM_intent)",
        Fraction,
        HigherIsBetter,
        "all questions",
        "answers that call the right function, or rightly none / questions for a call",
    ),
    entry(
        "call_structure",
        "right call (EM_structure)",
        Fraction,
        HigherIsBetter,
        "all questions",
        "answers whose function and arguments are all right / questions for a call",
    ),
    entry(
        "rouge_1",
        "ROUGE-1 of the words",
        One,
        HigherIsBetter,
        "a question for words",
        "F-measure of ROUGE-1 (Lin 2004) against the text that would be right",
    ),
    entry(
        "rouge_l",
        "ROUGE-L of the words",
        One,
        HigherIsBetter,
        "a question for words",
        "F-measure of ROUGE-L (Lin 2004) against the text that would be right",
    ),
    entry(
        "time_to_call",
        "time to a complete call",
        Nanoseconds,
        LowerIsBetter,
        "a complete call",
        "token_times[the token that completes the call] - start",
    ),
    entry(
        "tokens_per_call",
        "tokens of a call",
        One,
        LowerIsBetter,
        "a complete call",
        "output tokens up to the one that completes the call",
    ),
    entry(
        "grammar_time",
        "keeping to the grammar",
        Nanoseconds,
        LowerIsBetter,
        "an answer that is kept to a grammar",
        "grammar_ns / output tokens: part of their latency",
    ),
    entry(
        "processor_use",
        "processor use",
        Cores,
        Informative,
        "an iteration",
        "processor time of all threads of the runner / (end of last turn - start of first turn)",
    ),
    entry(
        "run_queue_wait",
        "waited for a processor",
        Fraction,
        LowerIsBetter,
        "the case",
        "run-queue time of the runner's threads / duration of the case",
    ),
    entry(
        "steal",
        "stolen by the hypervisor",
        Fraction,
        LowerIsBetter,
        "the case",
        "steal time of all processors / processor time that they had",
    ),
    entry(
        "energy_per_request",
        "energy per request",
        Joules,
        LowerIsBetter,
        "the case, all counted iterations together",
        "energy of the windows from start to the last token of each turn / turns; gross: all that the scope used",
    ),
    entry(
        "net_energy_per_request",
        "  less idle",
        Joules,
        LowerIsBetter,
        "the case, all counted iterations together",
        "(energy_per_request's energy - idle power x duration of its windows) / turns",
    ),
    entry(
        "energy_per_prefill_token",
        "energy per prefill token",
        Joules,
        LowerIsBetter,
        "the case, all counted iterations together",
        "energy of the windows from start to prefill_end / sum of prompt_tokens",
    ),
    entry(
        "net_energy_per_prefill_token",
        "  less idle",
        Joules,
        LowerIsBetter,
        "the case, all counted iterations together",
        "(energy_per_prefill_token's energy - idle power x duration of its windows) / sum of prompt_tokens",
    ),
    entry(
        "energy_per_output_token",
        "energy per output token",
        Joules,
        LowerIsBetter,
        "the case, all counted iterations together",
        "energy of the windows from first to last token time / sum of (output tokens - 1)",
    ),
    entry(
        "net_energy_per_output_token",
        "  less idle",
        Joules,
        LowerIsBetter,
        "the case, all counted iterations together",
        "(energy_per_output_token's energy - idle power x duration of its windows) / sum of (output tokens - 1)",
    ),
    entry(
        "energy_per_call",
        "energy per call",
        Joules,
        LowerIsBetter,
        "the case, all counted iterations together",
        "energy of the windows from start to the last token of each turn / complete calls",
    ),
    entry(
        "energy_per_correct_call",
        "energy per correct call",
        Joules,
        LowerIsBetter,
        "the case, all counted iterations together",
        "energy of the windows from start to the last token of each turn / calls that are right",
    ),
    entry(
        "load_energy",
        "energy of loading",
        Joules,
        LowerIsBetter,
        "the load phase",
        "energy of the window from loaded.start to loaded.end",
    ),
    entry(
        "prefill_power",
        "power while prefilling",
        Watts,
        Informative,
        "the case, all counted iterations together",
        "energy of the prefill windows / their duration",
    ),
    entry(
        "decode_power",
        "power while decoding",
        Watts,
        Informative,
        "the case, all counted iterations together",
        "energy of the decode windows / their duration",
    ),
    entry(
        "idle_power",
        "power when idle",
        Watts,
        Informative,
        "the case",
        "mean of the idle power before the runner was started and after it had ended",
    ),
    entry(
        "energy_delay_product",
        "energy-delay product",
        JouleSeconds,
        LowerIsBetter,
        "the case, all counted iterations together",
        "energy_per_request x mean request latency",
    ),
    entry(
        "tokens_per_watt_hour",
        "tokens per watt-hour",
        TokensPerWattHour,
        HigherIsBetter,
        "the case, all counted iterations together",
        "3600 x output tokens / energy of the requests, prefill included",
    ),
    entry(
        "battery_per_request",
        "battery per request",
        Fraction,
        LowerIsBetter,
        "the case, all counted iterations together",
        "(net_energy_per_request + (idle power + screen power) x mean request latency) / battery",
    ),
    entry(
        "chat_hours_per_charge",
        "hours of chat per charge",
        Hours,
        HigherIsBetter,
        "the case, all counted iterations together",
        "battery / (net power of the requests + idle power + screen power) / 3600, requests back to back",
    ),
    entry(
        "burst_decode_throughput",
        "decode at first",
        TokensPerSecond,
        HigherIsBetter,
        "a round that began in the first tenth of a sustained case, and within 30 s",
        "sum of (output tokens - 1) over its turns / sum of (last token time - first token time)",
    ),
    entry(
        "sustained_decode_throughput",
        "decode in the end",
        TokensPerSecond,
        HigherIsBetter,
        "a round that began in the last third of a sustained case",
        "sum of (output tokens - 1) over its turns / sum of (last token time - first token time)",
    ),
    entry(
        "sustained_share",
        "  of what it was at first",
        Fraction,
        HigherIsBetter,
        "a sustained case",
        "median of sustained_decode_throughput / median of burst_decode_throughput",
    ),
    entry(
        "burst_power",
        "power at first",
        Watts,
        Informative,
        "the first rounds of a sustained case",
        "energy from the start of the first of these rounds to the last token of the last / that time",
    ),
    entry(
        "sustained_power",
        "power in the end",
        Watts,
        Informative,
        "the last rounds of a sustained case",
        "energy from the start of the first of these rounds to the last token of the last / that time",
    ),
    entry(
        "burst_frequency",
        "frequency at first",
        Hertz,
        Informative,
        "the first rounds of a sustained case",
        "mean of the readings of the processors' mean frequency in these rounds",
    ),
    entry(
        "sustained_frequency",
        "frequency in the end",
        Hertz,
        Informative,
        "the last rounds of a sustained case",
        "mean of the readings of the processors' mean frequency in these rounds",
    ),
    entry(
        "start_temperature",
        "temperature at the start",
        DegreesCelsius,
        Informative,
        "a sustained case",
        "the hottest sensor when the first counted iteration began",
    ),
    entry(
        "highest_temperature",
        "highest temperature",
        DegreesCelsius,
        Informative,
        "a sustained case",
        "the highest reading of any sensor during the counted iterations",
    ),
    entry(
        "end_temperature",
        "temperature in the end",
        DegreesCelsius,
        Informative,
        "a sustained case",
        "the hottest sensor at the last token",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_every_metric_says_how_it_is_computed() {
        let names: HashSet<_> = catalogue().iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), catalogue().len());
        assert!(catalogue().iter().all(|metric| !metric.formula.is_empty() && !metric.observation.is_empty()));
        assert_eq!(metric("decode_throughput").unwrap().direction, HigherIsBetter);
        assert_eq!(metric("nonsense"), None);
    }
}
