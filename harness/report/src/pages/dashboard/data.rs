//! The site's data, as scripts: a page that was opened from a disk may load scripts, but no other files.

use pocketwatt_history::{Course, Outline, run_scatter};
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

/// All commits and cases.
pub fn site(commits: &[&Outline], views: &[CaseView<'_>]) -> String {
    let commits: Vec<Value> = commits
        .iter()
        .map(|outline| {
            json!([
                outline.commit.as_str(),
                outline.time_unix_ms,
                cut(&outline.branch),
                outline.message.as_deref().map(cut)
            ])
        })
        .collect();
    let cases: Vec<Value> = views
        .iter()
        .map(|view| json!({"key": view.key, "device": cut(view.case.device), "branch": cut(view.case.branch), "name": view.title()}))
        .collect();
    script("site", &json!({"commits": commits, "cases": cases}))
}

/// A case with all of its values.
pub fn case(view: &CaseView<'_>) -> String {
    let runs: Vec<Value> =
        view.case.runs.iter().map(|(outline, _)| json!([outline.commit.as_str(), cut(&outline.run)])).collect();
    let segments: Vec<Value> = view
        .case
        .segments
        .iter()
        .map(|segment| {
            let new: Vec<&str> = segment.new.iter().map(|(condition, ..)| condition.name()).collect();
            json!([segment.first, new.join(", ")])
        })
        .collect();
    let courses: Vec<Value> = view.case.courses.iter().map(course).collect();
    script("case", &json!({"key": view.key, "runs": runs, "segments": segments, "courses": courses}))
}

fn course(course: &Course<'_>) -> Value {
    let definition = course.metric.definition();
    let scale = course_scale(course);
    let shown = |value: f64| rounded(value * scale.factor);
    let values: Vec<f64> = course.points.iter().map(|point| point.value).collect();
    json!({
        "id": anchor(course),
        "label": label(course),
        "unit": scale.symbol,
        "better": match definition.direction {
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
