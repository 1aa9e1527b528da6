use serde::Deserialize;

use super::*;

/// A sentencepiece vocabulary as llama.cpp's converter writes it, and the tokens that llama.cpp's server gives for texts
/// (`/tokenize`, with special tokens), with and without `tokenizer.ggml.add_space_prefix`.
#[derive(Deserialize)]
struct Pieces {
    tokens: Vec<String>,
    scores: Vec<f32>,
    kinds: Vec<i32>,
    texts: Vec<Expected>,
}

#[derive(Deserialize)]
struct Expected {
    text: String,
    with_prefix: Vec<u32>,
    without: Vec<u32>,
}

fn pieces() -> Pieces {
    serde_json::from_str(include_str!("../../../../fixtures/gguf/pieces.json")).unwrap()
}

fn set_list<const N: usize>(writer: &mut Writer, key: &str, kind: u32, values: impl ExactSizeIterator<Item = [u8; N]>) {
    let mut bytes = kind.to_le_bytes().to_vec();
    bytes.extend((values.len() as u64).to_le_bytes());
    values.for_each(|value| bytes.extend(value));
    writer.set(key, 9, &bytes);
}

fn with_pieces(pieces: &Pieces) -> Fixture {
    let mut fixture = Fixture::new();
    let writer = &mut fixture.writer;
    writer.keys.retain(|(key, _)| !key.starts_with("tokenizer."));
    writer.set_text("tokenizer.ggml.model", "llama");
    writer.set_text("tokenizer.ggml.pre", "default");
    writer.set_texts("tokenizer.ggml.tokens", &pieces.tokens);
    set_list(writer, "tokenizer.ggml.scores", 6, pieces.scores.iter().map(|score| score.to_le_bytes()));
    set_list(writer, "tokenizer.ggml.token_type", 5, pieces.kinds.iter().map(|kind| kind.to_le_bytes()));
    fixture
}

fn notes(folder: &ModelFolder) -> String {
    ModelManifest::read(folder).unwrap().origin_text()
}

fn configuration(folder: &ModelFolder) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(folder.path().join("tokenizer_config.json")).unwrap()).unwrap()
}

#[test]
fn sentencepiece_vocabularies_make_the_tokens_of_llama_cpp() {
    let pieces = pieces();
    for has_prefix in [true, false] {
        let mut fixture = with_pieces(&pieces);
        if !has_prefix {
            fixture.writer.set("tokenizer.ggml.add_space_prefix", 7, &[0]);
        }
        let imported = fixture.import().unwrap();
        assert_eq!((imported.config().bos_token, &imported.config().eos_tokens[..]), (Some(1), &[2][..]));
        let tokenizer = TextTokenizer::open(&imported).unwrap();
        for Expected { text, with_prefix, without } in &pieces.texts {
            let expected = if has_prefix { with_prefix } else { without };
            let found: Vec<u32> = tokenizer.encode(text).unwrap().iter().map(|token| token.0).collect();
            // The first begins every text.
            assert_eq!(found, expected[1..], "{text:?}");
        }
        let json = fs::read_to_string(imported.path().join("tokenizer.json")).unwrap();
        assert!(json.contains("TemplateProcessing"), "a text begins with <s>");
        assert_eq!(configuration(&imported)["bos_token"], "<s>");
    }
}

#[test]
fn sentencepiece_vocabularies_that_are_not_joined_by_scores_alone_are_refused() {
    let refusal = |change: &dyn Fn(&mut Pieces)| {
        let mut pieces = pieces();
        change(&mut pieces);
        with_pieces(&pieces).refusal()
    };
    let tie = refusal(&|pieces| pieces.scores[264] = pieces.scores[265]);
    assert!(tie.contains("tokenizer.ggml.scores has -6 for both"), "{tie}");
    assert!(
        refusal(&|pieces| pieces.scores.truncate(9)).contains("tokenizer.ggml.scores has 9 numbers for 512 tokens")
    );
    assert!(refusal(&|pieces| pieces.scores[300] = f32::NAN).contains("has NaN for the token 300"));
    assert!(refusal(&|pieces| pieces.kinds.truncate(9)).contains("tokenizer.ggml.token_type has 9 numbers"));
    assert!(refusal(&|pieces| pieces.tokens[300] = pieces.tokens[299].clone()).contains("tokens 299 and 300 are both"));
    let mut fixture = with_pieces(&pieces());
    fixture.writer.set("tokenizer.ggml.remove_extra_whitespaces", 7, &[1]);
    assert!(fixture.refusal().contains("tokenizer.ggml.remove_extra_whitespaces is true"));
    fixture.writer.keys.retain(|(key, _)| key != "tokenizer.ggml.scores");
    fixture.writer.set("tokenizer.ggml.remove_extra_whitespaces", 7, &[0]);
    assert!(fixture.refusal().contains("\"tokenizer.ggml.scores\" is missing"));
}

