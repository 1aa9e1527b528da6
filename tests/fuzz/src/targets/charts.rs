use std::fs;

use pocketwatt_record::{Record, Run};
use pocketwatt_report::charts;

use super::records::{derived, inert, read, seeds};
use crate::{mutation::Form, scratch, target::Target};

pub const TARGET: Target = Target {
    name: "charts",
    form: Form::Json("\n@@@@\n"),
    seeds,
    words: &[],
    short_runs: 150,
    run: |input| {
        let Some((run, records, _)) = read(input) else { return false };
        draw(&run, &records);
        if let Some(records) = derived(&records) {
            draw(&run, &records);
        }
        true
    },
};

fn draw(run: &Run, records: &[Record]) {
    let folder = scratch::empty("charts");
    for path in charts::write(run, records, &folder).expect("charts can be drawn") {
        assert_eq!(path.parent(), Some(folder.as_path()), "a chart outside the folder");
        let chart = fs::read_to_string(path).unwrap();
        inert("the chart", &chart);
        assert!(chart.trim_end().ends_with("</svg>"), "a chart without an end");
    }
}
