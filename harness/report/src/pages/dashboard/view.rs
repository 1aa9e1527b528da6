//! What the pages of a site have in common: names of pages, links, and which metrics come first.

use maud::{Markup, html};
use pocketwatt_files::sha256;
use pocketwatt_history::{CaseCourse, Commit, Course, Outline};
use pocketwatt_record::{CallMetric, EnergyMetric, MetricId, QualityMetric, SpeedMetric};
use serde::Serialize;

use crate::{
    output::{date, inert},
    pages::{
        dashboard::unmeasured::WithoutNumbers,
        foreign::{Foreign, name},
    },
};

/// What stands in tables, and first on the page of a case.
pub const MAIN: [MetricId; 9] = [
    MetricId::Speed(SpeedMetric::DecodeThroughput),
    MetricId::Speed(SpeedMetric::TimeToFirstToken),
    MetricId::Speed(SpeedMetric::PrefillThroughput),
    MetricId::Speed(SpeedMetric::LoadTime),
    MetricId::Speed(SpeedMetric::PeakResidentMemory),
    MetricId::Energy(EnergyMetric::EnergyPerOutputToken),
    MetricId::Energy(EnergyMetric::EnergyPerRequest),
    MetricId::Quality(QualityMetric::KlDivergence),
    MetricId::Calls(CallMetric::CallIntent),
];
/// Digits of the names of pages of cases.
const KEY_DIGITS: usize = 16;
/// Characters of a name in a title and in the data.
const LONGEST: usize = 80;

/// How a site is written.
#[derive(Clone, Copy, Debug)]
pub struct Wishes<'a> {
    /// The title of its pages.
    pub title: &'a str,
    /// The address of a commit, with `{sha}` in place of its name.
    pub commit_url: Option<&'a str>,
}

/// A case, and the name of its page.
pub struct CaseView<'a> {
    /// The case.
    pub case: CaseCourse<'a>,
    /// The name of its page and its data, the same in every site.
    pub key: String,
    /// Its runs without numbers.
    pub without_numbers: WithoutNumbers<'a>,
}

impl<'a> CaseView<'a> {
    /// The name is made from what is measured, where, and for which branch.
    pub fn of(case: CaseCourse<'a>, without_numbers: WithoutNumbers<'a>) -> Self {
        let key = key(&(case.device, case.branch, case.subject));
        Self { case, key, without_numbers }
    }

    /// What is measured and where, on whatever branch.
    pub fn place(&self) -> String {
        key(&(self.case.device, self.case.subject))
    }

    /// Its page, from a page that is so far below the root of the site.
    pub fn address(&self, root: &str) -> String {
        format!("{root}case/{}.html", self.key)
    }

    /// Backend and settings, with a link to its page.
    pub fn link(&self, root: &str) -> Markup {
        let subject = self.case.subject;
        html! { a href=(self.address(root)) { (name(&subject.backend)) " " small { (Foreign(&subject.settings())) } } }
    }

    /// What a heading says.
    pub fn title(&self) -> String {
        let subject = self.case.subject;
        let [backend, settings, scenario, model] =
            [&subject.backend, &subject.settings(), &subject.scenario, &subject.model].map(|part| cut(part));
        format!("{backend} ({settings}): {scenario}, {model}")
    }

    /// The entry of a run.
    pub fn outline(&self, run: usize) -> Option<&'a Outline> {
        self.case.runs.get(run).map(|(outline, _)| *outline)
    }

    /// The course of a metric, if it has one: of a metric of energy, that of the preferred part of the device, which comes first.
    pub fn course(&self, metric: MetricId) -> Option<&Course<'a>> {
        self.case.courses.iter().find(|course| course.metric == metric)
    }

    /// The course of a metric of that part of the device.
    pub fn course_of(&self, metric: MetricId, scope: Option<&str>) -> Option<&Course<'a>> {
        self.case.courses.iter().find(|course| course.metric == metric && course.scope == scope)
    }
}

