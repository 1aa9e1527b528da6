//! Makes `assets/seeded-tokenizer.merges`, the byte-level BPE merges of seeded models:
//!
//! ```text
//! rustup component add rust-docs
//! cargo build --release -p pocketwatt-model --example train-seeded-tokenizer
//! (cd "$(rustc --print sysroot)/share/doc/rust/html" && train-seeded-tokenizer seeded-tokenizer.merges \
//!     book reference rust-by-example cargo rustdoc rustc embedded-book edition-guide clippy style-guide nomicon \
//!     error_codes unstable-book)
//! ```
//!
//! The text is the prose of the Rust documentation, which is free to use (MIT or Apache-2.0) and lies on every
//! developer's disk. The shipped merges come from that of Rust 1.95; the same text gives the same merges.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use tokenizers::{
    AddedToken, DecoderWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper, TokenizerImpl,
    models::bpe::{BPE, BpeTrainerBuilder},
    pre_tokenizers::{byte_level::ByteLevel, digits::Digits, sequence::Sequence},
};

/// The vocabulary of MobileLLM.
const VOCABULARY: usize = 32_000;
const SPECIAL: [&str; 3] = ["<unk>", "<s>", "</s>"];
/// Special tokens and bytes come first.
const FIRST_MERGE: usize = 3 + 256;
/// Elements whose text is not prose.
const SKIPPED: [&str; 6] = ["script", "style", "nav", "head", "pre", "svg"];

type Error = Box<dyn std::error::Error + Send + Sync>;

#[expect(clippy::print_stderr, reason = "a developer at a terminal runs it")]
fn main() -> Result<(), Error> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let output = arguments.next().ok_or("usage: train-seeded-tokenizer OUTPUT FOLDER...")?;
    let mut texts = Vec::new();
    for folder in arguments {
        collect(&folder, &mut texts)?;
    }
    eprintln!("{} pages, {} bytes of text", texts.len(), texts.iter().map(String::len).sum::<usize>());
    let merges = train(&texts)?;
    fs::write(&output, pack(&merges)?)?;
    eprintln!("{} merges written to {}", merges.len(), output.display());
    Ok(())
}

/// The text of all pages below `folder`, in the order of their names: the same pages give the same merges.
fn collect(folder: &Path, texts: &mut Vec<String>) -> Result<(), Error> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, Error>>()?;
    paths.sort();
    for path in paths {
        // Folders with names of two letters contain translations.
        if path.is_dir() && path.file_name().is_some_and(|name| name.len() > 2) {
            collect(&path, texts)?;
        } else if path.extension().is_some_and(|extension| extension == "html")
            // The page for printing repeats all others.
            && path.file_stem().is_some_and(|stem| stem != "print")
        {
            texts.push(prose(&fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

/// Text between the tags.
fn prose(html: &str) -> String {
    let mut text = String::new();
    let mut skipping = None;
    for piece in html.split('<') {
        let (tag, after) = piece.split_once('>').unwrap_or(("", piece));
        let name = tag.split_whitespace().next().unwrap_or("");
        match skipping {
            Some(skipped) if name.strip_prefix('/') == Some(skipped) => skipping = None,
            Some(_) => continue,
            None => skipping = SKIPPED.into_iter().find(|skipped| *skipped == name),
        }
        if skipping.is_none() {
            text += after;
        }
    }
    for (entity, character) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ] {
        text = text.replace(entity, character);
    }
    text
}

fn train(texts: &[String]) -> Result<Vec<(String, String)>, Error> {
    type Trained = TokenizerImpl<BPE, NormalizerWrapper, PreTokenizerWrapper, PostProcessorWrapper, DecoderWrapper>;
    let special: Vec<AddedToken> = SPECIAL.iter().map(|token| AddedToken::from(*token, true)).collect();
    let mut trainer = BpeTrainerBuilder::new()
        .vocab_size(VOCABULARY)
        .special_tokens(special)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .show_progress(false)
        .build();
    let mut tokenizer = Trained::new(BPE::default());
    tokenizer.with_pre_tokenizer(Some(PreTokenizerWrapper::Sequence(Sequence::new(vec![
        PreTokenizerWrapper::Digits(Digits::new(true)),
        PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, true, true)),
    ]))));
    tokenizer.train(&mut trainer, texts.iter())?;
    let json: serde_json::Value = serde_json::from_str(&tokenizer.to_string(false)?)?;
    Ok(serde_json::from_value(json["model"]["merges"].clone())?)
}

/// Each merge as the numbers of its tokens. A second merge to the same token is left out, because a token's number is the
/// position of its merge.
fn pack(merges: &[(String, String)]) -> Result<Vec<u8>, Error> {
    let mut numbers: HashMap<String, usize> = bytes_in_order().into_iter().zip(SPECIAL.len()..).collect();
    let mut packed = Vec::new();
    for (left, right) in merges {
        let merged = format!("{left}{right}");
        if numbers.contains_key(&merged) {
            continue;
        }
        for token in [left, right] {
            packed.extend(u16::try_from(*numbers.get(token).ok_or("a merge of an unknown token")?)?.to_le_bytes());
        }
        numbers.insert(merged, FIRST_MERGE + packed.len() / 4 - 1);
    }
    Ok(packed)
}

/// The characters that represent the bytes 0 to 255.
fn bytes_in_order() -> Vec<String> {
    let prints = |byte: u32| matches!(byte, 0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF);
    let mut others = 0x100..;
    let character = |byte: u32| if prints(byte) { Some(byte) } else { others.next() };
    (0..256).filter_map(character).filter_map(char::from_u32).map(String::from).collect()
}
