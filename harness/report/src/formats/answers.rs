//! The backends' answers.

use pocketwatt_protocol::TokenId;
use pocketwatt_record::Record;

use crate::{
    cases::{CaseGroup, Column, agreement::answers, case_groups},
    formats::{Format, markdown},
    output::inert,
};

/// Tokens that are listed by number if there is no tokenizer to decode them.
const LISTED_TOKENS: usize = 16;

/// The answers of every group, turn by turn; backends that gave the same tokens share one text. `prompt` gives what the user
/// said in a case's turn, counted from 0, where that is known.
pub fn render(
    records: &[Record],
    format: Format,
    decode: &dyn Fn(&Record, &[TokenId]) -> Option<String>,
    prompt: &dyn Fn(&Record, usize) -> Option<String>,
) -> String {
    let mut output = String::new();
    for group in case_groups(records) {
        let conversation = conversation(&group, decode, prompt);
        if !conversation.is_empty() {
            output += &match format {
                Format::Markdown => markdown::heading(&group.title()) + &markdown::verbatim(&conversation) + "\n",
                _ => format!("{}\n\n{conversation}", group.title()),
            };
        }
    }
    output
}

fn conversation(
    group: &CaseGroup,
    decode: &dyn Fn(&Record, &[TokenId]) -> Option<String>,
    prompt: &dyn Fn(&Record, usize) -> Option<String>,
) -> String {
    let columns: Vec<&Column> = group.columns.iter().filter(|column| column.measured()).collect();
    let turns = columns.iter().map(|column| answers(column.record).len()).max().unwrap_or(0);
    let mut output = String::new();
    for turn in 0..turns {
        let groups = groups(&columns, turn);
        if groups.is_empty() {
            continue;
        }
        if let Some(text) = columns.first().and_then(|column| prompt(column.record, turn)) {
            output += &format!("user, turn {}:\n{}\n", turn + 1, indent(&text));
        }
        for (members, tokens) in &groups {
            let same = if members.len() > 1 { ", the same tokens" } else { "" };
            let names: Vec<&str> = members.iter().map(|column| column.name.as_str()).collect();
            let (names, count) = (names.join(" = "), tokens.len());
            let text = members.first().and_then(|column| decode(column.record, tokens));
            let text = text.unwrap_or_else(|| by_number(tokens));
            output += &format!("{names}, turn {} ({count} tokens{same}):\n{}\n", turn + 1, indent(&text));
        }
    }
    output
}

/// The columns of a turn grouped by their answer, in the order of the answers' first occurrence.
fn groups<'a>(columns: &[&'a Column<'a>], turn: usize) -> Vec<(Vec<&'a Column<'a>>, &'a [TokenId])> {
    let mut groups: Vec<(Vec<&Column>, &[TokenId])> = Vec::new();
    for column in columns {
        let Some(tokens) = answers(column.record).get(turn).copied().filter(|tokens| !tokens.is_empty()) else {
            continue;
        };
        match groups.iter_mut().find(|(_, known)| *known == tokens) {
            Some((members, _)) => members.push(column),
            None => groups.push((vec![column], tokens)),
        }
    }
    groups
}

/// The tokens' numbers, for models without a tokenizer.
pub fn by_number(tokens: &[TokenId]) -> String {
    let listed: Vec<String> = tokens.iter().take(LISTED_TOKENS).map(|token| token.0.to_string()).collect();
    let more = if tokens.len() > LISTED_TOKENS { " ..." } else { "" };
    format!("(no tokenizer; token numbers: {}{more})", listed.join(" "))
}

/// Puts two spaces before every line.
fn indent(text: &str) -> String {
    text.trim().lines().map(|line| format!("  {}", inert::line(line)).trim_end().to_owned() + "\n").collect()
}
