//! Cases in turns: in each block every case of a group is measured once, by a fresh runner, in an order that is drawn by lot. So
//! whatever changes on the device changes for all of them alike, and what a single process happens to get, such as where its
//! memory lies, is drawn anew each time. METHODOLOGY.md says what that gains.

use std::{collections::BTreeSet, ops::Range};

use anyhow::Result;
use pocketwatt_meter::{
    CaseReadings, IdleWindows, LimitReading, TimeSpan,
    energy::{Reason, Unavailable},
};
use pocketwatt_protocol::{Clock, Iteration, IterationKind, MonotonicClock, MonotonicNs, Stage, Turn, Workload};
use pocketwatt_record::{
    Block, Circumstances, Contest, Disturbance, GateKind, MARGIN, MOST_BLOCKS, Outcome, Record, SpeedMetric, Spoiled,
    TurnSettings, derive, widest,
};

use super::{
    CaseInput, CaseProgress, Thermometer,
    case::{Interrupted, measure, record, spoil, workload},
    execution::{Instruments, grouped},
    gate::Passage,
    lot::Lot,
};

/// Longest answer of a short warm-up, in tokens.
const WARMUP_TOKENS: u32 = 8;

/// Positions of the counted iterations that a block has, of `all`: as many in each block as in any other, or one more.
fn share_of(block: u32, blocks: u32, all: u32) -> Range<u32> {
    if block >= blocks {
        // Further blocks are as long as the longest one.
        let each = all.div_ceil(blocks.max(1));
        return block * each..(block + 1) * each;
    }
    let end = |block: u32| (u64::from(all) * u64::from(block) / u64::from(blocks.max(1))) as u32;
    end(block)..end(block + 1)
}

/// Notified between the turns of cases, by their positions.
pub trait TurnListener {
    /// The case makes progress.
    fn progresses(&mut self, position: usize, progress: CaseProgress);
    /// A block has ended; this is the case with all of its blocks so far.
    ///
    /// # Errors
    /// When it cannot be stored.
    fn block_ends(&mut self, record: Record) -> Result<()>;
}

/// Measures cases in turns; `None` when the user stopped it. A case that fails leaves the others alone. `earlier` has what was
/// measured of each before the run was stopped.
///
/// # Errors
/// When a block cannot be stored.
pub fn measure_in_turns(
    inputs: &[CaseInput],
    earlier: Vec<Option<Record>>,
    turns: &TurnSettings,
    instruments: &mut Instruments,
    listener: &mut dyn TurnListener,
) -> Result<Option<Vec<Record>>> {
    let mut lot = Lot::new(turns.seed);
    let mut members: Vec<Member> = inputs.iter().map(|input| Member::new(input, turns)).collect();
    // No block is without an iteration.
    let blocks = members.iter().map(Member::asked).fold(turns.blocks, u32::min);
    // Disturbed blocks that are measured again.
    let most_repetitions = blocks.div_ceil(2);
    for member in &mut members {
        member.record.passport.planned_blocks = Some(blocks);
        member.record.passport.boot_id = instruments.meters.boot_id();
    }
    let (mut number, mut counted) = go_on(&mut members, earlier);
    let tables = tables(inputs);
    let after_other_weights = inputs.iter().any(|input| input.case.precision != inputs[0].case.precision);
    // As if the earlier orders had just been drawn.
    (0..number).for_each(|_| drop(lot.order(&tables)));
    let mut repetitions = number - counted;
    // Sleep has repetitions of its own: it spoils a block, and what only disturbs one must not have used up all of them.
    let mut pauses = 0;
    // Before the first block the device is left idle, for which the gates must be open, too.
    let Ok(mut passage) = instruments.gates.wait(Some(number + 1), &mut instruments.mailbox) else { return Ok(None) };
    let Some(before) = instruments.meters.idle(&mut instruments.mailbox) else { return Ok(None) };
    let begun = MonotonicClock.now();
    let before_first = number;
    while members.iter().any(Member::goes_on)
        && (counted < blocks || counted < MOST_BLOCKS && is_too_wide(&members, turns, begun))
    {
        number += 1;
        if number > before_first + 1 {
            let Ok(next) = instruments.gates.wait(Some(number), &mut instruments.mailbox) else { return Ok(None) };
            passage = next;
        }
        let warmth = instruments.thermometer.as_ref().map(Thermometer::read);
        for member in members.iter_mut().filter(|member| member.goes_on()) {
            member.passes(&passage);
            member.record.readings.warmth.extend(warmth.clone());
        }
        let mut allowed = None;
        for (place, position) in lot.order(&tables).into_iter().enumerate() {
            let iterations = share_of(counted, blocks, members[position].asked());
            let last = (blocks + repetitions).max(number);
            let turn = Place {
                number,
                last,
                place: place as u32 + 1,
                iterations,
                allowed_before: allowed.take(),
                after_other_weights,
            };
            let mut told = |done| listener.progresses(position, done);
            let Ok(allowed_now) = members[position].turn(&turn, instruments, &mut told) else { return Ok(None) };
            allowed = allowed_now.or(turn.allowed_before);
        }
        let was_paused = members.iter().any(|member| member.is_paused_in(number));
        let may_repeat = repetitions < most_repetitions || was_paused && pauses < most_repetitions;
        if may_repeat && members.iter().any(|member| member.is_disturbed_in(number)) {
            repetitions += 1;
            pauses += u32::from(was_paused);
            members.iter_mut().for_each(|member| member.repeats(number));
        } else {
            members.iter_mut().for_each(Member::fail_if_paused);
            counted += 1;
        }
        if counted < blocks || turns.target.is_some() {
            members.iter().try_for_each(|member| listener.block_ends(member.so_far()))?;
        }
    }
    // The user may interrupt that: the measurements stay.
    let after = instruments.meters.idle(&mut instruments.mailbox).unwrap_or_default();
    Ok(Some(members.into_iter().map(|member| member.finish(&before, &after)).collect()))
}

