use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use pocketwatt_model::read_source;

use crate::{mutation::Form, scratch, seeds, target::Target};

pub const TARGET: Target = Target {
    name: "sentencepiece",
    form: Form::Protobuf,
    seeds: || vec![seed(false), seed(true)],
    words: &["\u{2581}", "<unk>", "<s>", "</s>", "<0x0A>", "\u{2581}a", "\u{0}", "\u{12}\u{0}", "\u{1a}\u{0}"],
    short_runs: 3_000,
    run,
};

fn run(input: &[u8]) -> bool {
    let folder = folder();
    scratch::file("folder/tokenizer.model", input);
    let Ok((_, texts)) = read_source(folder) else { return false };
    let (_, tokenizer) = &texts[0];
    serde_json::from_str::<serde_json::Value>(tokenizer).expect("what was made is JSON");
    true
}

/// A model's folder without a tokenizer.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = scratch::empty("folder");
        scratch::file("folder/config.json", seeds::CONFIG.as_bytes());
        scratch::file("folder/model.safetensors", &seeds::weights());
        folder
    })
}

/// A hand-written `ModelProto` of sentencepiece_model.proto.
pub fn seed(prefix: bool) -> Vec<u8> {
    let pieces: [(&str, f32, u8); 8] = [
        ("<unk>", 0.0, 2),
        ("<s>", 0.0, 3),
        ("</s>", 0.0, 3),
        ("\u{2581}", -1.0, 1),
        ("a", -2.0, 1),
        ("b", -3.0, 1),
        ("ab", -4.0, 1),
        ("\u{2581}ab", -5.0, 1),
    ];
    let mut bytes = Vec::new();
    for (piece, score, kind) in pieces {
        let mut message = vec![0x0a, piece.len() as u8];
        message.extend(piece.as_bytes());
        message.push(0x15);
        message.extend(score.to_le_bytes());
        message.extend([0x18, kind]);
        bytes.extend([0x0a, message.len() as u8]);
        bytes.extend(message);
    }
    // A trainer of byte-pair encoding without byte fallback, and a normaliser.
    let trainer = [0x18, 2, 0x98, 0x02, 0, 0xc0, 0x02, 0, 0xc8, 0x02, 1, 0xd0, 0x02, 2];
    bytes.extend([0x12, trainer.len() as u8]);
    bytes.extend(trainer);
    let normalizer = [0x18, u8::from(prefix), 0x20, 0];
    bytes.extend([0x1a, normalizer.len() as u8]);
    bytes.extend(normalizer);
    bytes
}
