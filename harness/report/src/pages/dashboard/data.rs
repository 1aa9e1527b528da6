//! The site's data, as scripts: a page that was opened from a disk may load scripts, but no other files.

use std::collections::{BTreeMap, BTreeSet};

use pocketwatt_files::sha256;
use pocketwatt_history::{CaseCourse, Commit, Condition, Course, Outline, run_scatter};
use pocketwatt_record::Direction;
use serde_json::{Value, json};

use crate::{
    output::inert,
    pages::dashboard::{
        numbers::course_scale,
        view::{CaseView, anchor, cut, label},
    },
};

/// Significant digits: more than any measurement has.
const DIGITS: i32 = 6;
/// Digits that tell two words apart.
const WORD_DIGITS: usize = 12;

/// All commits and cases. A case has the places of its commits in the list, so that only the data of what is compared is read.
pub fn site(commits: &[&Outline], views: &[CaseView<'_>]) -> String {
    let places: BTreeMap<&Commit, usize> =
        commits.iter().enumerate().map(|(place, outline)| (&outline.commit, place)).collect();
    let devices = told_apart(views.iter().map(|view| view.case.device));
    let branches = told_apart(views.iter().map(|view| view.case.branch));
    let shown = |names: &BTreeMap<&str, String>, name: &str| names.get(name).cloned().unwrap_or_default();
    let cases: Vec<Value> = views
        .iter()
        .map(|view| {
            let measured = view.case.runs.iter().map(|(outline, _)| *outline);
            let all = measured.chain(view.without_numbers.runs.iter().map(|run| run.outline));
            let commits: BTreeSet<usize> = all.filter_map(|outline| places.get(&outline.commit).copied()).collect();
            json!({
                "key": view.key,
                "place": view.place(),
                "device": shown(&devices, view.case.device),
                "branch": shown(&branches, view.case.branch),
                "name": view.title(),
                "commits": commits,
            })
        })
        .collect();
    let commits: Vec<Value> = commits
        .iter()
        .map(|outline| {
            let message = outline.message.as_deref().map(cut);
            json!([outline.commit.as_str(), outline.time_unix_ms, cut(&outline.branch), message])
        })
        .collect();
    script("site", &json!({"commits": commits, "cases": cases, "conditions": Condition::ALL.map(Condition::name)}))
}

/// Names as they are shown. They are cut; where two begin alike, some digits tell them apart.
fn told_apart<'n>(names: impl Iterator<Item = &'n str>) -> BTreeMap<&'n str, String> {
    let names: BTreeSet<&str> = names.collect();
    let mut alike: BTreeMap<String, usize> = BTreeMap::new();
    for name in &names {
        *alike.entry(cut(name)).or_default() += 1;
    }
    let shown = |name: &str| match cut(name) {
        shown if alike.get(&shown) == Some(&1) => shown,
        shown => format!("{shown} {}", digits_of(name)),
    };
    names.iter().map(|name| (*name, shown(name))).collect()
}

fn digits_of(words: &str) -> String {
    sha256(words).chars().take(WORD_DIGITS).collect()
}

/// A case with all of its values.
pub fn case(view: &CaseView<'_>) -> String {
    let (conditions, of_runs) = conditions(&view.case);
    let runs = view.case.runs.iter().zip(of_runs);
    let runs: Vec<Value> =
        runs.map(|((outline, _), of)| json!([outline.commit.as_str(), cut(&outline.run), of])).collect();
    let without = view.without_numbers.runs.iter();
    let without: Vec<Value> = without.map(|run| json!([run.outline.commit.as_str(), cut(run.reason)])).collect();
    let courses: Vec<Value> = view.case.courses.iter().map(course).collect();
    let document =
        json!({"key": view.key, "runs": runs, "without": without, "conditions": conditions, "courses": courses});
    script("case", &document)
}

