use pocketwatt::measure::Audit;
use pocketwatt_protocol::{Event, MonotonicNs, TokenId, Turn, Workload, read_event};

use crate::{mutation::Form, target::Target};

pub const TARGET: Target = Target {
    name: "audit",
    form: Form::Json("\n"),
    seeds: || vec![HONEST.as_bytes().to_vec()],
    words: &[],
    short_runs: 5_000,
    run,
};

/// The workload, then the runner's report about it.
const HONEST: &str = r#"{"conversations":[[{"prompt":[1,1,1],"max_output_tokens":2},{"prompt":[1,1],"max_output_tokens":2}]],"stop_tokens":[9],"warmup_iterations":1,"iterations":1,"at_least_ms":0,"settle_ms":0}
{"event":"loaded","start":10,"end":20,"stages":[{"stage":"read","start":10,"end":12},{"stage":"prepare","start":12,"end":20}],"model":{"vocabulary":10,"implementation":"own model"}}
{"event":"iteration","kind":"warmup","conversation":0,"turns":[{"context_tokens":0,"prompt_tokens":3,"start":100,"prefill_end":105,"token_times":[106,107],"tokens":[4,5],"stop":"length"},{"context_tokens":4,"prompt_tokens":3,"start":200,"prefill_end":205,"token_times":[206,207],"tokens":[6,9],"stop":"stop-token"}],"cpu_ns":1,"kv_cache_bytes":1}
{"event":"iteration","kind":"measured","conversation":0,"turns":[{"context_tokens":0,"prompt_tokens":3,"start":300,"prefill_end":305,"token_times":[306],"tokens":[9],"stop":"stop-token"},{"context_tokens":3,"prompt_tokens":2,"start":400,"prefill_end":405,"token_times":[406,407],"tokens":[6,7],"stop":"length"}],"cpu_ns":1,"kv_cache_bytes":1}
{"event":"done"}
"#;
const VOCABULARY: usize = 10;

fn run(input: &[u8]) -> bool {
    let Some((workload, events)) = str::from_utf8(input).ok().and_then(|text| text.split_once('\n')) else {
        return false;
    };
    // The harness writes workloads itself: they are possible, but have any size.
    let Ok(workload) = serde_json::from_str::<Workload>(workload) else { return false };
    let (started, now) = (MonotonicNs(5), MonotonicNs(1 << 60));
    let mut audit = Audit::new(&workload, VOCABULARY, started);
    let mut events = events.as_bytes();
    let mut complete = false;
    while let Ok(event) = read_event(&mut events) {
        match event {
            Event::Loaded(loaded) if audit.loaded(&loaded, now).is_ok() => {
                assert!(started <= loaded.start && loaded.start <= loaded.end && loaded.end <= now);
            }
            Event::Iteration(iteration) if audit.iteration(&iteration, now).is_ok() => {
                let conversation = workload.conversations.get(iteration.conversation as usize);
                let asked: &[Turn] = conversation.map_or(&[], Vec::as_slice);
                assert_eq!(iteration.turns.len(), asked.len());
                for (trace, asked) in iteration.turns.iter().zip(asked) {
                    assert!(trace.tokens.len() <= asked.max_output_tokens as usize, "more tokens than asked for");
                    assert_eq!(trace.tokens.len(), trace.token_times.len());
                    assert!(trace.tokens.iter().all(|TokenId(token)| (*token as usize) < VOCABULARY));
                    assert!(trace.start <= trace.prefill_end && trace.token_times.is_sorted());
                }
            }
            Event::Done => complete |= audit.done().is_ok(),
            _ => {}
        }
    }
    complete
}