/// A short name for a thing: the beginning of a sha256.
fn key(identity: &impl Serialize) -> String {
    let mut key = sha256(serde_json::to_string(identity).unwrap_or_default());
    key.truncate(KEY_DIGITS);
    key
}

/// The beginning of a text of others, on one line.
pub fn cut(text: &str) -> String {
    let shown = inert::one_line(text);
    match shown.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

/// A metric's label, with the part of the device that it is of.
pub fn label(course: &Course<'_>) -> String {
    let scope = course.scope.map(|scope| format!(" ({scope})")).unwrap_or_default();
    format!("{}{scope}", course.metric.definition().full_label())
}

/// Below a value: the part of the device that it is of. Parts are not comparable with each other.
pub fn scope_below(course: &Course<'_>) -> Markup {
    html! { @if let Some(scope) = course.scope { br; small { (name(scope)) } } }
}

/// Below a value: of which commit it is, where newer runs of the case have none.
pub fn age_below(view: &CaseView<'_>, run: usize) -> Markup {
    let is_newest = run + 1 == view.case.runs.len() && view.without_numbers.since().is_none();
    html! {
        @if let Some(outline) = view.outline(run).filter(|_| !is_newest) { br; small.warning { "of " code { (outline.commit.short()) } } }
    }
}

/// Since when a case has no numbers any more, and why.
pub fn stopped_since(view: &CaseView<'_>) -> Markup {
    html! {
        @if let (Some(since), Some(last)) = (view.without_numbers.since(), view.without_numbers.last()) {
            br; small.warning { "no numbers since " code { (since.outline.commit.short()) } ": " (name(last.reason)) }
        }
    }
}

/// `1 run`, `2 runs`.
pub fn plural(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A place on the page of a case.
pub fn anchor(course: &Course<'_>) -> String {
    let mut scope = course.scope.map(sha256).unwrap_or_default();
    scope.truncate(8);
    format!("{}{}{scope}", course.metric.name(), if scope.is_empty() { "" } else { "-" })
}

/// The page of a commit.
pub fn commit_page(commit: &Commit) -> String {
    format!("commit/{commit}.html")
}

/// A commit with a link to its page, and to where it can be read.
pub fn commit_link(outline: &Outline, root: &str, wishes: Wishes<'_>) -> Markup {
    html! {
        a href=(format!("{root}{}", commit_page(&outline.commit))) { code { (outline.commit.short()) } }
        @if let Some(outside) = outside(&outline.commit, wishes) {
            " " a href=(outside) rel="noreferrer" aria-label=(format!("{} in its repository", outline.commit.short())) { "↗" }
        }
    }
}

/// Where a commit can be read.
pub fn outside(commit: &Commit, wishes: Wishes<'_>) -> Option<String> {
    wishes.commit_url.map(|template| template.replace("{sha}", commit.as_str()))
}

/// The day on which a commit was made.
pub fn day(unix_ms: u64) -> String {
    date::minute(unix_ms).split(' ').next().unwrap_or_default().to_owned()
}

/// What stands above numbers that are not those of the device that they name.
pub fn imitations<'o>(outlines: impl Iterator<Item = &'o Outline> + Clone) -> Markup {
    let emulated = outlines.clone().filter(|outline| outline.emulated).count();
    let simulated = outlines.clone().filter(|outline| outline.simulated_meters).count();
    let all = outlines.count();
    html! {
        @if emulated > 0 { p.warning { (emulated) " of " (all) " runs were on an emulated device: their numbers say nothing about a real one." } }
        @if simulated > 0 { p.warning { (simulated) " of " (all) " runs had simulated meters: their joules are not the device's." } }
    }
}

/// Links to the pages of the site.
pub fn navigation(root: &str) -> Markup {
    html! {
        nav aria-label="Pages" {
            ul {
                li { a href=(format!("{root}index.html")) { "What changed" } }
                li { a href=(format!("{root}devices.html")) { "Devices side by side" } }
                li { a href=(format!("{root}compare.html")) { "Compare two commits" } }
            }
        }
    }
}
