use std::io::{BufReader, Cursor};

use pocketwatt_protocol::{PROTOCOL_VERSION, read_event, read_request, write_message};

use crate::{mutation::Form, target::Target};

pub const TARGET: Target = Target {
    name: "protocol",
    form: Form::Json("\n"),
    seeds: || {
        let now = |text: &str| text.replace("VERSION", &PROTOCOL_VERSION.to_string()).into_bytes();
        vec![now(EVENTS), now(REQUEST)]
    },
    words: &[],
    short_runs: 10_000,
    run,
};

const EVENTS: &str = r#"{"event":"hello","protocol":VERSION,"backend":{"name":"fake","version":"0.1.0","engine":"fake","engine_version":"1","accelerator":"cpu","build":"debug"}}
{"event":"loaded","start":10,"end":20,"stages":[{"stage":"read","start":10,"end":12}],"model":{"vocabulary":8,"implementation":"own model"}}
{"event":"iteration","kind":"measured","conversation":0,"turns":[{"context_tokens":0,"prompt_tokens":3,"start":100,"prefill_end":105,"token_times":[106,107],"tokens":[4,5],"stop":"length","grammar_ns":3}],"cpu_ns":1,"kv_cache_bytes":1}
{"event":"scored","rows":1,"vocabulary":8}
{"event":"failed","stage":"load","message":"no"}
{"event":"done"}
"#;
const REQUEST: &str = r#"{"protocol":VERSION,"model":{"folder":"/m","weights":"/m/model.safetensors","weights_sha256":"00","graph":{"kind":"opset17","path":"/m/g.onnx","sha256":"11"}},"options":{"threads":1,"precision":"f32","context_tokens":16},"task":{"task":"generate","conversations":[[{"prompt":[1,2,3],"max_output_tokens":2,"grammar":"start: \"a\""}]],"stop_tokens":[1],"token_bytes":"/m/t.json","warmup_iterations":1,"iterations":2,"at_least_ms":0,"settle_ms":0},"phase_edges":true}
"#;

fn run(input: &[u8]) -> bool {
    let mut read = false;
    let mut lines = BufReader::new(Cursor::new(input));
    while let Ok(event) = read_event(&mut lines) {
        let mut line = Vec::new();
        write_message(&mut line, &event).unwrap();
        assert_eq!(read_event(&line[..]).expect("what was written is read"), event);
        read = true;
    }
    if let Ok(request) = read_request(input) {
        let mut line = Vec::new();
        write_message(&mut line, &request).unwrap();
        assert_eq!(read_request(&line[..]).expect("what was written is read"), request);
        read = true;
    }
    read
}
