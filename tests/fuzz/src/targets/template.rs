use std::panic::{AssertUnwindSafe, catch_unwind};

use pocketwatt_model::{ChatTemplate, ModelFolder};

use super::tokenizer::folder;
use crate::{mutation::Form, scratch, target::Target};

pub const TARGET: Target = Target {
    name: "template",
    form: Form::Bytes,
    seeds: || [CHATML, LLAMA, MACROS].map(|text| text.as_bytes().to_vec()).into(),
    words: &[
        "{{ ",
        " }}",
        "{% ",
        " %}",
        "{%- ",
        "{# ",
        "for message in messages",
        "endfor",
        "if ",
        "elif ",
        "else",
        "endif",
        "set ",
        "macro a(b)",
        "endmacro",
        "block c",
        "endblock",
        "namespace(",
        "loop.index0",
        "loop.last",
        "message['role']",
        "message.content",
        "messages[0]",
        "messages[1:]",
        "bos_token",
        "eos_token",
        "add_generation_prompt",
        "raise_exception('no')",
        "| trim",
        "| tojson",
        "| length",
        ".split('a')",
        ".strip()",
        ".startswith('a')",
        "range(9)",
        " is defined",
        " not ",
        " ~ ",
        "include 'chat'",
        "import 'chat' as a",
        "extends 'chat'",
        "call ",
        "filter ",
        "do ",
        "break",
        "continue",
        "autoescape ",
        "9223372036854775807",
        "**",
    ],
    short_runs: 3_000,
    run,
};

const CHATML: &str = "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
const LLAMA: &str = "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate') }}{% endif %}{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + message['content'].strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ message['content'] | trim + ' ' + eos_token }}{% endif %}{% endfor %}";
const MACROS: &str = "{%- macro say(m, last=false) -%}{{ m.role | upper }}: {{ m.content }}{%- if not last %}\n{% endif %}{%- endmacro -%}{%- set ns = namespace(count=0) -%}{%- for m in messages -%}{%- set ns.count = ns.count + 1 -%}{{ say(m, loop.last) }}{%- endfor -%}{%- if ns.count is defined and add_generation_prompt -%}{{ 'ASSISTANT: ' }}{%- endif -%}";

/// The special tokens that templates use; without such a file they are undefined, as in transformers.
const SPECIAL: &[u8] = br#"{"bos_token":"<s>","eos_token":"</s>"}"#;
/// Longer templates overflow the stack of the template engine by chains of operators, which, in the program, only ends a process of
/// its own.
const MOST_BYTES: usize = 2048;

fn run(input: &[u8]) -> bool {
    if input.len() > MOST_BYTES {
        return false;
    }
    let folder = folder();
    scratch::file("model/chat_template.jinja", input);
    scratch::file("model/tokenizer_config.json", SPECIAL);
    // Panics of the template engine itself are known and, in the program, only end a process of their own.
    catch_unwind(AssertUnwindSafe(|| try_out(folder))).unwrap_or(false)
}

fn try_out(folder: &ModelFolder) -> bool {
    let Ok(template) = ChatTemplate::open(folder) else { return false };
    let turns = ["Hello".to_owned(), " {{ bos_token }} ".to_owned()];
    let examples = [("a".to_owned(), "b".to_owned())];
    let Ok(segments) = template.segments(Some("Be brief."), &examples, &turns) else { return false };
    assert_eq!(segments.len(), turns.len());
    true
}
