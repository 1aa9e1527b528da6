//! Writes the site of a history, and says how long each step took: what `pocketwatt dashboard` does, without the rest of the program.
//!
//! ```sh
//! cargo run --release -p pocketwatt-report --example dashboard -- HISTORY SITE
//! ```

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "an example, which takes the time of itself"
)]

use std::{env, fs, path::Path, time::Instant};

use pocketwatt_history::HistoryFolder;
use pocketwatt_report::{SITE_FOLDERS, Wishes, charts::Palette, dashboard};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [history, site] = arguments.as_slice() else {
        panic!("HISTORY SITE");
    };
    let began = Instant::now();
    let known = HistoryFolder::at(Path::new(history)).read(false).expect("a history");
    let read = began.elapsed();
    let site = Path::new(site);
    for folder in SITE_FOLDERS {
        fs::create_dir_all(site.join(folder)).expect("a folder for the site");
    }
    let (mut files, mut bytes) = (0, 0);
    let wishes = Wishes { title: "A made-up history", commit_url: Some("https://example.org/{sha}") };
    dashboard(&known, &Palette::default(), wishes, &mut |path, contents| {
        files += 1;
        bytes += contents.len();
        Ok(fs::write(site.join(path), contents)?)
    })
    .expect("a site that can be written");
    let records: usize = known.entries.iter().map(|(_, outline)| outline.cases.len()).sum();
    println!("{} entries with {records} records read in {read:.2?}", known.entries.len());
    println!(
        "{files} files of {bytes} bytes written in {:.2?}, {:.2?} in all",
        began.elapsed() - read,
        began.elapsed()
    );
    let peak = fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!("{}", peak.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default());
}
