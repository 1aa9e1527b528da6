//! Stored results that the tests export.

use pocketwatt_record::{Damaged, Record, Run};
use serde_json::Value;

use crate::{
    exports::{ExportFormat, export},
    fixture::energy,
    output::text_of,
};

/// All records could be read.
pub const NO_DAMAGE: &[Damaged] = &[];

/// One case with a few metrics.
pub fn small() -> (Run, Vec<Record>) {
    const KEPT: [&str; 4] =
        ["time_to_first_token", "decode_throughput", "peak_resident_memory", "energy_per_output_token"];
    let (run, mut records) = energy::metered();
    records.truncate(1);
    records[0].metrics.retain(|value| KEPT.contains(&value.metric.as_str()));
    (run, records)
}

/// A device, a case and a meter with the worst names.
pub fn hostile() -> (Run, Vec<Record>) {
    const NAME: &str = "=1+1|`<script>\"'\\\n\u{1b}[2J\u{202e}</script>";
    let (mut run, mut records) = small();
    run.device.name = NAME.into();
    let record = &mut records[0];
    for name in [&mut record.case.id, &mut record.case.scenario, &mut record.case.model, &mut record.case.backend] {
        *name = NAME.into();
    }
    for value in &mut record.metrics {
        if let Some(scope) = &mut value.scope {
            scope.part = Some(NAME.into());
        }
    }
    if let Some(backend) = &mut record.passport.backend {
        backend.engine = NAME.into();
    }
    (run, records)
}

/// What is written of one run.
pub fn exported((run, records): &(Run, Vec<Record>), format: ExportFormat) -> String {
    let results = (&records[..], NO_DAMAGE);
    text_of(|output| export(&[(run, &results)], format, output)).unwrap()
}

/// What was written, as JSON.
pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The first turns of a case, shortened.
pub fn short() -> (Run, Vec<Record>) {
    let (run, mut records) = energy::metered();
    let records_of_one = vec![records.swap_remove(3)];
    let mut records = records_of_one;
    records[0].samples.iterations.truncate(3);
    for turn in records[0].samples.iterations.iter_mut().flat_map(|iteration| &mut iteration.turns) {
        turn.token_times.truncate(3);
        turn.tokens.truncate(3);
    }
    for series in &mut records[0].readings.energy {
        series.readings.truncate(3);
    }
    (run, records)
}