/// The positions of the cases that stand side by side, table by table.
fn tables(inputs: &[CaseInput]) -> Vec<Vec<usize>> {
    grouped(0..inputs.len(), |one, other| inputs[one].case.stands_beside(inputs[other].case))
}

/// Whether further blocks are wanted, and there is time for them. The time is that since the run began or went on.
fn is_too_wide(members: &[Member], turns: &TurnSettings, begun: MonotonicNs) -> bool {
    const METRICS: [SpeedMetric; 2] = [SpeedMetric::TimeToFirstToken, SpeedMetric::DecodeThroughput];
    let Some(target) = turns.target else { return false };
    if MonotonicClock.now().since(begun) / 1_000_000 >= target.most_ms {
        return false;
    }
    let going: Vec<&Record> = members.iter().filter(|member| member.goes_on()).map(|member| &member.record).collect();
    let every = (1..going.len()).flat_map(|candidate| (0..candidate).map(move |baseline| (baseline, candidate)));
    let pairs = every.filter(|&(baseline, candidate)| going[candidate].case.is_compared_with(&going[baseline].case));
    let contests: Vec<Contest> = METRICS
        .into_iter()
        .flat_map(|metric| {
            let contest =
                move |(baseline, candidate)| Contest { metric: metric.into(), baseline, candidate, margin: MARGIN };
            pairs.clone().map(contest)
        })
        .collect();
    // A case alone is compared with nothing.
    !contests.is_empty() && widest(&going, &contests).is_none_or(|widest| widest * 1000.0 > f64::from(target.per_mille))
}

/// Begins with the blocks that all cases have from before the run was stopped; returns the number of the last one, and how many
/// count. A block that one of the cases lacks does not count.
fn go_on(members: &mut [Member], earlier: Vec<Option<Record>>) -> (u32, u32) {
    let Some(mut earlier) = earlier.into_iter().collect::<Option<Vec<Record>>>() else { return (0, 0) };
    let boot_id = members.first().and_then(|member| member.record.passport.boot_id.clone());
    let now = MonotonicClock.now();
    if let Some(reason) = earlier.iter().find_map(|record| has_another_clock(record, boot_id.as_deref(), now)) {
        let blocks = earlier.iter().map(|record| record.samples.counted_blocks().count()).max().unwrap_or(0);
        notice!(
            "{reason}: times before and after that cannot stand in one record, so the blocks that were stored before ({blocks}) are \
             measured again"
        );
        return (0, 0);
    }
    let numbers = |record: &Record| record.samples.block_numbers().collect::<BTreeSet<u32>>();
    let common = earlier.iter().map(numbers).reduce(|all, own| &all & &own).unwrap_or_default();
    let last = earlier.iter().flat_map(|record| &record.samples.blocks).map(|block| block.number).max().unwrap_or(0);
    for (member, record) in members.iter_mut().zip(&mut earlier) {
        for block in &mut record.samples.blocks {
            block.repeated |= !common.contains(&block.number);
        }
        member.record.samples = std::mem::take(&mut record.samples);
        member.record.readings = std::mem::take(&mut record.readings);
        member.record.waits = std::mem::take(&mut record.waits);
        member.record.passport.backend = record.passport.backend.take();
        member.record.passport.graph_sha256 = record.passport.graph_sha256.take();
    }
    (last, common.len() as u32)
}