/// The conditions under which a case was measured, each as digits for its words, and for each run which of them. What a run does not know
/// is as in the other runs of its segment.
fn conditions(case: &CaseCourse<'_>) -> (Vec<Vec<Option<String>>>, Vec<usize>) {
    let mut places: BTreeMap<Vec<Option<&str>>, usize> = BTreeMap::new();
    let mut of_runs = Vec::with_capacity(case.runs.len());
    let ends = case.segments.iter().skip(1).map(|segment| segment.first).chain([case.runs.len()]);
    for (segment, end) in case.segments.iter().zip(ends) {
        let runs = case.runs.get(segment.first..end).unwrap_or_default();
        let known =
            |condition: usize| runs.iter().rev().find_map(|(_, run)| run.conditions.0.get(condition)?.as_deref());
        let known: Vec<Option<&str>> = (0..Condition::ALL.len()).map(known).collect();
        let next = places.len();
        let place = *places.entry(known).or_insert(next);
        of_runs.extend(runs.iter().map(|_| place));
    }
    let mut all: Vec<(usize, Vec<Option<String>>)> = places
        .into_iter()
        .map(|(words, place)| (place, words.into_iter().map(|words| words.map(digits_of)).collect()))
        .collect();
    all.sort_by_key(|(place, _)| *place);
    (all.into_iter().map(|(_, words)| words).collect(), of_runs)
}

fn course(course: &Course<'_>) -> Value {
    let scale = course_scale(course);
    let shown = |value: f64| rounded(value * scale.factor);
    let values: Vec<f64> = course.points.iter().map(|point| point.value).collect();
    json!({
        "id": anchor(course),
        "label": label(course),
        "unit": scale.symbol,
        "factor": scale.factor,
        "better": match course.metric.definition().direction {
            Direction::HigherIsBetter => 1,
            Direction::LowerIsBetter => -1,
            Direction::Informative => 0,
        },
        "spread": spread(&values),
        "runs": course.points.iter().map(|point| point.run).collect::<Vec<_>>(),
        "values": values.into_iter().map(shown).collect::<Vec<_>>(),
        "low": course.points.iter().map(|point| point.range.map(|(low, _)| shown(low))).collect::<Vec<_>>(),
        "high": course.points.iter().map(|point| point.range.map(|(_, high)| shown(high))).collect::<Vec<_>>(),
    })
}

/// Half of the 95 % and of the 99.9 % interval of the logarithm of a ratio of two runs, or why there is none.
fn spread(values: &[f64]) -> Value {
    match run_scatter(values) {
        Ok(scatter) => json!([0.95, 0.999].map(|confidence| rounded(scatter.half_of_a_ratio(confidence)))),
        Err(none) => json!(none.to_string()),
    }
}

fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let places = DIGITS - 1 - value.abs().log10().floor() as i32;
    if (-300..=300).contains(&places) && places.abs() < 15 {
        let factor = 10_f64.powi(places.abs());
        if places >= 0 { (value * factor).round() / factor } else { (value / factor).round() * factor }
    } else {
        value
    }
}

/// A call with a document. No text in it can end a script, whoever wrote it, or act on whoever reads it.
fn script(what: &str, document: &Value) -> String {
    let document = inert::json(&document.to_string()).replace('<', "\\u003c").replace('>', "\\u003e");
    format!("pocketwatt.{what}({document});\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_six_digits() {
        assert_eq!([rounded(31.841_592_653), rounded(1_234_567.8), rounded(0.0)], [31.8416, 1_234_570.0, 0.0]);
        assert_eq!(rounded(-0.000_123_456_789), -0.000_123_457);
        assert_eq!(rounded(1e-300), 1e-300);
    }

    #[test]
    fn names_that_begin_alike_stay_two() {
        let long = "x".repeat(200);
        let names = [format!("{long}a"), format!("{long}b"), "short".to_owned()];
        let shown = told_apart(names.iter().map(String::as_str));
        assert_eq!(shown.values().collect::<BTreeSet<_>>().len(), 3, "{shown:?}");
        assert_eq!(shown["short"], "short");
    }

    #[test]
    fn no_name_ends_a_script() {
        let text = script("site", &json!(["</script><b>", "\u{2028}\u{202e}", "<!--"]));
        assert!(!text.contains(['<', '>', '\u{2028}', '\u{202e}']), "{text}");
        let document = text.trim_end().strip_prefix("pocketwatt.site(").unwrap().strip_suffix(");").unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(document).unwrap(),
            json!(["</script><b>", "\u{2028}\u{202e}", "<!--"])
        );
    }
}
