use pocketwatt::command::quantity;
use pocketwatt_model::variant;
use pocketwatt_scenario::synthetic;

use crate::{mutation::Form, target::Target};

pub const TARGET: Target = Target {
    name: "quantities",
    form: Form::Bytes,
    seeds: || {
        ["50kJ", "15 Wh", "800mW", "5%", "10min", "prefill-128-decode-16", "mobilellm-125m+layers12+dim512+untied1"]
            .map(|text| text.as_bytes().to_vec())
            .into()
    },
    words: &[
        "kWh",
        "mWh",
        "Wh",
        "MJ",
        "kJ",
        "J",
        "mW",
        "W",
        "min",
        "ms",
        "s",
        "h",
        "%",
        "1e308",
        "-1",
        "inf",
        "nan",
        "prefill-",
        "decode-",
        "mobilellm-125m",
        "mobilellm-r1-140m",
        "+layers",
        "+repeats",
        "+dim",
        "+heads",
        "+kv",
        "+ffn",
        "+vocab",
        "+context",
        "+untied",
        "16777216",
        "4294967296",
    ],
    short_runs: 40_000,
    run,
};

fn run(input: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(input) else { return false };
    let mut read = false;
    if let Ok(joules) = quantity::energy(text) {
        assert!(joules.is_finite() && joules > 0.0);
        read = true;
    }
    if let Ok(watts) = quantity::power(text) {
        assert!(watts.is_finite() && watts >= 0.0);
        read = true;
    }
    if let Ok(milliseconds) = quantity::duration_ms(text) {
        assert!((1..=86_400_000).contains(&milliseconds));
        read = true;
    }
    if let Ok(share) = quantity::share(text) {
        assert!((0.001..=0.5).contains(&share));
        read = true;
    }
    if let Ok(Some(definition)) = synthetic::definition(text) {
        assert!(definition.lines().count() == 3 && synthetic::prompt_tokens(text).is_some());
        read = true;
    }
    if let Some(Ok(config)) = variant::seeded_config(text) {
        config.validate().expect("what was made is valid");
        assert!(config.weight_bytes() > 0 && config.kv_bytes_per_token() > 0);
        read = true;
    }
    read
}
