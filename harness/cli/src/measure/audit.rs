//! Checks whether a runner's reports are plausible. A wrong number is worse than none, and a foreign runner is a
//! foreign program.

use pocketwatt_protocol::{Iteration, IterationKind, Loaded, MonotonicNs, StopReason, Turn, TurnTrace, Workload};

/// Checks events against the requested workload, and times against one another and the harness' own clock.
#[derive(Debug)]
pub struct Audit<'a> {
    workload: &'a Workload,
    vocabulary: usize,
    /// The next reported time must be later than this.
    latest: MonotonicNs,
    loaded: bool,
    iterations: u32,
    /// When the first counted iteration began.
    counted_from: Option<MonotonicNs>,
}

impl<'a> Audit<'a> {
    /// `started` is when the runner was started.
    pub fn new(workload: &'a Workload, vocabulary: usize, started: MonotonicNs) -> Self {
        Self { workload, vocabulary, latest: started, loaded: false, iterations: 0, counted_from: None }
    }

    /// Checks the load phase, received at `now`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn loaded(&mut self, loaded: &Loaded, now: MonotonicNs) -> Result<(), String> {
        if self.loaded {
            return Err("it reported loading twice".into());
        }
        self.loaded = true;
        if loaded.model.vocabulary as usize != self.vocabulary {
            return Err(format!(
                "it loaded a model with a vocabulary of {}, the model has {}",
                loaded.model.vocabulary, self.vocabulary
            ));
        }
        self.advance("the start of loading", loaded.start)?;
        for stage in &loaded.stages {
            self.advance("the start of a part of loading", stage.start)?;
            self.advance("the end of a part of loading", stage.end)?;
        }
        self.advance("the end of loading", loaded.end)?;
        self.not_after("the end of loading", now)
    }

    /// Checks an iteration, received at `now`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn iteration(&mut self, iteration: &Iteration, now: MonotonicNs) -> Result<(), String> {
        if !self.loaded {
            return Err("it reported an iteration before it had loaded the model".into());
        }
        let expected = self.expected();
        if u64::from(self.iterations) >= expected && self.lasted_long_enough() {
            return Err(format!("it reported more than the {expected} iterations asked for"));
        }
        let kind = if self.iterations < self.workload.warmup_iterations {
            IterationKind::Warmup
        } else {
            IterationKind::Measured
        };
        self.iterations += 1;
        if iteration.kind != kind {
            return Err(format!("iteration {} is {:?}, expected {kind:?}", self.iterations, iteration.kind));
        }
        let number = match kind {
            IterationKind::Warmup => self.iterations - 1,
            IterationKind::Measured => self.iterations - 1 - self.workload.warmup_iterations,
        };
        let conversation = self.workload.conversation(kind, number);
        if iteration.conversation as usize != conversation {
            return Err(format!("it ran conversation {}, expected {conversation}", iteration.conversation));
        }
        let requested = self.workload.requested(kind, conversation);
        if iteration.turns.len() != requested.len() {
            return Err(format!("{} turns, {} were asked for", iteration.turns.len(), requested.len()));
        }
        self.turns(requested, &iteration.turns).map_err(|reason| format!("iteration {}, {reason}", self.iterations))?;
        use_of_the_device(iteration).map_err(|reason| format!("iteration {}: {reason}", self.iterations))?;
        if kind == IterationKind::Measured && self.counted_from.is_none() {
            self.counted_from = iteration.turns.first().map(|turn| turn.start);
        }
        self.not_after("the end of the iteration", now)
    }

    /// Checks that nothing is missing at the end.
    ///
    /// # Errors
    /// When something is missing.
    pub fn done(&self) -> Result<(), String> {
        let expected = self.expected();
        if u64::from(self.iterations) < expected {
            return Err(format!("it was done after {} of {expected} iterations", self.iterations));
        }
        Ok(())
    }

    /// Number of requested iterations; the sum of two such numbers does not overflow.
    fn expected(&self) -> u64 {
        u64::from(self.workload.warmup_iterations) + u64::from(self.workload.iterations)
    }

    /// Whether the counted iterations last as long as requested. A runner that ends too early does not fail: the
    /// uncertainty of its energy shows it.
    fn lasted_long_enough(&self) -> bool {
        const NANOSECONDS_IN_MILLISECOND: u64 = 1_000_000;
        self.counted_from.map_or(0, |start| self.latest.since(start)) / NANOSECONDS_IN_MILLISECOND
            >= self.workload.at_least_ms
    }

    /// Iterations so far, warm-up included.
    pub fn iterations(&self) -> u32 {
        self.iterations
    }

    fn turns(&mut self, requested: &[Turn], traces: &[TurnTrace]) -> Result<(), String> {
        let mut positions = 0;
        let mut unfed = 0;
        for (index, (trace, turn)) in traces.iter().zip(requested).enumerate() {
            let name = |reason: String| format!("turn {}: {reason}", index + 1);
            let expected_prompt = turn.prompt.len() as u32 + unfed;
            if (trace.context_tokens, trace.prompt_tokens) != (positions, expected_prompt) {
                return Err(name(format!(
                    "{} tokens on a context of {}, expected {expected_prompt} on {positions}",
                    trace.prompt_tokens, trace.context_tokens
                )));
            }
            answer(trace, turn.max_output_tokens, &self.workload.stop_tokens, self.vocabulary).map_err(name)?;
            self.times(trace).map_err(name)?;
            // The last token of an answer follows from logits, and is fed with the next turn; a stop token never is.
            let generated = trace.tokens.len() as u32;
            unfed = u32::from(generated > 0 && trace.stop == StopReason::Length);
            let after = positions.checked_add(trace.prompt_tokens).and_then(|fed| fed.checked_add(generated));
            positions =
                after.ok_or_else(|| name("more positions than can be counted".into()))? - u32::from(generated > 0);
        }
        Ok(())
    }

    fn times(&mut self, trace: &TurnTrace) -> Result<(), String> {
        self.advance("the start of the prefill", trace.start)?;
        self.advance("the end of the prefill", trace.prefill_end)?;
        for (index, time) in trace.token_times.iter().enumerate() {
            self.advance(&format!("output token {}", index + 1), *time)?;
        }
        Ok(())
    }

    fn advance(&mut self, what: &str, time: MonotonicNs) -> Result<(), String> {
        if time < self.latest {
            return Err(format!(
                "{what} lies {} ns before what came earlier: its clock runs backwards",
                self.latest.since(time)
            ));
        }
        self.latest = time;
        Ok(())
    }

    fn not_after(&self, what: &str, now: MonotonicNs) -> Result<(), String> {
        if self.latest > now {
            return Err(format!(
                "{what} lies {} ns in the future: it does not use this device's monotonic clock",
                self.latest.since(now)
            ));
        }
        Ok(())
    }
}

