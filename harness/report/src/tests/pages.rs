//! The report as a page.

use pocketwatt_record::{Damage, Damaged};

use super::*;
use crate::{ReportedRun, charts::Palette, report};

fn page(run: &Run, records: &[Record], damaged: &[Damaged]) -> String {
    let reported = [ReportedRun { run, results: &(records, damaged), address: Some("../a%20b/".into()) }];
    report(&reported, &Palette::default()).unwrap()
}

/// What a reader sees of a part of the page: a line for each row or paragraph.
fn seen(page: &str, from: &str, to: &str) -> String {
    let part = page.split_once(from).unwrap().1.split_once(to).unwrap().0;
    let mut text = String::new();
    let part = format!("<{part}").replace("</tr>", "\n").replace("</p>", "\n").replace("</h3>", "\n");
    let part = part.replace("</td>", " | ").replace("</th>", " | ");
    let mut in_tag = false;
    for character in part.chars() {
        match character {
            '<' => in_tag = true,
            '>' => in_tag = false,
            other if !in_tag => text.push(other),
            _ => {}
        }
    }
    let lines = text.lines().map(|line| line.trim_end_matches([' ', '|']).to_owned());
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_first_thing_is_the_answer_and_how_sure_it_is() {
    let records = in_turns(&fixture::records()[..3]);
    let page = page(&fixture::run(&records), &records, &[]);
    insta::assert_snapshot!(seen(&page, "class=\"card\"", "<details"), @r"
    chat · mobilellm-125m (seeded weights)candle answers first (1.16× [1.14, 1.19]). Not decided: a quick whole answer (candle or onnxruntime).
    If you want | the best is | with | ahead of the next by | how sure
    fast generation | onnxruntime or candle | 29.2 tokens/s ±0.04 | 1.005× [1.004, 1.007] over candle | the same within 1 %
    a quick first token | candle | 153 ms ±1 | 1.16× [1.14, 1.19] over onnxruntime | clear, after 4 blocks
    a quick whole answer | candle or onnxruntime | 2348 ms ±7 | 1.012× [1.007, 1.017] over onnxruntime | undecided; about 34 blocks more would decide
    little memory | onnxruntime or candle | 522 MiB | 1.010× [1.010, 1.010] over candle | the same within 1 %
    little energy | not known: virtual machine: no meter
    3 of 3 cases were measured, in 4 blocks in which they took turns. [ ] are 95 % intervals. &quot;Clear&quot; is better than each other case by more than 1 %; a card without a true difference says it once in a hundred runs at most.
    ");
}

#[test]
fn a_case_without_numbers_stands_there_with_its_reason() {
    let records = fixture::troubled();
    let page = page(&fixture::run(&records), &records, &[]);
    let cases = seen(&page, "id=\"every-case-1\"", "</table>");
    insta::assert_snapshot!(cases, @r"
    case | decode, tokens/s | time to first token, ms | prefill, tokens/s | request latency, ms | load time, ms | peak memory, MiB
    onnxruntime f32, 1 t | 29.2 ±0.03 | 180 ±4 | 320 ±4 | 2375 ±5 | 389 | 522 | copy
    tract f32, 1 t | failed while loading the model: cannot read graph: node 12 &quot;Gather&quot; is\u{1b}[31m not supported | copy
    candle f32, 1 t | 29.0 ±0.04 | 153 ±1 | 372 ±3 | 2348 ±5 | 252 | 527 | copy
    fake f32, 1 t | skipped: the runner is not built: run `cargo build -p pocketwatt-fake` | copy
    ");
}

#[test]
fn nothing_is_said_about_who_leads_where_nothing_was_compared() {
    let records = fixture::records();
    let page = page(&fixture::run(&records), &records, &[]);
    assert!(page.contains("The cases did not take turns"), "{page}");
    assert!(!page.contains("class=\"best\""), "no winner without a verdict");
}

#[test]
fn damage_is_said_before_the_numbers() {
    let records = in_turns(&fixture::records()[..3]);
    let mut run = fixture::run(&records);
    run.plan.push(run.plan[0].clone());
    let damaged = Damaged { file: "chat_x.json".into(), case: Some("chat_x".into()), damage: Damage::Empty };
    let page = page(&run, &records, &[damaged]);
    let warning = page.find("1 of 4 planned cases have no record here, 1 files among the records cannot be read");
    assert!(warning.unwrap() < page.find("class=\"card\"").unwrap());
    assert!(page.contains("cases/chat_x.json is empty"));
}

#[test]
fn every_case_has_its_record_and_its_exact_numbers() {
    let records = in_turns(&fixture::records()[..3]);
    let page = page(&fixture::run(&records), &records, &[]);
    for (place, record) in records.iter().enumerate() {
        assert!(page.contains(&format!("href=\"../a%20b/cases/{}.json\"", record.case.id)), "{}", record.case.id);
        assert!(page.contains(&format!("href=\"#case-1-{0}\"", place + 1)), "the table leads to it");
        assert!(page.contains(&format!("<details id=\"case-1-{0}\"", place + 1)));
    }
    assert!(page.contains("tokens/s; 95 % interval "), "exact numbers stand beside each rounded one");
    assert!(page.contains("observations; blocks: ") || page.contains("; blocks: "), "and those of the blocks");
}

#[test]
fn a_page_with_fifty_cases_is_small() {
    let records: Vec<Record> = in_turns(&fixture::records()[..3]);
    let fifty: Vec<Record> = (0..50)
        .map(|number| {
            let mut record = records[number % 3].clone();
            record.case.scenario = format!("prefill-{}-decode-64", number / 3);
            record.case.id = format!("{}_{number}", record.case.scenario);
            record
        })
        .collect();
    let page = page(&fixture::run(&fifty), &fifty, &[]);
    assert!(page.len() < 2_000_000, "{}", page.len());
}
