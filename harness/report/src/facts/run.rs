//! Where the numbers come from: what stands below the tables.

use pocketwatt_record::{Damaged, Run};
use pocketwatt_scenario::Study;

use crate::{
    cases::study_of,
    facts::{
        Seen, data,
        device::{bandwidth, device, plural},
        energy,
        fleet::{bandwidths, fleet},
    },
    output::{date::minute, duration, inert::one_line},
};

/// This many damaged records are named one by one.
const NAMED_DAMAGED: usize = 20;

/// Name and text of each fact.
pub fn facts(run: &Run, seen: &Seen, damaged: &[Damaged]) -> Vec<(&'static str, String)> {
    let mut facts: Vec<_> = study_of(run).iter().flat_map(study).collect();
    facts.extend(data::facts(run));
    facts.extend(seen.left_out.texts.iter().map(|rows| ("left out", rows.clone())));
    facts.extend(rebuilt(run));
    facts.extend(energy::simulated(run));
    facts.extend(emulated(run));
    facts.extend([
        ("device", device(run)),
        ("bandwidth", run.merged.as_ref().map_or_else(|| bandwidth(run), bandwidths)),
    ]);
    facts.extend(seen.engines.texts.iter().map(|engine| ("engine", engine.clone())));
    facts.extend(seen.weights.texts.iter().map(|weights| ("weights", weights.clone())));
    facts.extend(seen.remarks.texts.iter().map(|remark| ("text", remark.clone())));
    facts.push(("run", this_run(run, seen, damaged)));
    facts.extend(fleet(run));
    facts.extend(damaged.iter().take(NAMED_DAMAGED).map(|damaged| ("damaged", damaged_words(damaged))));
    if damaged.len() > NAMED_DAMAGED {
        facts.push(("damaged", format!("{} files more", damaged.len() - NAMED_DAMAGED)));
    }
    facts.extend(energy::facts(run, &seen.energy));
    facts
}

/// Says that the numbers are not those of the device that this seems to be.
fn emulated(run: &Run) -> Option<(&'static str, String)> {
    let how = run.device.emulated.as_deref()?;
    Some(("emulated", one_line(&format!("the numbers say nothing about a phone, because {how}"))))
}

/// The question of a study, and what is to be known of its numbers.
fn study(study: &Study) -> Vec<(&'static str, String)> {
    let mut facts = vec![("study", format!("{}: {}", study.name(), study.question()))];
    facts.extend(study.remarks().iter().map(|remark| ("remark", remark.clone())));
    facts
}

/// Says that only the records exist, if so.
fn rebuilt(run: &Run) -> Option<(&'static str, String)> {
    let damage = run.rebuilt.as_ref()?;
    let text = format!(
        "{damage}: everything here is from the records alone. Unknown are the device, the settings, the study, the cases that \
         were not reached, the meters that were not read, and whether meters were simulated"
    );
    Some(("run.json", one_line(&text)))
}

/// `cases/chat_tiny.json is empty`.
fn damaged_words(damaged: &Damaged) -> String {
    one_line(&format!("cases/{} {}", damaged.file, damaged.damage))
}

fn this_run(run: &Run, seen: &Seen, damaged: &[Damaged]) -> String {
    let (id, began, version) = (one_line(&run.id), minute(run.started_unix_ms), one_line(&run.pocketwatt));
    if run.rebuilt.is_some() {
        return format!("{id}, its first record of {began}, pocketwatt {version}");
    }
    let settings = &run.settings;
    let unreadable = damaged.iter().filter(|damaged| damaged.case.is_some()).count();
    let missing = run.plan.len().saturating_sub(seen.records).saturating_sub(unreadable);
    let missing =
        if missing > 0 { format!(", {missing} of {} cases not reached", run.plan.len()) } else { String::new() };
    let (warm_up, counted) = (settings.warmup_iterations, settings.iterations);
    let turns = settings.turns.filter(|_| seen.blocks > 0);
    let iterations = match (settings.sustain_ms, turns) {
        (None, Some(turns)) => {
            let blocks = seen.blocks as u32;
            // What the warm-up was is in the records.
            let before = match seen.warmup_tokens {
                Some(tokens) if turns.short_warmup => {
                    format!("a warm-up of one prompt and {tokens} {}", plural(tokens as u32, "token"))
                }
                Some(_) => format!("{warm_up} warm-up {}", plural(warm_up, "iteration")),
                None => "no warm-up".to_owned(),
            };
            // What was asked for is not what was measured: a file has fewer items, a target adds blocks, a user stops.
            let counted = match seen.iterations {
                Some((fewest, most)) if fewest != most => format!("{fewest} to {most} counted iterations"),
                Some((all, _)) => format!("{all} counted {}", plural(all as u32, "iteration")),
                None => "no counted iterations".to_owned(),
            };
            format!(
                "{counted} in {blocks} {}, each with a fresh process and {before}, in the order of --seed {}",
                plural(blocks, "block"),
                turns.seed
            )
        }
        (None, None) => format!("{warm_up} warm-up and {counted} counted {}", plural(counted, "iteration")),
        (Some(least), _) => {
            let least = duration(least as f64 / 1e3);
            format!("{warm_up} warm-up {}, then counted ones for {least} at least", plural(warm_up, "iteration"))
        }
    };
    format!("{id}, {began}, {iterations}{missing}, pocketwatt {version}")
}