#[test]
fn a_file_without_a_splitting_rule_is_split_as_by_llama_cpp_with_a_note() {
    let mut fixture = Fixture::new();
    fixture.writer.keys.retain(|(key, _)| key != "tokenizer.ggml.pre");
    let imported = fixture.import().unwrap();
    assert!(notes(&imported).contains("tokenizer.ggml.pre is not there: words are cut as llama.cpp does"));
    let json = fs::read_to_string(imported.path().join("tokenizer.json")).unwrap();
    assert!(json.contains("[0-9][0-9][0-9]"), "llama.cpp cuts numbers into threes");
}

#[test]
fn what_begins_and_ends_a_text_is_what_the_file_and_llama_cpp_say() {
    let imported = |change: &dyn Fn(&mut Writer)| {
        let mut fixture = Fixture::new();
        change(&mut fixture.writer);
        let folder = fixture.import().unwrap();
        let json = fs::read_to_string(folder.path().join("tokenizer.json")).unwrap();
        let begins = json.contains("TemplateProcessing");
        (begins, folder.config().eos_tokens.clone(), configuration(&folder), notes(&folder), fixture, folder)
    };
    let pre = |name: &'static str| move |writer: &mut Writer| writer.set_text("tokenizer.ggml.pre", name);
    assert!(!imported(&pre("smollm")).0);
    let llama3 = imported(&pre("llama-bpe"));
    assert!(llama3.0 && llama3.2["add_bos_token"] == true);
    assert!(!llama3.3.contains("does not write"), "its template writes <s>: {}", llama3.3);
    let silent = imported(&|writer| {
        writer.set_text("tokenizer.ggml.pre", "llama-bpe");
        writer.set_text("tokenizer.chat_template", "{{ messages[0].content }}");
    });
    assert!(silent.3.contains("the chat template does not write <s>: it is written before it, as llama.cpp does"));
    let template = ChatTemplate::open(&silent.5).unwrap();
    assert_eq!(template.segments(None, &[], &["Hi".into()]).unwrap(), ["<s>Hi"]);
    let told = imported(&|writer| {
        writer.set("tokenizer.ggml.add_bos_token", 7, &[1]);
        writer.set("tokenizer.ggml.add_eos_token", 7, &[1]);
    });
    assert!(told.0 && told.3.contains("tokenizer.ggml.add_eos_token"));
    let off = imported(&|writer| {
        writer.set_text("tokenizer.ggml.pre", "llama-bpe");
        writer.set("tokenizer.ggml.add_bos_token", 7, &[0]);
        writer.keys.retain(|(key, _)| key != "tokenizer.chat_template");
    });
    assert!(!off.0 && off.2["bos_token"].is_null(), "the template that stands in for none would write it");
    let ends = imported(&|writer| writer.set_number("tokenizer.ggml.eot_token_id", 7));
    assert_eq!(ends.1, [2, 7]);
}

#[test]
fn chat_templates_with_names_are_a_list_of_which_the_default_is_used() {
    let mut fixture = Fixture::new();
    fixture.writer.set_text("tokenizer.chat_template.tool_use", "tools");
    let imported = fixture.import().unwrap();
    let names: Vec<String> = configuration(&imported)["chat_template"]
        .as_array()
        .unwrap()
        .iter()
        .map(|template| template["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["default", "tool_use"]);
    let template = ChatTemplate::open(&imported).unwrap();
    assert_eq!(template.segments(None, &[], &["Hi".into()]).unwrap(), ["<s>Hi</s>"]);
    let mut other = Fixture::new();
    other.writer.keys.retain(|(key, _)| key != "tokenizer.chat_template");
    other.writer.set_text("tokenizer.chat_template.tool_use", "tools");
    assert!(other.refusal().contains("tool_use"));
}

#[test]
fn keys_that_are_not_read_are_reported() {
    let mut fixture = Fixture::new();
    fixture.writer.set_number("llama.pooling_type", 1);
    assert!(notes(&fixture.import().unwrap()).contains("llama.pooling_type is not read"));
    let mut other = Fixture::new();
    other.writer.set_text("llama.hidden_activation", "gelu");
    assert!(other.refusal().contains("llama.hidden_activation is \"gelu\""));
    let mut adapter = Fixture::new();
    adapter.writer.set_text("general.type", "adapter");
    assert!(adapter.refusal().contains("general.type is \"adapter\""));
}
