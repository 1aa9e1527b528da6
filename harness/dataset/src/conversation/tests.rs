use std::{fs, path::PathBuf};

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn fixture(name: &str) -> ConversationFile {
    read_conversations(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)).unwrap()
}

fn read(contents: impl AsRef<[u8]>) -> Result<ConversationFile, DatasetError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("conversations.jsonl");
    fs::write(&path, contents).unwrap();
    read_conversations(&path)
}

/// One conversation for each line: the id, the system prompt, and the turns with their longest answers.
fn written(file: &ConversationFile) -> String {
    assert_eq!(file.rows.errors, []);
    let rows = file.rows.rows.iter().map(|(line, Conversation { id, system, turns })| {
        let turns = turns.iter().map(|turn| format!("\n  {:?} {:?}", turn.output_tokens, turn.user));
        format!("{line} {id} {system:?}{}", turns.collect::<String>())
    });
    format!("{}\n{}", file.format, rows.collect::<Vec<_>>().join("\n"))
}

/// The errors of rows that follow a valid one.
fn errors(good: &str, rows: &[serde_json::Value]) -> String {
    let lines = rows.iter().map(|row| format!("{row}\n"));
    let file = read(format!("{good}\n{}", lines.collect::<String>())).unwrap();
    assert_eq!(file.rows.rows.len(), 1, "{:?}", file.rows.rows);
    assert_eq!(file.rows.errors.len(), rows.len());
    file.rows.errors.iter().map(|error| format!("{}: {}\n", error.line, error.reason)).collect()
}

fn refused(contents: impl AsRef<[u8]>) -> String {
    let error = read(contents).unwrap_err().to_string();
    error.split_once("conversations.jsonl is not a data set: ").unwrap().1.to_owned()
}

const OWN: &str = r#"{"id":"a","turns":["Hi"]}"#;
const MESSAGES: &str = r#"{"messages":[{"role":"user","content":"Hi"}]}"#;
const SHAREGPT: &str = r#"{"conversations":[{"from":"human","value":"Hi"}]}"#;

