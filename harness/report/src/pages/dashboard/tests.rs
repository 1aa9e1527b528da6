//! Whole sites about made-up histories.

use pocketwatt_history::{Number, Outline};
use pocketwatt_record::{EnergyMetric, MetricId, SpeedMetric};

use super::fixture::{DECODE, FIRST_TOKEN, run, runs, site};

const LATENCY: MetricId = MetricId::Speed(SpeedMetric::RequestLatency);
const LOAD: MetricId = MetricId::Speed(SpeedMetric::LoadTime);

/// What a page says, on one line.
fn text(page: &str) -> String {
    let words = page.split('<').map(|part| part.split_once('>').map_or(part, |(_, words)| words));
    words.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

/// The rows of the table of changes, in words.
fn changes(page: &str) -> Vec<String> {
    let table = page.split("id=\"changes\"").nth(1).unwrap_or_default().split("</table>").next().unwrap_or_default();
    table.split("<tr ").skip(1).map(|row| text(&format!("<tr {row}"))).collect()
}

fn commit_page(outline: &Outline) -> String {
    format!("commit/{}.html", outline.commit)
}

/// A factor from a commit on.
fn from(first: u64, commit: u64, factor: f64) -> f64 {
    if commit >= first { factor } else { 1.0 }
}

#[test]
fn what_is_better_hides_nothing_that_is_worse_at_the_same_commit() {
    let numbers = |commit| vec![(DECODE, 100.0 * from(30, commit, 1.1)), (FIRST_TOKEN, 127e6 * from(30, commit, 1.3))];
    let site = site(runs(0..60, numbers));
    let overview = &site["index.html"];
    assert!(text(overview).contains("1 confirmed change for the worse, 1 for the better."), "{}", text(overview));
    let rows = changes(overview);
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(rows[0].contains("time to first token worse +30 %") && !rows[0].contains("decode"), "{rows:?}");
    assert!(rows[1].contains("decode better +10 %"), "{rows:?}");
    assert!(overview.contains("data-effect=\"worse\"") && overview.contains("data-effect=\"better\""));
}

#[test]
fn certainty_and_size_are_of_one_metric() {
    // One lasts; the other goes back after four runs, and began earlier.
    let load = |commit: u64| if (40..44).contains(&commit) { 1.05 } else { 1.0 };
    let numbers = |commit| vec![(LATENCY, 127e6 * from(41, commit, 1.3)), (LOAD, 99e6 * load(commit))];
    let all = runs(0..48, numbers);
    let rows = changes(&site(all.clone())["index.html"]);
    let row = rows.iter().find(|row| row.contains("request latency worse")).unwrap_or_else(|| panic!("{rows:?}"));
    assert!(row.contains("+30 %") && row.contains("confirmed p = "), "{row}");
    let beside = format!("also worse: load time +2.5 % (faded, at {})", all[40].commit.short());
    assert!(row.contains(&beside), "{row}");
}

#[test]
fn each_commit_has_its_own_changes() {
    let numbers = |commit| vec![(DECODE, 100.0 * from(30, commit, 0.8)), (FIRST_TOKEN, 127e6 * from(32, commit, 1.4))];
    let all = runs(0..60, numbers);
    let site = site(all.clone());
    let rows = changes(&site["index.html"]);
    assert_eq!(rows.len(), 1, "neighbours are one event: {rows:?}");
    let [earlier, later] = [30, 32].map(|number: usize| changes(&site[&commit_page(&all[number])]));
    assert!(earlier.len() == 1 && earlier[0].contains("decode worse \u{2212}20 %"), "{earlier:?}");
    assert!(later.len() == 1 && later[0].contains("time to first token worse +40 %"), "{later:?}");
    assert!(!earlier[0].contains("also") && !later[0].contains("also"));
}

#[test]
fn what_no_commit_caused_is_counted_apart() {
    let slower = |commit| vec![(DECODE, 100.0 * from(30, commit, 0.8))];
    let mut machine = runs(0..60, slower);
    machine.iter_mut().for_each(|outline| outline.cases[0].programs = [Some("the same".into()), None]);
    let overview = text(&site(machine)["index.html"]);
    assert!(
        overview.contains("0 confirmed changes for the worse, 0 for the better. 1 confirmed change more"),
        "{overview}"
    );
    let rows: Vec<Outline> = runs(0..60, slower);
    // The level moves between two runs of one commit.
    let mut one_commit = rows;
    let commit = run(29, &[]).commit;
    one_commit[30].commit = commit;
    one_commit[30].time_unix_ms = one_commit[29].time_unix_ms;
    let overview = &site(one_commit)["index.html"];
    assert!(text(overview).contains("0 confirmed changes for the worse"), "{}", text(overview));
    assert!(changes(overview)[0].contains("between two of its runs"), "{}", text(overview));
}

#[test]
fn joules_of_two_parts_of_a_device_are_not_side_by_side() {
    let joules = |outline: &mut Outline, parts: &[(&str, f64)]| {
        outline.cases[0].numbers.extend(parts.iter().map(|(part, value)| Number {
            metric: MetricId::Energy(EnergyMetric::EnergyPerOutputToken),
            scope: Some(format!("{part}, powercap")),
            value: *value,
            range: None,
        }));
    };
    let mut all = runs(0..4, |_| vec![(DECODE, 100.0)]);
    for (number, outline) in all.iter_mut().enumerate() {
        if number < 2 {
            joules(outline, &[("dram", 0.05)]);
        } else {
            outline.device = "other".into();
            joules(outline, &[("package", 1.5)]);
        }
    }
    let site = site(all.clone());
    let overview = text(&site["index.html"]);
    assert!(overview.contains("50 mJ dram, powercap") && overview.contains("1.50 J package, powercap"), "{overview}");
    let commit = text(&site[&commit_page(&all[3])]);
    assert!(commit.contains("1.50 J package, powercap"), "{commit}");
    let devices = &site["devices.html"];
    let rows: Vec<&str> = devices.split("<tr ").filter(|row| row.contains("powercap")).collect();
    assert_eq!(rows.len(), 2, "{devices}");
    for row in rows {
        assert_eq!(row.matches("data-value").count(), 1, "{row}");
        assert_eq!(row.contains("dram"), row.contains("50 mJ"), "{row}");
    }
}

#[test]
fn a_case_that_fails_is_not_shown_as_standing() {
    let mut all = runs(0..25, |commit| {
        vec![(DECODE, 100.0), (LOAD, 99e6)].into_iter().take(if commit < 10 { 2 } else { 1 }).collect()
    });
    for outline in &mut all[20..] {
        outline.cases[0].unmeasured = Some("failed: SIGSEGV".into());
        outline.cases[0].numbers.clear();
    }
    all[3].cases[0].unmeasured = Some("skipped: busy".into());
    let mut other = run(24, &[]);
    other.device = "other".into();
    other.cases[0].unmeasured = Some("failed: never works".into());
    all.push(other);
    let site = site(all.clone());
    let overview = text(&site["index.html"]);
    let since = all[20].commit.short();
    assert!(overview.contains("1 case has no numbers any more"), "{overview}");
    assert!(overview.contains(&format!("no numbers since {since} : failed: SIGSEGV")), "{overview}");
    assert!(overview.contains(&format!("of {}", all[9].commit.short())), "an old value says its age: {overview}");
    assert!(
        overview.contains("Never measured:") && overview.contains("other , main : failed: never works"),
        "{overview}"
    );
    for page in ["index.html", &commit_page(&all[20])] {
        let rows = changes(&site[page]);
        assert!(rows.len() == 1 && rows[0].contains("no numbers any more failed: SIGSEGV 5 runs without"), "{rows:?}");
        assert!(rows[0].starts_with(since), "{rows:?}");
    }
    assert!(site["devices.html"].contains(&format!("of <code>{}", all[19].commit.short())));
    let case = site.iter().find(|(path, _)| path.starts_with("case/")).map(|(_, page)| text(page)).unwrap();
    assert!(case.contains("skipped: busy") && case.contains(&format!("no numbers since {since}.")), "{case}");
}

#[test]
fn where_nothing_could_be_found_it_says_so() {
    let few = runs(0..16, |commit| vec![(DECODE, 100.0 * from(8, commit, 0.33))]);
    let last = few[15].clone();
    let pages = site(few);
    let overview = text(&pages["index.html"]);
    assert!(overview.contains("No change of the newest runs can be found yet: that takes 17 runs"), "{overview}");
    assert!(text(&pages[&commit_page(&last)]).contains("A change at this commit could not be seen yet"));
    let enough = site(runs(0..60, |_| vec![(DECODE, 100.0)]));
    assert!(!text(&enough["index.html"]).contains("can be found yet"));
    // Two machines take turns.
    let mut turns = runs(0..100, |commit| vec![(DECODE, 100.0 * from(50, commit, 0.5))]);
    for outline in turns.iter_mut().step_by(2) {
        outline.cases[0].conditions.0[2] = Some("another device".into());
    }
    let pages = site(turns);
    let overview = text(&pages["index.html"]);
    assert!(overview.contains("most often it is a new device"), "{overview}");
    let (_, case) = pages.iter().find(|(path, _)| path.starts_with("case/")).unwrap();
    assert!(text(case).contains("The newest 20 of 99.") && case.contains(" × new device"), "{case}");
    assert!(case.len() < 30_000, "{}", case.len());
}