/// Checks numbers of a runner that the time stamps cannot check against what any device has.
fn use_of_the_device(iteration: &Iteration) -> Result<(), String> {
    /// More processors than any machine that runs one program.
    const MOST_PROCESSORS: f64 = 65_536.0;
    /// 64 TiB.
    const MOST_CACHE_BYTES: u64 = 1 << 46;
    let Some(span) = iteration.span() else { return Ok(()) };
    let lasted = span.duration_ns() as f64;
    if iteration.cpu_ns as f64 > lasted.max(1.0) * MOST_PROCESSORS {
        return Err(format!("{} ns of processor time in {lasted} ns", iteration.cpu_ns));
    }
    if iteration.kv_cache_bytes > MOST_CACHE_BYTES {
        return Err(format!("a key-value cache of {} bytes", iteration.kv_cache_bytes));
    }
    let spent = |turn: &TurnTrace| turn.grammar_ns.filter(|spent| *spent > turn.request().duration_ns());
    match iteration.turns.iter().find_map(spent) {
        Some(spent) => Err(format!("{spent} ns for its grammar, more than the whole turn took")),
        None => Ok(()),
    }
}

fn answer(
    trace: &TurnTrace,
    longest: u32,
    stop_tokens: &[pocketwatt_protocol::TokenId],
    vocabulary: usize,
) -> Result<(), String> {
    let tokens = trace.tokens.len();
    if trace.token_times.len() != tokens {
        return Err(format!("{tokens} tokens with {} times", trace.token_times.len()));
    }
    if let Some(token) = trace.tokens.iter().find(|token| token.0 as usize >= vocabulary) {
        return Err(format!("token {} is outside the vocabulary of {vocabulary}", token.0));
    }
    let first_stop = trace.tokens.iter().position(|token| stop_tokens.contains(token));
    let consistent = match trace.stop {
        StopReason::StopToken => first_stop.is_some_and(|at| at + 1 == tokens) && tokens <= longest as usize,
        StopReason::Length => first_stop.is_none() && tokens == longest as usize,
    };
    if consistent {
        Ok(())
    } else {
        Err(format!("{tokens} tokens that ended by {:?}, at most {longest} were asked for", trace.stop))
    }
}

