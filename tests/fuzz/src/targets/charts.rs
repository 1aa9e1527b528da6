use std::fs;

use pocketwatt::report::charts;
use pocketwatt_record::{Record, Run, derive};

use super::records::{inert, read, seeds};
use crate::{mutation::Form, scratch, target::Target};

pub const TARGET: Target = Target {
    name: "charts",
    form: Form::Json("\n@@@@\n"),
    seeds,
    words: &[],
    short_runs: 200,
    run: |input| {
        if let Some((run, mut records, _)) = read(input) {
            draw(&run, &records);
            records.iter_mut().for_each(derive);
            draw(&run, &records);
        }
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
