use pocketwatt_protocol::TokenId;

use super::*;
use crate::{ChatTemplate, ModelManifest};

fn put(checkpoint: &Checkpoint, file: &str, text: &str) {
    let path = checkpoint.path(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn with_sentencepiece(configuration: &str) -> Checkpoint {
    let checkpoint = Checkpoint::new();
    fs::remove_file(checkpoint.path(TOKENIZER)).unwrap();
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sentencepiece").join(SENTENCEPIECE);
    fs::copy(model, checkpoint.path(SENTENCEPIECE)).unwrap();
    put(&checkpoint, TOKENIZER_CONFIGURATION, configuration);
    checkpoint
}

/// The fixture has 480 pieces.
#[test]
fn added_tokens_are_whole_wherever_they_stand() {
    let decoder = r#"{"added_tokens_decoder": {"480": {"content": "<|x|>", "special": true}}}"#;
    for checkpoint in [with_sentencepiece(decoder), with_sentencepiece("{}")] {
        put(&checkpoint, "added_tokens.json", r#"{"<|x|>": 480}"#);
        let tokenizer = TextTokenizer::open(&checkpoint.import().unwrap()).unwrap();
        assert_eq!(tokenizer.encode("<|x|>").unwrap(), [TokenId(480)]);
    }
}

#[test]
fn special_tokens_have_a_file_of_their_own() {
    let checkpoint = Checkpoint::new();
    put(&checkpoint, TOKENIZER_CONFIGURATION, r#"{"chat_template": "{{ bos_token }}{{ messages[0].content }}"}"#);
    put(&checkpoint, "special_tokens_map.json", r#"{"bos_token": {"content": "<s>"}}"#);
    let template = ChatTemplate::open(&checkpoint.import().unwrap()).unwrap();
    assert_eq!(template.segments(None, &[], &["a".into()]).unwrap(), ["<s>a"]);
}

/// The choice of `_from_pretrained` in transformers.
#[test]
fn of_templates_in_files_the_default_is_taken() {
    let checkpoint = Checkpoint::new();
    put(&checkpoint, TOKENIZER_CONFIGURATION, r#"{"chat_template": "configuration"}"#);
    put(&checkpoint, "additional_chat_templates/rag.jinja", "rag");
    let refusal = checkpoint.refusal();
    assert!(refusal.contains("chat templates are rag.jinja, and none is default.jinja"), "{refusal}");
    put(&checkpoint, "additional_chat_templates/default.jinja", "default");
    let imported = checkpoint.import().unwrap();
    let segments = ChatTemplate::open(&imported).unwrap().segments(None, &[], &["a".into()]);
    assert_eq!(segments.unwrap(), ["default"]);
    let remarks = ModelManifest::read(&imported).unwrap().remarks;
    assert!(remarks[0].contains("is chat_template.jinja, not that of tokenizer_config.json"), "{remarks:?}");
    put(&checkpoint, TEMPLATE, "own");
    fs::remove_dir_all(checkpoint.root.path().join("mine")).unwrap();
    let segments = ChatTemplate::open(&checkpoint.import().unwrap()).unwrap().segments(None, &[], &["a".into()]);
    assert_eq!(segments.unwrap(), ["own"]);
}

#[test]
fn a_later_turn_is_what_it_is_in_the_whole_text() {
    for configuration in ["{}", r#"{"legacy": false}"#] {
        let checkpoint = with_sentencepiece(configuration);
        let tokenizer = TextTokenizer::open(&checkpoint.import().unwrap()).unwrap();
        let [first, next, spaced] = ["User: joules\nAssistant:", "\nUser: watts", " and"];
        let turns = tokenizer.encode_turns([first, next, next, spaced].map(str::to_owned).to_vec()).unwrap();
        assert_eq!(turns[0], tokenizer.encode(first).unwrap(), "the first begins the text");
        assert_eq!(turns[1], turns[2]);
        let whole = tokenizer.encode(&format!("{first}{next}")).unwrap();
        assert_eq!([turns[0].as_slice(), &turns[1]].concat(), whole, "{configuration}");
        let whole = tokenizer.encode(&format!("{first}{next}{spaced}")).unwrap();
        assert!(whole.ends_with(&turns[3]), "{configuration}");
    }
}
