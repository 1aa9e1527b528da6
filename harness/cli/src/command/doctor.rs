//! `pocketwatt doctor`: what can be measured here, and what would disturb a measurement.

mod on_phone;

use std::thread;

use anyhow::Result;
use clap::{Args, ValueEnum, value_parser};
use pocketwatt_meter::{
    DeviceFacts, Surroundings, device_facts,
    energy::{AbsentMeter, MeterInfo, choose},
};
use pocketwatt_model::precision::bytes_per_token;
use pocketwatt_phone::meters::discover;
use pocketwatt_protocol::Precision;
use serde::Serialize;

use super::{
    energy::{RootArguments, why_none},
    output,
    selection::{CacheArguments, DEFAULT_MODEL, RegistryArguments, precision_parser},
};
use crate::{
    columns,
    doctor::{Check, Status, Subject, Verdict, examine},
    exit::Exit,
    here::device_here,
    inert,
    measure::who_measures,
    phone::Given,
    plan::{PlannedModel, default_names},
    refusal::Refusal,
    report::{Paint, Style, paragraph},
};

/// Text is wrapped at this width at most.
const TEXT_WIDTH: usize = 100;

/// The run that the device should be fit for.
#[derive(Args, Debug)]
pub struct DoctorArguments {
    #[arg(long, value_name = "NAME", value_delimiter = ',', help = format!("Backend [default: {}]", default_names()))]
    backend: Vec<String>,
    /// Model that has to fit into the memory.
    #[arg(long, value_name = "NAME", default_value = DEFAULT_MODEL)]
    model: String,
    /// Number format in which the model has to fit.
    #[arg(long, value_name = "P", default_value = "f32", value_parser = precision_parser())]
    precision: Precision,
    /// Number of threads that compute.
    #[arg(long, value_name = "N", default_value = "1", value_parser = value_parser!(u32).range(1..=1024))]
    threads: u32,
    /// How to write the result.
    #[arg(long, value_enum, default_value_t)]
    format: DoctorFormat,
    #[command(flatten)]
    root: RootArguments,
    #[command(flatten)]
    cache: CacheArguments,
    #[command(flatten)]
    registry: RegistryArguments,
    /// Examine an Android phone over adb, from here and then from the phone itself: the one that is connected, or the one with that
    /// serial number. Our programs are sent to it.
    #[arg(long, value_name = "SERIAL", num_args = 0..=1, default_missing_value = "", conflicts_with = "sysfs_root")]
    phone: Option<String>,
    /// The options that stand in the command line.
    #[arg(skip)]
    given: Vec<Given>,
}