/// Why the times of a record's blocks do not count from the same moment as those of this process.
fn has_another_clock(record: &Record, boot_id: Option<&str>, now: MonotonicNs) -> Option<&'static str> {
    let then = record.passport.boot_id.as_deref();
    let ended = record.samples.blocks.iter().map(|block| block.span.end).max();
    if then.zip(boot_id).is_some_and(|(then, now)| then != now) {
        return Some("the device was started anew since the run was stopped, and its clock began anew");
    }
    // Versions before 1.9 did not store which start it was.
    ended.is_some_and(|ended| ended > now).then_some(
        "the device's clock is behind the stored blocks, as after a new start or where a stored state was restored",
    )
}

/// Readings of the idle device, and when it was idle.
type Idle = (CaseReadings, Option<TimeSpan>);

/// A case's part in a block.
struct Place {
    /// The block.
    number: u32,
    /// The last block, as far as is known.
    last: u32,
    /// The case's place in its order.
    place: u32,
    /// Its counted iterations, by their positions among those of all blocks.
    iterations: Range<u32>,
    /// What the device allowed the case before it in the block.
    allowed_before: Option<LimitReading>,
    /// Whether cases in other precisions may have displaced its weights from the page cache.
    after_other_weights: bool,
}

/// One case of the group.
struct Member<'a> {
    input: &'a CaseInput<'a>,
    turns: &'a TurnSettings,
    /// All of its blocks so far.
    record: Record,
    /// What spoiled the latest block, and may be over when it is measured again.
    pause: Option<Spoiled>,
}

impl<'a> Member<'a> {
    fn new(input: &'a CaseInput<'a>, turns: &'a TurnSettings) -> Self {
        let mut record = record(input);
        record.outcome = Outcome::Measured;
        Self { input, turns, record, pause: None }
    }

    /// Counted iterations of all blocks together.
    fn asked(&self) -> u32 {
        self.input.prepared.iterations(self.input.settings.iterations)
    }

    fn goes_on(&self) -> bool {
        self.record.outcome == Outcome::Measured
    }

    /// Measures the case's part of a block, unless it has failed before. Returns what the device allowed at its end.
    fn turn(
        &mut self,
        place: &Place,
        instruments: &mut Instruments,
        progress: &mut dyn FnMut(CaseProgress),
    ) -> std::result::Result<Option<LimitReading>, Interrupted> {
        if !self.goes_on() {
            return Ok(None);
        }
        if place.after_other_weights {
            self.input.model.read_weights(self.input.case.precision);
        }
        let Instruments { meters, mailbox, device, .. } = instruments;
        let watch = device.watch();
        let from = MonotonicClock.now();
        let mut part = record(self.input);
        let workload = self.workload(&place.iterations);
        progress(CaseProgress::Block {
            number: place.number,
            last: place.last,
            iterations: workload.warmup_iterations + workload.iterations,
        });
        let sampler = meters.begin_at_once();
        let measured = measure(self.input, workload, &sampler, mailbox, progress, &mut part);
        part.readings = sampler.end();
        measured?;
        let circumstances = Circumstances {
            readings: Some(&part.readings),
            worked: worked(&part.samples.iterations),
            allowed_before: place.allowed_before.as_ref(),
            beside: device.surely_met(watch),
        };
        let spoiled = Spoiled::by(&part.readings, self.input.case.threads);
        let has_failed = part.outcome != Outcome::Measured;
        self.pause = spoiled.clone().filter(|spoiled| spoiled.is_a_pause() && !has_failed);
        if let Some(spoiled) = spoiled.filter(|_| self.pause.is_none()) {
            spoil(&mut part.outcome, &spoiled);
        }
        let (disturbances, allowed) = (circumstances.disturbances(), part.readings.limits.last().cloned());
        self.add(part, place, TimeSpan { start: from, end: MonotonicClock.now() }, disturbances);
        Ok(allowed)
    }

    /// What is asked of the runner in a block. With the conversations of a file, each block has its own.
    fn workload(&self, iterations: &Range<u32>) -> Workload {
        let all = &self.input.prepared.conversations;
        let conversations: Vec<Vec<Turn>> = match all.len() {
            0 | 1 => all.clone(),
            _ => iterations.clone().map(|position| all[self.conversation(position)].clone()).collect(),
        };
        let warmup = self.turns.short_warmup.then(|| short(conversations.first()));
        let iterations = iterations.len() as u32;
        Workload { warmup, iterations, ..workload(self.input, conversations) }
    }

    /// The conversation of the counted iteration at this position.
    fn conversation(&self, position: u32) -> usize {
        position as usize % self.input.prepared.conversations.len().max(1)
    }

