use pocketwatt::plan::Registry;
use pocketwatt_protocol::Precision;

use crate::{mutation::Form, scratch, target::Target};

pub const TARGET: Target = Target {
    name: "backends",
    form: Form::Toml,
    seeds: || vec![include_bytes!("../../../../backends/backends.toml").to_vec()],
    words: &[
        "binary = ",
        "package = ",
        "summary = ",
        "default = true",
        "precisions = [\"f32\"]",
        "scored = false",
        "graphs = [",
        "[fake.refused]\n",
        "[fake.environment]\n",
        "{threads}",
        "library = { ",
        "variable = ",
        "../",
    ],
    short_runs: 700,
    run,
};

fn run(input: &[u8]) -> bool {
    let path = scratch::file("backends.toml", input);
    let Ok(registry) = Registry::open(Some(&path)) else { return false };
    for backend in registry.all() {
        assert_eq!(registry.find(&backend.name).expect("it is there").name, backend.name);
        for precision in Precision::ALL {
            assert!(!backend.refusal_on(precision, "x86_64").contains('\u{1b}') || input.contains(&b'u'));
        }
        let _ = backend.environment(u32::MAX).count();
    }
    true
}