#[cfg(test)]
mod tests {
    use pocketwatt_protocol::{ModelInfo, TokenId};

    use super::*;

    const NOW: MonotonicNs = MonotonicNs(1_000_000);

    fn workload() -> Workload {
        let turn = |prompt: u32, max_output_tokens| Turn {
            prompt: vec![TokenId(1); prompt as usize],
            max_output_tokens,
            grammar: None,
        };
        Workload {
            conversations: vec![vec![turn(3, 2), turn(2, 2)]],
            stop_tokens: vec![TokenId(9)],
            token_bytes: None,
            warmup_iterations: 0,
            warmup: None,
            iterations: 2,
            at_least_ms: 0,
            settle_ms: 0,
        }
    }

    fn loaded() -> Loaded {
        let model = ModelInfo { vocabulary: 10, implementation: "own model".into() };
        Loaded { start: MonotonicNs(10), end: MonotonicNs(20), stages: Vec::new(), model }
    }

    fn trace(start: u64, context_tokens: u32, prompt_tokens: u32, tokens: &[u32]) -> TurnTrace {
        TurnTrace {
            context_tokens,
            prompt_tokens,
            start: MonotonicNs(start),
            prefill_end: MonotonicNs(start + 5),
            token_times: (0..tokens.len() as u64).map(|token| MonotonicNs(start + 6 + token)).collect(),
            tokens: tokens.iter().copied().map(TokenId).collect(),
            stop: if tokens.last() == Some(&9) { StopReason::StopToken } else { StopReason::Length },
            grammar_ns: None,
        }
    }

    fn iteration() -> Iteration {
        Iteration {
            kind: IterationKind::Measured,
            // The last of two generated tokens is fed with the next prompt: 3 + 1 positions, then 2 + 1 tokens.
            conversation: 0,
            turns: vec![trace(100, 0, 3, &[4, 5]), trace(200, 4, 3, &[6, 9])],
            cpu_ns: 1,
            kv_cache_bytes: 1,
        }
    }

    /// The audit's error for an iteration that was changed.
    fn verdict(change: impl FnOnce(&mut Iteration)) -> String {
        let workload = workload();
        let mut audit = Audit::new(&workload, 10, MonotonicNs(5));
        audit.loaded(&loaded(), NOW).unwrap();
        let mut iteration = iteration();
        change(&mut iteration);
        audit.iteration(&iteration, NOW).err().unwrap_or_default()
    }

    #[test]
    fn an_honest_runner_passes() {
        assert_eq!(verdict(|_| {}), "");
        // A stop token is not fed, and the answer may be shorter.
        assert_eq!(verdict(|honest| honest.turns = vec![trace(100, 0, 3, &[9]), trace(200, 3, 2, &[6, 7])]), "");
    }

