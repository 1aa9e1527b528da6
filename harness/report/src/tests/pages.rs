//! The report as a page.

use pocketwatt_protocol::{MonotonicNs, Stage};
use pocketwatt_record::{Damage, Damaged, Outcome, PlannedCase, derive_metrics};

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
    chat · mobilellm-125m (seeded weights)if you want | take | it has | ahead by | how sure
    fast generation | onnxruntime or candle | 29.2 tokens/s ±0.04 | 1.005× [1.004, 1.007] over candle | equal within 1 %
    first answer | candle | 153 ms ±1 | 1.16× [1.14, 1.19] over onnxruntime | clear
    whole answer | candle or onnxruntime | 2348 ms ±7 | 1.012× [1.007, 1.017] over onnxruntime | open 34 blocks more may decide
    small memory | onnxruntime or candle | 522 MiB | 1.010× [1.010, 1.010] over candle | equal within 1 %
    little energy per request | not known: virtual machine: no meter
    2×: twice as good; in [ ] the 95 % interval. Clear: proven against each other case. Equal: no difference of 1 %. Open: any of those named may be the best.
    3 of 3 planned cases were measured, in 4 blocks in which they took turns.
    ");
}

#[test]
fn the_ratio_and_the_word_of_a_line_are_about_the_strongest_case_that_is_not_ruled_out() {
    let mut records = in_turns(&fixture::records()[..3]);
    // The second one's blocks scatter, so that nobody knows whether it is slower than the first.
    for (place, iteration) in records[1].samples.iterations.iter_mut().enumerate() {
        let factor = if place % 2 == 0 { 0.5 } else { 1.6 };
        for turn in &mut iteration.turns {
            let start = turn.prefill_end;
            turn.token_times
                .iter_mut()
                .for_each(|at| *at = MonotonicNs(start.0 + (at.since(start) as f64 * factor) as u64));
        }
    }
    records[1].metrics = derive_metrics(&records[1]);
    records[2].samples.iterations.iter_mut().flat_map(|iteration| &mut iteration.turns).for_each(|turn| {
        let start = turn.prefill_end;
        turn.token_times.iter_mut().for_each(|at| *at = MonotonicNs(start.0 + at.since(start) * 11 / 10));
    });
    records[2].metrics = derive_metrics(&records[2]);
    let page = page(&fixture::run(&records), &records, &[]);
    let card = seen(&page, "class=\"card\"", "<details");
    let line = card.lines().find(|line| line.starts_with("fast generation")).unwrap();
    assert!(
        line.contains("onnxruntime or tract |") && line.contains("over tract") && line.contains("| open"),
        "{line}"
    );
}

#[test]
fn a_tie_is_a_tie_and_no_missing_comparison() {
    let mut records = in_turns(&fixture::records()[..2]);
    records[1] = Record { case: records[1].case.clone(), passport: records[1].passport.clone(), ..records[0].clone() };
    let page = page(&fixture::run(&records), &records, &[]);
    let card = seen(&page, "class=\"card\"", "<details");
    let line = card.lines().find(|line| line.starts_with("small memory")).unwrap();
    assert!(
        line.contains("onnxruntime or tract | 522 MiB | 1.000× [1.000, 1.000] over tract | equal within 1 %"),
        "{line}"
    );
    assert!(!card.contains("not compared"), "{card}");
}

#[test]
fn a_build_that_fails_beside_its_baseline_is_worse() {
    let mut records = in_turns(&fixture::records()[..1]);
    let mut candidate = records[0].clone();
    records[0].case.baseline = true;
    records[0].case.id += "-baseline";
    candidate.outcome = Outcome::Failed { stage: Stage::Warmup, message: "killed by signal 6".into() };
    candidate.metrics = Vec::new();
    records.push(candidate);
    let page = page(&fixture::run(&records), &records, &[]);
    let card = seen(&page, "class=\"card\"", "<details");
    let told = "onnxruntime: failed while warming up: killed by signal 6; its baseline was measured: worse";
    assert!(card.contains(told), "{card}");
    assert!(!card.contains("took turns") && !card.contains("Nothing can be said"), "one case has no turns: {card}");
}

#[test]
fn a_case_without_a_record_is_missed_in_its_card() {
    let records = in_turns(&fixture::records()[..1]);
    let mut run = fixture::run(&records);
    run.plan.push(PlannedCase { case: fixture::records()[1].case.clone(), ..run.plan[0].clone() });
    run.plan.push(PlannedCase { case: fixture::records()[3].case.clone(), ..run.plan[0].clone() });
    let page = page(&run, &records, &[]);
    let card = seen(&page, "class=\"card\"", "<details");
    assert!(card.contains("1 of 2 planned cases was measured. Missing: tract (no record that can be read)."), "{card}");
    assert!(page.contains("0 of 1 planned case was measured"), "a card of which nothing is there: {page}");
}

#[test]
fn too_few_blocks_say_so_and_how_many_would_do() {
    let mut records = in_turns(&fixture::records()[..2]);
    for (place, record) in records.iter_mut().enumerate() {
        record.samples.blocks.truncate(3);
        for turn in record.samples.iterations.iter_mut().skip(place).step_by(3).flat_map(|one| &mut one.turns) {
            turn.prefill_end = MonotonicNs(turn.prefill_end.0 + 300_000_000);
            turn.token_times.iter_mut().for_each(|at| *at = MonotonicNs(at.0 * 2 - turn.start.0));
        }
        let peaks = [(0, 0), (700, 600), (0, 0), (500, 600)];
        for (block, peak) in record.samples.blocks.iter_mut().zip(&peaks[1 - place..]) {
            block.peak_resident_bytes = Some(peak.0 + 900);
        }
        record.metrics = derive_metrics(record);
    }
    let page = page(&fixture::run(&records), &records, &[]);
    let card = seen(&page, "class=\"card\"", "<details");
    assert!(card.contains("Too few blocks (2) to decide anything. Measure it with --blocks "), "{card}");
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
fn requests_of_other_lengths_are_marked_where_they_are_sorted() {
    let mut records = in_turns(&fixture::records()[..2]);
    let same = page(&fixture::run(&records), &records, &[]);
    assert!(!same.contains("a whole request is not the same work"), "{same}");
    for turn in records[1].samples.iterations.iter_mut().flat_map(|iteration| &mut iteration.turns) {
        turn.tokens.truncate(8);
        turn.token_times.truncate(8);
    }
    records[1].metrics = derive_metrics(&records[1]);
    let other = page(&fixture::run(&records), &records, &[]);
    let cases = seen(&other, "id=\"every-case-1\"", "</ol>");
    assert!(cases.contains("request latency, ms[1]"), "{cases}");
    assert!(cases.contains("the answers of chat · mobilellm-125m differ in length"), "{cases}");
}

#[test]
fn nothing_is_said_about_who_leads_where_nothing_was_compared() {
    let records = fixture::records();
    let page = page(&fixture::run(&records), &records, &[]);
    assert!(page.contains("not compared: not measured in turns with the others"), "{page}");
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
