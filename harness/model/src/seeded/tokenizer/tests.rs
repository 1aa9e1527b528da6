use super::*;
use crate::Preset;

fn files_of(vocabulary: usize) -> (String, String) {
    files(&ModelConfig { vocabulary, ..Preset::find("mobilellm-125m").unwrap().config() }).unwrap()
}

#[test]
fn vocabularies_of_all_sizes_number_every_token_once() {
    for vocabulary in [259, 260, 512, 32_000, 49_152] {
        let json: serde_json::Value = serde_json::from_str(&files_of(vocabulary).0).unwrap();
        let tokens = json["model"]["vocab"].as_object().unwrap();
        let mut numbers: Vec<usize> = tokens.values().map(|number| number.as_u64().unwrap() as usize).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..vocabulary).collect::<Vec<_>>());
        for (token, number) in [("<unk>", 0), ("<s>", 1), ("</s>", 2), ("A", 3 + 65), ("Ġ", 3 + 32)] {
            assert_eq!(tokens[token], number, "{token}");
        }
    }
}

#[test]
fn the_merges_fill_mobilellms_vocabulary() {
    assert_eq!(MERGES.len() / 4, 32_000 - FIRST_MERGE);
    assert!(!files_of(32_000).0.contains("<unused"));
    assert!(files_of(32_001).0.contains("<unused32000>"));
}

#[test]
fn the_configuration_names_the_special_tokens_and_no_chat_template() {
    insta::assert_snapshot!(files_of(32_000).1, @r#"
    {
      "tokenizer_class": "PreTrainedTokenizerFast",
      "unk_token": "<unk>",
      "bos_token": "<s>",
      "eos_token": "</s>",
      "add_bos_token": true,
      "add_eos_token": false,
      "clean_up_tokenization_spaces": false,
      "model_max_length": 2048
    }
    "#);
}

#[test]
fn texts_begin_and_end_as_the_configuration_says() {
    let of = |bos: u32, eos: u32| {
        let base = Preset::find("mobilellm-125m").unwrap().config();
        files(&ModelConfig { vocabulary: 40_000, bos_token: Some(bos), eos_tokens: vec![eos], ..base })
    };
    let read = |bos, eos| -> (serde_json::Value, serde_json::Value) {
        let (tokenizer, configuration) = of(bos, eos).unwrap();
        (serde_json::from_str(&tokenizer).unwrap(), serde_json::from_str(&configuration).unwrap())
    };
    for (bos, eos, begin, end) in [(0, 0, "<unk>", "<unk>"), (39_000, 39_001, "<s>", "</s>"), (1, 1, "<s>", "<s>")] {
        let (tokenizer, configuration) = read(bos, eos);
        assert_eq!((&configuration["bos_token"], &configuration["eos_token"]), (&begin.into(), &end.into()));
        let vocabulary = &tokenizer["model"]["vocab"];
        assert_eq!((&vocabulary[begin], &vocabulary[end]), (&bos.into(), &eos.into()));
        assert_eq!(vocabulary.as_object().unwrap().len(), 40_000);
    }
    let error = of(500, 2).unwrap_err().to_string();
    assert!(error.contains("token 500 (bos or eos) is one of a seeded tokenizer's 32000 tokens for text"), "{error}");
}

#[cfg(feature = "tokenizer")]
mod encoding {
    use proptest::prelude::*;
    use tokenizers::Tokenizer;

    use super::*;

    fn tokenizer(vocabulary: usize) -> Tokenizer {
        files_of(vocabulary).0.parse().unwrap()
    }

    fn encode(tokenizer: &Tokenizer, text: &str) -> Vec<u32> {
        tokenizer.encode_fast(text, false).unwrap().get_ids().to_vec()
    }

    #[test]
    fn english_becomes_as_many_tokens_as_with_a_trained_tokenizer() {
        // Its prose: tables of numbers are no English.
        let text: String = include_str!("../../../../../METHODOLOGY.md")
            .split_inclusive('\n')
            .filter(|line| !line.starts_with('|'))
            .collect();
        let ratio = |vocabulary: usize, text: &str| {
            encode(&tokenizer(vocabulary), text).len() as f64 / text.chars().count() as f64
        };
        let chat = "Hi! I am going to Lisbon with two friends next month. We like good food, old buildings and the sea. \
                    Could you suggest what to see on the first day, and where we should have dinner in the evening?";
        for text in [text.as_str(), chat] {
            assert!(ratio(32_000, text) < 0.3, "{}", ratio(32_000, text));
            assert!(ratio(512, text) < 0.6, "{}", ratio(512, text));
        }
    }

    #[test]
    fn words_are_cut_where_people_expect_it() {
        let tokenizer = tokenizer(32_000);
        let cut = |text: &str| {
            let encoding = tokenizer.encode(text, false).unwrap();
            encoding.get_tokens().join("|").replace('Ġ', "_")
        };
        insta::assert_snapshot!(cut("The weather in Berlin is nice today, isn't it?"), @"The|_we|ather|_in|_B|er|lin|_is|_nice|_today|,|_isn|'t|_it|?");
        insta::assert_snapshot!(cut("get_stock_information(company_name=\"Apple\", year=2024)"), @r#"get|_|stock|_|information|(|comp|any|_|name|="|Apple|",|_year|=|2|0|2|4|)"#);
        insta::assert_snapshot!(cut("<s>Grüße</s>"), @"<s>|Gr|Ã|¼|Ã|Ł|e|</s>");
    }

    #[test]
    fn special_tokens_are_hidden_from_the_text() {
        let tokenizer = tokenizer(32_000);
        let mut tokens = vec![1];
        tokens.extend(encode(&tokenizer, "Hello"));
        tokens.push(2);
        assert_eq!(tokenizer.decode(&tokens, true).unwrap(), "Hello");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_comes_back(text in any::<String>(), small in any::<bool>()) {
            thread_local! {
                static TOKENIZERS: [Tokenizer; 2] = [tokenizer(32_000), tokenizer(512)];
            }
            let vocabulary = if small { 512 } else { 32_000 };
            TOKENIZERS.with(|tokenizers| {
                let tokenizer = &tokenizers[usize::from(small)];
                let tokens = encode(tokenizer, &text);
                prop_assert!(tokens.iter().all(|&token| token < vocabulary));
                prop_assert_eq!(tokenizer.decode(&tokens, true).unwrap(), text);
                Ok(())
            })?;
        }

        #[test]
        fn any_tokens_become_some_text(tokens in proptest::collection::vec(0..512u32, 0..50)) {
            prop_assert!(tokenizer(512).decode(&tokens, true).is_ok());
        }
    }
}