impl DoctorArguments {
    /// Tells which options stand in the command line.
    pub fn give(&mut self, given: Vec<Given>) {
        self.given = given;
    }
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum DoctorFormat {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// The results of all checks.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    verdict: Verdict,
    checks: &'a [Check],
    /// The tree that was read in place of `/sys`.
    sysfs_root: Option<String>,
    device: DeviceFacts,
    surroundings: &'a Surroundings,
    meters: &'a [MeterInfo],
    absent: &'a [AbsentMeter],
}

/// Examines this device, and writes the results to standard output. Nothing is built, fetched or generated.
///
/// # Errors
/// When a name is unknown.
pub fn run(arguments: DoctorArguments) -> Result<Exit> {
    let root = arguments.root.open()?;
    let registry = arguments.registry.open()?;
    let backends = registry.select(&arguments.backend)?;
    let cache = arguments.cache.root()?;
    if let Some(serial) = &arguments.phone {
        return on_phone::run(serial, &arguments.given, &backends, &cache);
    }
    let model = PlannedModel::find(&arguments.cache.library()?, &arguments.model)?.config();
    let choice = choose(discover(&root), &[]).map_err(|error| Refusal::error(error.to_string()))?;
    let meters: Vec<MeterInfo> = choice.meters.iter().map(|meter| meter.info().clone()).collect();
    let none = meters.is_empty().then(|| why_none(&root, &choice.absent));
    let surroundings = Surroundings::look(&root, &mut thread::sleep);
    let checks = examine(&Subject {
        root: &root,
        meters: &meters,
        absent: &choice.absent,
        none: none.as_ref(),
        surroundings: &surroundings,
        backends: &backends,
        cache: &cache,
        model: (&arguments.model, bytes_per_token(&model, arguments.precision).0),
        threads: arguments.threads,
        other: &who_measures(),
    });
    let verdict = Verdict::of(&checks, !meters.is_empty(), none.as_ref());
    let exit = if verdict.fit { Exit::Success } else { Exit::Unfit };
    match arguments.format {
        DoctorFormat::Table => output::write(&table(&checks, &verdict, &Style::detect()))?,
        DoctorFormat::Json => {
            let report = Report {
                verdict,
                checks: &checks,
                sysfs_root: root.sys().map(|folder| folder.display().to_string()),
                device: if root.is_real() { device_here(None) } else { device_facts(&root, None) },
                surroundings: &surroundings,
                meters: &meters,
                absent: &choice.absent,
            };
            output::write_json(&report)?;
        }
    }
    Ok(exit)
}

/// A row for each check, advice below it, and the verdict at the end.
pub fn table(checks: &[Check], verdict: &Verdict, style: &Style) -> String {
    let paint = Paint { color: style.color };
    let plain = Paint { color: false };
    let width = style.width.unwrap_or(TEXT_WIDTH).min(TEXT_WIDTH);
    let names: Vec<String> = checks.iter().map(|check| inert::line(&check.name)).collect();
    let longest = columns::widest(names.iter().map(String::as_str));
    let mut output = String::new();
    for (check, name) in checks.iter().zip(&names) {
        let status = format!("{:7}", check.status.name());
        let painted = match check.status {
            Status::Ok => paint.best(&status),
            Status::Unknown => paint.dim(&status),
            Status::Warning => paint.bold(&status),
            Status::Unfit => paint.alarm(&status),
        };
        let head = format!("{status}  {}  ", columns::left(name, longest));
        let text = paragraph(&head, &check.seen, width, plain);
        output += &painted;
        output += &text[status.len()..];
        let indent = " ".repeat(columns::width(&head));
        for detail in &check.details {
            output += &paragraph(&format!("{indent}- "), detail, width, plain);
        }
        if let Some(fix) = &check.fix {
            output += &paragraph(&format!("{indent}-> "), fix, width, plain);
        }
    }
    output.push('\n');
    output += &paint.bold(&inert::line(&verdict.sentence));
    output.push('\n');
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_a_line_and_what_is_wrong_has_a_way_out() {
        let check = |name: &str, status, seen: &str, fix: Option<&str>| Check {
            name: name.into(),
            status,
            seen: seen.into(),
            details: Vec::new(),
            fix: fix.map(Into::into),
        };
        let mut checks = vec![
            check("energy meters", Status::Warning, "none: this is a virtual machine", None),
            check("governor", Status::Unknown, "the kernel reports none", None),
            check(
                "steal",
                Status::Unfit,
                "7.5 % of processor time goes to other virtual machines",
                Some(
                    "measure at another time, when fewer of the host's machines are busy, or on a machine of your own",
                ),
            ),
            check("runner tract", Status::Ok, "/opt/pocketwatt/pocketwatt-tract", None),
        ];
        checks[0].details = vec!["nvml: no meter (there is no libnvidia-ml.so.1)".into()];
        let verdict = Verdict::of(&checks, false, None);
        insta::assert_snapshot!(table(&checks, &verdict, &Style { color: false, width: Some(80) }), @r#"
        warning  energy meters  none: this is a virtual machine
                                - nvml: no meter (there is no libnvidia-ml.so.1)
        unknown  governor       the kernel reports none
        unfit    steal          7.5 % of processor time goes to other virtual machines
                                -> measure at another time, when fewer of the host's
                                   machines are busy, or on a machine of your own
        ok       runner tract   /opt/pocketwatt/pocketwatt-tract

        Unfit for measuring: steal.
        "#);
        let colored = table(&checks, &verdict, &Style { color: true, width: Some(80) });
        assert!(colored.contains("\u{1b}[31munfit  \u{1b}[0m  steal"), "{colored}");
    }
}