    #[test]
    fn what_cannot_be_is_named() {
        insta::assert_snapshot!(verdict(|lie| lie.turns[1].start = MonotonicNs(90)), @"iteration 1, turn 2: the start of the prefill lies 17 ns before what came earlier: its clock runs backwards");
        insta::assert_snapshot!(verdict(|lie| lie.turns[0].token_times.swap(0, 1)), @"iteration 1, turn 1: output token 2 lies 1 ns before what came earlier: its clock runs backwards");
        insta::assert_snapshot!(verdict(|lie| lie.turns[1].token_times[1] = MonotonicNs(2_000_000)), @"the end of the iteration lies 1000000 ns in the future: it does not use this device's monotonic clock");
        insta::assert_snapshot!(verdict(|lie| lie.turns[0].prompt_tokens = 2), @"iteration 1, turn 1: 2 tokens on a context of 0, expected 3 on 0");
        insta::assert_snapshot!(verdict(|lie| lie.turns[1].context_tokens = 0), @"iteration 1, turn 2: 3 tokens on a context of 0, expected 3 on 4");
        insta::assert_snapshot!(verdict(|lie| { lie.turns[0].token_times.pop(); }), @"iteration 1, turn 1: 2 tokens with 1 times");
        insta::assert_snapshot!(verdict(|lie| lie.turns[0].tokens[0] = TokenId(10)), @"iteration 1, turn 1: token 10 is outside the vocabulary of 10");
        insta::assert_snapshot!(verdict(|lie| lie.turns[0] = trace(100, 0, 3, &[4])), @"iteration 1, turn 1: 1 tokens that ended by Length, at most 2 were asked for");
        insta::assert_snapshot!(verdict(|lie| lie.turns[0].tokens[0] = TokenId(9)), @"iteration 1, turn 1: 2 tokens that ended by Length, at most 2 were asked for");
        insta::assert_snapshot!(verdict(|lie| { lie.turns.pop(); }), @"1 turns, 2 were asked for");
        insta::assert_snapshot!(verdict(|lie| lie.cpu_ns = u64::MAX), @"iteration 1: 18446744073709551615 ns of processor time in 107 ns");
        insta::assert_snapshot!(verdict(|lie| lie.kv_cache_bytes = u64::MAX), @"iteration 1: a key-value cache of 18446744073709551615 bytes");
        insta::assert_snapshot!(verdict(|lie| lie.turns[0].grammar_ns = Some(8)), @"iteration 1: 8 ns for its grammar, more than the whole turn took");
        insta::assert_snapshot!(verdict(|lie| lie.kind = IterationKind::Warmup), @"iteration 1 is Warmup, expected Measured");
    }

    #[test]
    fn events_come_in_order_and_in_number() {
        let workload = workload();
        let mut audit = Audit::new(&workload, 10, MonotonicNs(5));
        let early = audit.iteration(&iteration(), NOW).unwrap_err();
        assert_eq!(early, "it reported an iteration before it had loaded the model");
        audit.loaded(&loaded(), NOW).unwrap();
        assert_eq!(audit.loaded(&loaded(), NOW).unwrap_err(), "it reported loading twice");
        audit.iteration(&iteration(), NOW).unwrap();
        assert_eq!(audit.done().unwrap_err(), "it was done after 1 of 2 iterations");
        let mut second = iteration();
        second.turns = vec![trace(300, 0, 3, &[4, 5]), trace(400, 4, 3, &[6, 9])];
        audit.iteration(&second, NOW).unwrap();
        assert_eq!(audit.done(), Ok(()));
        assert_eq!(audit.iteration(&second, NOW).unwrap_err(), "it reported more than the 2 iterations asked for");
    }

    #[test]
    fn iterations_go_on_until_they_last_as_long_as_asked() {
        let workload = Workload { iterations: 1, at_least_ms: 1, ..workload() };
        let mut audit = Audit::new(&workload, 10, MonotonicNs(5));
        let late = MonotonicNs(3_000_000);
        audit.loaded(&loaded(), late).unwrap();
        let at = |start: u64| Iteration {
            conversation: 0,
            turns: vec![trace(start, 0, 3, &[4, 5]), trace(start + 50, 4, 3, &[6, 9])],
            ..iteration()
        };
        for start in [100, 500_000, 1_100_000] {
            audit.iteration(&at(start), late).unwrap();
        }
        assert_eq!(audit.done(), Ok(()));
        assert!(audit.iteration(&at(2_000_000), late).is_err(), "a millisecond has passed");
    }

    #[test]
    fn many_iterations_are_counted_all_the_same() {
        let workload = Workload { warmup_iterations: u32::MAX, ..workload() };
        let error = Audit::new(&workload, 10, MonotonicNs(5)).done().unwrap_err();
        assert_eq!(error, "it was done after 0 of 4294967297 iterations");
    }

    #[test]
    fn another_vocabulary_is_another_model() {
        let workload = workload();
        let mut other = loaded();
        other.model.vocabulary = 11;
        let error = Audit::new(&workload, 10, MonotonicNs(5)).loaded(&other, NOW).unwrap_err();
        assert_eq!(error, "it loaded a model with a vocabulary of 11, the model has 10");
    }
}
