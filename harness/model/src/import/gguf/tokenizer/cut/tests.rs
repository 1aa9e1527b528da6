use serde::Deserialize;
use tokenizers::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer, PreTokenizerWrapper};

use super::*;

/// The words from llama.cpp itself (`unicode_regex_split` in its `unicode.cpp`, with the patterns of a name).
#[derive(Deserialize)]
struct Expected {
    texts: Vec<String>,
    cuts: Vec<ExpectedCut>,
}

#[derive(Deserialize)]
struct ExpectedCut {
    pre: String,
    words: Vec<Vec<String>>,
}

fn words(cut: &Cut, text: &str) -> Vec<String> {
    let pre_tokenizer: PreTokenizerWrapper = serde_json::from_value(cut.pre_tokenizer()).unwrap();
    let mut whole = PreTokenizedString::from(text);
    pre_tokenizer.pre_tokenize(&mut whole).unwrap();
    let splits = whole.get_splits(OffsetReferential::Original, OffsetType::Byte);
    splits.into_iter().map(|(_, (start, end), _)| text[start..end].to_owned()).collect()
}

#[test]
fn words_are_those_of_llama_cpp() {
    let expected: Expected = serde_json::from_str(include_str!("../../../../../fixtures/gguf/words.json")).unwrap();
    for ExpectedCut { pre, words: expected_words } in &expected.cuts {
        let cut = Cut::named(Some(pre)).unwrap();
        for (text, expected) in expected.texts.iter().zip(expected_words) {
            assert_eq!(&words(cut, text), expected, "{pre}: {text:?}");
        }
    }
    for cut in &CUTS {
        assert!(expected.cuts.iter().any(|expected| cut.names.contains(&expected.pre.as_str())), "{:?}", cut.names);
    }
}

#[test]
fn a_name_is_one_cut_and_none_is_the_default() {
    let mut names: Vec<&str> = CUTS.iter().flat_map(|cut| cut.names).copied().collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    assert_eq!(Cut::named(None).unwrap().names, ["default"]);
    let refusal = Cut::named(Some("kimi-k2")).err().unwrap();
    assert!(refusal.contains("tokenizer.ggml.pre is \"kimi-k2\"; default, gpt-2, "), "{refusal}");
}