    /// Adds a block to those before it.
    fn add(&mut self, part: Record, place: &Place, span: TimeSpan, disturbances: Vec<Disturbance>) {
        let mut iterations = part.samples.iterations;
        for (position, iteration) in place.iterations.clone().zip(iterations.iter_mut().filter(counts)) {
            iteration.conversation = self.conversation(position) as u32;
        }
        let all = &mut self.record;
        let block = Block {
            number: place.number,
            place: place.place,
            span,
            first_iteration: all.samples.iterations.len() as u32,
            iterations: iterations.len() as u32,
            loaded: part.samples.loaded.clone(),
            peak_resident_bytes: part.readings.peak_resident_bytes,
            peak_with_huge_pages_bytes: part.readings.peak_with_huge_pages_bytes,
            disturbances,
            repeated: false,
        };
        all.samples.loaded = all.samples.loaded.take().or(part.samples.loaded);
        all.samples.iterations.extend(iterations);
        all.samples.blocks.push(block);
        all.readings.append(part.readings);
        all.passport.backend = all.passport.backend.take().or(part.passport.backend);
        all.passport.graph_sha256 = all.passport.graph_sha256.take().or(part.passport.graph_sha256);
        all.outcome = part.outcome;
    }

    /// Adds what was waited for before a block. It fails where a gate stays closed and the user is strict.
    fn passes(&mut self, passage: &Passage) {
        for wait in passage.waits.iter().filter(|wait| wait.gate == GateKind::OnBattery) {
            self.record.readings.end_batteries(&Unavailable::new(Reason::ChargerConnected, wait.because.clone()));
        }
        self.record.waits.extend(passage.waits.iter().cloned());
        if let Some(message) = passage.refused.clone() {
            self.record.outcome = Outcome::Failed { stage: Stage::Start, message };
        }
    }

    fn is_disturbed_in(&self, number: u32) -> bool {
        let own = self.record.samples.blocks.iter().find(|block| block.number == number);
        own.is_some_and(|block| !block.disturbances.is_empty())
    }

    /// Whether the device slept in that block, or the runner was frozen.
    fn is_paused_in(&self, number: u32) -> bool {
        self.pause.is_some() && self.record.samples.blocks.last().is_some_and(|block| block.number == number)
    }

    /// A block that is not measured again must not have been interrupted by a pause.
    fn fail_if_paused(&mut self) {
        if let Some(pause) = self.pause.take() {
            spoil(&mut self.record.outcome, &pause);
        }
    }

    fn repeats(&mut self, number: u32) {
        if let Some(block) = self.record.samples.blocks.iter_mut().find(|block| block.number == number) {
            block.repeated = true;
        }
    }

    /// What it has so far, as a run that is stopped now stores it.
    fn so_far(&self) -> Record {
        let mut record = self.record.clone();
        if record.outcome == Outcome::Measured {
            derive(&mut record);
        }
        record
    }

    /// The device was idle before and after the group.
    fn finish(self, before: &Idle, after: &Idle) -> Record {
        let mut record = self.record;
        let mut readings = before.0.clone();
        readings.append(std::mem::take(&mut record.readings));
        readings.append(after.0.clone());
        readings.idle = before.1.map(|before| IdleWindows { before, after: after.1 });
        record.readings = readings;
        if record.outcome == Outcome::Measured {
            derive(&mut record);
        }
        record
    }
}

fn counts(iteration: &&mut Iteration) -> bool {
    iteration.kind == IterationKind::Measured
}

/// From the beginning of the first iteration to the end of the last one.
fn worked(iterations: &[Iteration]) -> Option<TimeSpan> {
    let start = iterations.first()?.turns.first()?.start;
    Some(TimeSpan { start, end: iterations.last()?.turns.last()?.end() })
}

/// The first turn of a conversation, with a few tokens of its answer: enough for every page and every buffer to have been touched.
fn short(conversation: Option<&Vec<Turn>>) -> Vec<Turn> {
    let first = conversation.and_then(|turns| turns.first()).cloned();
    first
        .into_iter()
        .map(|turn| Turn { max_output_tokens: turn.max_output_tokens.min(WARMUP_TOKENS), ..turn })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counted_iteration_is_in_one_block() {
        for (blocks, all) in [(5, 5), (3, 10), (4, 4), (5, 202)] {
            let shares: Vec<_> = (0..blocks).map(|block| share_of(block, blocks, all)).collect();
            assert_eq!(shares.iter().cloned().flatten().collect::<Vec<_>>(), (0..all).collect::<Vec<_>>());
            let lengths: Vec<usize> = shares.iter().map(ExactSizeIterator::len).collect();
            assert!(lengths.iter().max().unwrap() - lengths.iter().min().unwrap() <= 1, "{lengths:?}");
        }
    }

    #[test]
    fn a_short_warm_up_is_the_first_turn_with_a_few_tokens() {
        let turn = |tokens: u32| Turn { prompt: Vec::new(), max_output_tokens: tokens, grammar: None };
        assert_eq!(short(Some(&vec![turn(64), turn(64)])), [turn(WARMUP_TOKENS)]);
        assert_eq!(short(Some(&vec![turn(0)])), [turn(0)]);
        assert_eq!(short(None), []);
    }
}
