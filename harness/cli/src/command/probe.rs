//! `pocketwatt probe`: properties of this device that explain its numbers.

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum, value_parser};
use pocketwatt_meter::{Bandwidth, measure_bandwidth};

use super::{beside::WaitArguments, output, sampling_overhead};
use crate::{
    exit::Exit,
    measure::{DeviceBusy, Entered, Mailbox},
};

/// Which property.
#[derive(Args, Debug)]
pub struct ProbeArguments {
    #[command(subcommand)]
    property: Property,
}

#[derive(Subcommand, Debug)]
enum Property {
    /// Measure how fast memory can be read: the roofline of decoding.
    Bandwidth(BandwidthArguments),
    /// Measure what reading meters and memory costs: decoding with the sampler and without.
    Observer(sampling_overhead::SamplingOverheadArguments),
}

#[derive(Args, Debug)]
struct BandwidthArguments {
    /// Numbers of threads to read with.
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "1", value_parser = value_parser!(u32).range(1..=1024))]
    threads: Vec<u32>,
    #[command(flatten)]
    wait: WaitArguments,
    /// How to write the result.
    #[arg(long, value_enum, default_value_t)]
    format: ProbeFormat,
}

/// How a probe's result is written.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum ProbeFormat {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// Measures, and writes the result to standard output.
///
/// # Errors
/// When there is too little memory, another process measures, or the runner of the observer probe fails.
pub fn run(arguments: ProbeArguments) -> Result<Exit> {
    match arguments.property {
        Property::Bandwidth(arguments) => bandwidth(&arguments),
        Property::Observer(arguments) => sampling_overhead::run(&arguments),
    }
}

fn bandwidth(arguments: &BandwidthArguments) -> Result<Exit> {
    let mut device = arguments.wait.device();
    // Without the mailbox's signals, Ctrl-C also ends the process while it waits.
    if device.enter(&mut Mailbox::without_signals())? == Entered::Interrupted {
        return Ok(Exit::Interrupted);
    }
    let watch = device.watch();
    let measured =
        arguments.threads.iter().map(|&threads| Ok(measure_bandwidth(threads)?)).collect::<Result<Vec<_>>>()?;
    if let Some(other) = device.met(watch) {
        return Err(DeviceBusy::meanwhile(&other).into());
    }
    match arguments.format {
        ProbeFormat::Table => output::write(&table(&measured))?,
        ProbeFormat::Json => output::write_json(&measured)?,
    }
    Ok(Exit::Success)
}

fn table(measured: &[Bandwidth]) -> String {
    let mut text =
        format!("{:>7}  {:>10}  {:>11}  {:>6}  {:>7}\n", "threads", "best GB/s", "median GB/s", "passes", "MiB");
    for bandwidth in measured {
        text += &format!(
            "{:>7}  {:>10.2}  {:>11.2}  {:>6}  {:>7}\n",
            bandwidth.threads,
            bandwidth.best_bytes_per_second / 1e9,
            bandwidth.median_bytes_per_second / 1e9,
            bandwidth.passes,
            bandwidth.buffer_bytes >> 20
        );
    }
    text + "\nSequential reads of memory, all threads together. A decoded token reads every weight once, so no backend can\n\
            decode more tokens per second than the best figure divided by the bytes of the weights.\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lines_up() {
        let bandwidth = Bandwidth {
            threads: 2,
            buffer_bytes: 512 << 20,
            best_bytes_per_second: 18.234e9,
            median_bytes_per_second: 17.6e9,
            passes: 40,
        };
        let text = table(&[bandwidth]);
        let lines: Vec<&str> = text.lines().take(2).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        threads   best GB/s  median GB/s  passes      MiB
              2       18.23        17.60      40      512
        ");
    }
}