#[test]
fn our_own_format_says_how_long_answers_may_be() {
    insta::assert_snapshot!(written(&fixture("own.jsonl")), @r#"
    PocketWatt
    1 tea Some("Answer briefly.")
      Some(48) "How long does green tea steep?"
      Some(16) "And a second time?"
    2 stairs None
      None "Count the steps from the cellar to the third floor."
    "#);
}

#[test]
fn questions_of_mt_bench_are_named_by_their_number() {
    insta::assert_snapshot!(written(&fixture("mt_bench.jsonl")), @r#"
    MT-Bench
    1 81 None
      None "Write a short notice that tells the neighbours about water works on Thursday morning."
      None "Rewrite your notice so that a child of eight understands it."
    2 95 None
      None "Act as a shopkeeper who sells umbrellas on a sunny day."
      None "Es fängt an zu regnen. Answer in English."
    3 101 None
      None "A train leaves every 12 minutes from seven o'clock on. When does the fifth one leave?"
      None "And if the third one is cancelled?"
    "#);
}

#[test]
fn chat_messages_lose_their_answers_and_are_named_by_line() {
    insta::assert_snapshot!(written(&fixture("messages.jsonl")), @r#"
    chat messages
    1 line-1 Some("You are a patient gardener.")
      None "When do I cut back lavender?"
      None "How far?"
    2 line-2 Some("Answer in one line.")
      None "Which bread keeps longest?\nI buy for a whole week."
    3 line-3 None
      None "My bicycle chain jumps.\n\nOnly in the smallest gear."
      None "Which way do I turn the screw?"
    "#);
}

#[test]
fn sharegpt_loses_its_answers_and_a_greeting() {
    insta::assert_snapshot!(written(&fixture("sharegpt.json")), @r#"
    ShareGPT
    2 Qm4vT1x_0 None
      None "Name three soups without cream."
      None "Which of them keeps for three days?"
    23 Qm4vT1x_7 None
      None "Mine does not fly straight."
    40 identity_3 Some("You are called Pip.")
      None "Who are you?"
    "#);
}

#[test]
fn rows_of_an_array_on_one_line_have_different_names() {
    let file = read(format!("[{SHAREGPT},{SHAREGPT},\n{SHAREGPT}]")).unwrap();
    let names: Vec<_> = file.rows.rows.iter().map(|(line, row)| (*line, row.id.as_str())).collect();
    assert_eq!(names, [(1, "line-1"), (1, "line-1-2"), (2, "line-2")]);
}

#[test]
fn bad_rows_of_our_own_format() {
    let rows = [
        json!({"turns": ["Hi"]}),
        json!({"id": "", "turns": ["Hi"]}),
        json!({"id": "b"}),
        json!({"id": "b", "turns": []}),
        json!({"id": "b", "turns": "Hi"}),
        json!({"id": "b", "turns": ["Hi", " \n"]}),
        json!({"id": "b", "turns": ["Hi", 3]}),
        json!({"id": "b", "turns": [{"output-tokens": 3}]}),
        json!({"id": "b", "turns": [{"user": null}]}),
        json!({"id": "b", "turns": [{"user": "Hi", "assistant": "Hello"}]}),
        json!({"id": "b", "turns": [{"user": "Hi", "output-tokens": 0}]}),
        json!({"id": "b", "turns": ["Hi"], "output-tokens": 1.5}),
        json!({"id": "b", "turns": ["Hi"], "output-tokens": "64"}),
        json!({"id": "b", "turns": ["Hi"], "output_tokens": 64}),
        json!({"id": "b", "turns": ["Hi"], "system": ["x"]}),
        json!({"id": "a", "turns": ["Hi"]}),
        json!("Hi"),
    ];
    insta::assert_snapshot!(errors(OWN, &rows), @r#"
    2: `id` is missing
    3: `id` is empty
    4: `turns` is missing
    5: `turns` is empty
    6: `turns` is text, not a list
    7: `turns[1]` is empty
    8: `turns[1]` is a number, not an object or text
    9: turns[0]: `user` is missing
    10: turns[0]: `user` is null, not text
    11: turns[0]: "assistant" is not one of its keys, which are `user`, `output-tokens`
    12: turns[0]: `output-tokens` is 0, not a whole number from 1 to 4294967295
    13: `output-tokens` is 1.5, not a whole number from 1 to 4294967295
    14: `output-tokens` is text, not a whole number
    15: "output_tokens" is not one of its keys, which are `id`, `summary`, `system`, `output-tokens`, `turns`
    16: `system` is a list, not text
    17: its id "a" is taken by line 1: each row needs its own
    18: it is not a JSON object: it begins with "\"", not with "{"
    "#);
}

#[test]
fn bad_questions_of_mt_bench() {
    let rows = [
        json!({"question_id": 81, "turns": ["Hi"]}),
        json!({"question_id": 8.5, "turns": ["Hi"]}),
        json!({"question_id": 82, "category": "writing"}),
        json!({"question_id": 82, "turns": ["Hi", null]}),
    ];
    insta::assert_snapshot!(errors(r#"{"question_id":81,"turns":["Hi"]}"#, &rows), @r#"
    2: its id "81" is taken by line 1: each row needs its own
    3: `question_id` is a number, not text or a whole number
    4: `turns` is missing
    5: `turns[1]` is null, not text
    "#);
}

#[test]
fn bad_chat_messages() {
    let hi = json!({"role": "user", "content": "Hi"});
    let image = json!({"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}});
    let rows = [
        json!({"messages": {"role": "user", "content": "Hi"}}),
        json!({"messages": []}),
        json!({"messages": ["Hi"]}),
        json!({"messages": [{"role": "assistant", "content": "Hello"}]}),
        json!({"messages": [{"content": "Hi"}]}),
        json!({"messages": [hi, {"role": "narrator", "content": "Later."}]}),
        json!({"messages": [{"role": "user", "content": ""}]}),
        json!({"messages": [{"role": "user", "content": null}]}),
        json!({"messages": [{"role": "user", "content": []}]}),
        json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, image]}]}),
        json!({"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}),
        json!({"messages": [hi, {"role": "system", "content": "Be kind."}]}),
        json!({"messages": [hi, {"role": "assistant", "content": "", "tool_calls": [{"type": "function"}]}]}),
        json!({"messages": [hi, {"role": "tool", "content": "21", "tool_call_id": "call_1"}]}),
        json!({"messages": [hi], "tools": [{"type": "function"}]}),
        json!({"id": "line-1", "messages": [hi]}),
    ];
    insta::assert_snapshot!(errors(MESSAGES, &rows), @r#"
    2: `messages` is an object with the keys "role, content", not a list
    3: `messages` is empty
    4: `messages[0]` is text, not an object
    5: `messages` has no message of a user
    6: messages[0]: it has neither `from` nor `role`; its keys are "content"
    7: messages[1]: `role` is "narrator", not system, developer, user or assistant
    8: messages[0]: `content` is empty
    9: messages[0]: `content` is null, not a list or text
    10: messages[0]: `content` is empty
    11: messages[0]: content[1]: `type` is "image_url": only text is supported, no images, sound or files
    12: messages[0]: content[0]: `type` is missing
    13: messages[1]: a system message that is not the first is not supported: remove it
    14: messages[1]: it has `tool_calls`: function calls are not supported in a conversation
    15: messages[1]: `role` is "tool": function calls are not supported in a conversation
    16: it has `tools`: function calls are not supported in a conversation
    17: its id "line-1" is taken by line 1: each row needs its own
    "#);
}

#[test]
fn bad_rows_of_sharegpt() {
    let human = json!({"from": "human", "value": "Hi"});
    let rows = [
        json!({"id": "b", "conversations": []}),
        json!({"id": "b", "conversations": [{"from": "gpt", "value": "Hello"}]}),
        json!({"id": "b", "conversations": [human, {"from": "gpt", "value": ""}]}),
        json!({"id": "b", "conversations": [{"speaker": "user", "text": "Hi"}]}),
        json!({"id": "b", "conversations": [{"role": "user", "value": "Hi"}]}),
        json!({"id": "b", "conversations": [human, {"from": "observation", "value": "21"}]}),
        json!({"id": "b", "conversations": [human, {"from": "x".repeat(50), "value": "Hi"}]}),
        json!({"id": "b", "conversations": [human, {"from": "system", "value": "Be kind."}]}),
        json!({"id": "b", "system": "Be brief.", "conversations": [{"from": "system", "value": "Be kind."}, human]}),
        json!({"id": "b", "image": "cat.jpg", "conversations": [human]}),
        json!({"id": ["b"], "conversations": [human]}),
    ];
    insta::assert_snapshot!(errors(SHAREGPT, &rows), @r#"
    2: `conversations` is empty
    3: `conversations` has no message of a user
    4: conversations[1]: `value` is empty
    5: conversations[0]: it has neither `from` nor `role`; its keys are "speaker, text"
    6: conversations[0]: `content` is missing
    7: conversations[1]: `from` is "observation": function calls are not supported in a conversation
    8: conversations[1]: `from` is "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"..., not human, user, gpt, chatgpt, assistant, bing, bard or system
    9: conversations[1]: a system message that is not the first is not supported: remove it
    10: conversations[0]: a second system message, beside the key `system`: remove one
    11: it has `image`: only text is supported
    12: `id` is a list, not text or a whole number
    "#);
}

#[test]
fn a_file_has_the_format_of_its_first_conversation() {
    let file = read(format!("{{\"note\":\"ours\"}}\n{SHAREGPT}\n{MESSAGES}\n{OWN}\n{SHAREGPT}")).unwrap();
    assert_eq!(file.format, ConversationFormat::ShareGpt);
    assert_eq!(file.rows.rows.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 5]);
    let errors = file.rows.errors.iter().map(|error| format!("{}: {}\n", error.line, error.reason));
    insta::assert_snapshot!(errors.collect::<String>(), @r#"
    1: `conversations` is missing
    3: its key `messages` belongs to the chat messages format, but the file begins in the ShareGPT format: split the file
    4: its key `turns` belongs to the PocketWatt format, but the file begins in the ShareGPT format: split the file
    "#);
}

#[test]
fn files_without_a_conversation_are_refused() {
    let files = ["\n", "a,b,c\n", r#"{"prompt":"Hi"}"#, r#"{"id":"a","turns":[]}"#];
    insta::assert_snapshot!(files.map(refused).join("\n"), @r#"
    it has no rows
    line 1: it is not a JSON object: it begins with "a", not with "{"
    no row is a conversation, which has one of the keys `messages` (chat messages), `conversations` (ShareGPT), `question_id` (MT-Bench), `turns` (PocketWatt): see line 1
    none of its rows in the PocketWatt format can be used: line 1: `turns` is empty
    "#);
}

#[test]
fn messages_are_read_in_either_form_under_either_key() {
    let rows = [
        json!({"conversations": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "One?"},
            {"role": "assistant", "content": "1"}, {"role": "user", "content": [{"type": "text", "text": "Two?"}]}]}),
        json!({"conversations": [{"from": "human", "value": "Three?"}]}),
    ];
    let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
    insta::assert_snapshot!(written(&read(lines).unwrap()), @r#"
    ShareGPT
    1 line-1 Some("Be brief.")
      None "One?"
      None "Two?"
    2 line-2 None
      None "Three?"
    "#);
    let file = read(json!({"messages": [{"from": "human", "value": "Four?"}]}).to_string()).unwrap();
    assert_eq!((file.format, &*file.rows.rows[0].1.turns[0].user), (ConversationFormat::Messages, "Four?"));
    let row = json!({"question_id": 1, "turns": [{"role": "user", "content": "Five?"}, {"role": "assistant", "content": "5"}]});
    let file = read(row.to_string()).unwrap();
    assert_eq!((file.format, file.rows.rows[0].1.turns.len()), (ConversationFormat::MtBench, 1));
}

#[test]
fn an_empty_system_message_says_nothing() {
    let (human, user) = (json!({"from": "human", "value": "Hi"}), json!({"role": "user", "content": "Hi"}));
    let mut files = vec![
        json!({"id": "a", "turns": ["Hi"], "system": ""}),
        json!({"conversations": [{"from": "system", "value": "Be kind."}, human], "system": " "}),
        json!({"conversations": [human, {"from": "system", "value": ""}]}),
    ];
    files.push(json!({"messages": [{"role": "system", "content": [{"type": "text", "text": ""}]}, user]}));
    for nothing in [json!(""), json!(" \n"), json!(null)] {
        files.push(json!({"conversations": [{"from": "system", "value": nothing}, human]}));
        files.push(json!({"conversations": [{"role": "system", "content": nothing}, user]}));
        files.push(json!({"messages": [{"role": "developer", "content": nothing}, user]}));
    }
    for (index, row) in files.iter().enumerate() {
        let file = read(row.to_string()).unwrap();
        let Conversation { system, turns, .. } = &file.rows.rows[0].1;
        assert_eq!(system.as_deref(), (index == 1).then_some("Be kind."), "{row}");
        assert_eq!(turns.iter().map(|turn| &*turn.user).collect::<Vec<_>>(), ["Hi"], "{row}");
    }
}

#[test]
fn files_of_other_encodings_are_refused_by_name() {
    let utf16: Vec<u8> = format!("\u{feff}{MESSAGES}\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(refused(utf16), "it is written in UTF-16: save it as UTF-8");
    let file = read([MESSAGES.as_bytes(), b"\n{\"messages\":[{\"role\":\"user\",\"content\":\"3 \xd7 7\"}]}"].concat())
        .unwrap();
    let error = &file.rows.errors[0];
    assert_eq!(error.line, 2);
    assert!(error.reason.starts_with("byte 42 is not UTF-8 (it is 0xD7, perhaps Windows-1252"), "{}", error.reason);
}

#[test]
fn not_a_number_is_read_where_it_says_nothing_to_us() {
    let row = r#"{"question_id": 1, "turns": ["Hi"], "score": NaN}"#;
    for contents in [row.to_owned(), format!("[\n{row}\n]")] {
        assert_eq!(read(contents).unwrap().rows.rows[0].1.turns[0].user, "Hi");
    }
    let file = read(format!("{row}\n{}", r#"{"question_id": 2, "turns": [NaN]}"#)).unwrap();
    assert_eq!(file.rows.rows.len(), 1);
    let reason =
        "column 30 has NaN, which JSON does not have, where a value is needed: write the value, or null for none";
    assert_eq!(file.rows.errors[0].reason, reason);
}

#[test]
fn messages_of_one_user_in_a_row_are_one_turn() {
    let row = json!({"conversations": [
        {"from": "human", "value": "One."}, {"from": "human", "value": "Two."},
        {"from": "gpt", "value": "Three."}, {"from": "human", "value": "Four."},
    ]});
    let file = read(row.to_string()).unwrap();
    let users: Vec<_> = file.rows.rows[0].1.turns.iter().map(|turn| turn.user.as_str()).collect();
    assert_eq!(users, ["One.\n\nTwo.", "Four."]);
}

/// JSON made of the formats' keywords: most of it is almost a conversation.
fn nearly_a_conversation() -> impl Strategy<Value = serde_json::Value> {
    let words = "id turns user output-tokens system question_id messages role content type text conversations from \
                 value human gpt assistant tools";
    let word = prop::sample::select(words.split(' ').collect::<Vec<_>>());
    let leaf = prop_oneof![
        word.clone().prop_map(|word| json!(word)),
        any::<String>().prop_map(|text| json!(text)),
        any::<f64>().prop_map(|number| json!(number)),
        any::<i64>().prop_map(|number| json!(number)),
        Just(json!(null)),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|list| json!(list)),
            prop::collection::hash_map(word.clone(), inner, 0..5).prop_map(|object| json!(object)),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_a_file_holds_is_read_or_refused(
        bytes: Vec<u8>,
        rows in prop::collection::vec(nearly_a_conversation(), 0..5),
    ) {
        let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
        for contents in [bytes.clone(), lines.clone().into_bytes(), [lines.into_bytes(), bytes].concat()] {
            if let Ok(file) = read(contents) {
                for (_, conversation) in file.rows.rows {
                    prop_assert!(!conversation.turns.is_empty());
                    prop_assert!(conversation.turns.iter().all(|turn| !turn.user.trim().is_empty()));
                }
            }
        }
    }
}
