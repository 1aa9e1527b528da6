use std::fs;

use pocketwatt_model::WeightFile;

use crate::{mutation::Form, scratch, seeds, target::Target};

pub const TARGET: Target = Target {
    name: "safetensors",
    form: Form::Headed,
    seeds: || vec![seeds::weights()],
    words: &[
        "\"dtype\":\"F32\"",
        "\"dtype\":\"F16\"",
        "\"dtype\":\"BF16\"",
        "\"dtype\":\"U8\"",
        "\"dtype\":\"F4\"",
        "\"shape\":[",
        "\"data_offsets\":[",
        "__metadata__",
        "18446744073709551615",
        "model.norm.weight",
    ],
    short_runs: 6_000,
    run,
};

fn run(input: &[u8]) -> bool {
    let path = scratch::file("model.safetensors", input);
    let Ok(file) = WeightFile::open(&path) else { return false };
    let length = fs::metadata(&path).unwrap().len();
    for (name, tensor) in file.tensors() {
        let end = tensor.offset.checked_add(tensor.bytes).expect("a tensor ends somewhere");
        assert!(end <= length, "tensor {name:?} ends at {end} of {length}");
        if let Ok(bytes) = file.read_bytes(name) {
            assert_eq!(bytes.len() as u64, tensor.bytes);
        }
        if let Ok(values) = file.read_f32(name) {
            assert_eq!(values.len(), tensor.shape.iter().product::<usize>());
        }
    }
    let _ = file.check(&seeds::config());
    true
}
