//! Devices side by side: the newest value of each case on each.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use pocketwatt_history::Subject;
use pocketwatt_record::MetricId;

use crate::pages::{
    dashboard::{
        changes::select,
        numbers::value,
        view::{CaseView, MAIN, age_below, imitations, navigation},
    },
    document::scrolling,
    foreign::{Foreign, name},
};

/// The cases with the same subject on one branch, by device.
type Beside<'a, 'b> = BTreeMap<(&'a str, &'a Subject), BTreeMap<&'a str, &'b CaseView<'a>>>;

/// Its body.
pub fn devices(views: &[CaseView<'_>]) -> Markup {
    let devices: BTreeSet<&str> = views.iter().map(|view| view.case.device).collect();
    let mut beside: Beside<'_, '_> = BTreeMap::new();
    for view in views {
        beside.entry((view.case.branch, view.case.subject)).or_default().insert(view.case.device, view);
    }
    let scenarios: BTreeSet<&str> = views.iter().map(|view| view.case.subject.scenario.as_str()).collect();
    let is_measured = |metric: &MetricId| views.iter().any(|view| view.course(*metric).is_some());
    let labels: Vec<String> =
        MAIN.into_iter().filter(is_measured).map(|metric| metric.definition().full_label()).collect();
    let table = html! {
        table.data.stacked id="devices" {
            thead { tr {
                @for head in ["case", "scenario and model", "metric"] { th.text scope="col" { button type="button" { (head) } } }
                @for device in &devices { th scope="col" { button type="button" { (name(device)) } } }
            } }
            tbody {
                @for ((branch, subject), on) in &beside {
                    @for (metric, scope) in rows(on) {
                        tr data-scenario=(Foreign(&subject.scenario)) data-metric=(metric.definition().full_label()) {
                            th scope="row" { (name(&subject.backend)) " " small { (Foreign(&subject.settings())) } }
                            td.text { (name(&subject.scenario)) ", " (name(&subject.model)) " " small { (name(branch)) } }
                            td.text { (metric.definition().full_label()) @if let Some(scope) = scope { br; small { (name(scope)) } } }
                            @for device in &devices { (cell(device, on.get(device).copied(), metric, scope)) }
                        }
                    }
                }
            }
        }
    };
    html! {
        h1 { "Devices side by side" }
        (navigation(""))
        (imitations(views.iter().filter_map(|view| Some(view.case.runs.last()?.0))))
        p.pale { "The newest run on each device, which may be of different commits. The intervals are those of one run." }
        form.filters data-table="devices" {
            @if scenarios.len() > 1 { (select("scenario", scenarios.into_iter())) }
            (select("metric", labels.iter().map(String::as_str)))
            label { "search " input type="search" name="text" size="12"; }
            output aria-live="polite" {}
        }
        (scrolling("Devices side by side", &table))
    }
}

/// What stands side by side: each metric, and of a metric of energy each part of a device that is preferred on one of them. The joules of
/// two parts are not comparable, so each has a row of its own.
fn rows<'a>(on: &BTreeMap<&str, &CaseView<'a>>) -> Vec<(MetricId, Option<&'a str>)> {
    let scopes = |metric: MetricId| {
        let preferred = on.values().filter_map(move |view| Some(view.course(metric)?.scope));
        preferred.collect::<BTreeSet<_>>().into_iter().map(move |scope| (metric, scope))
    };
    MAIN.into_iter().flat_map(scopes).collect()
}

fn cell(device: &str, view: Option<&CaseView<'_>>, metric: MetricId, scope: Option<&str>) -> Markup {
    let newest = view.and_then(|view| Some((view, *view.course_of(metric, scope)?.points.last()?)));
    html! {
        @match newest {
            Some((view, point)) => {
                td.number data-value=(point.value) data-label=(Foreign(device)) {
                    a href=(view.address("")) { (value(point.value, point.range, metric.definition().unit)) } (age_below(view, point.run))
                }
            }
            None => { td {} }
        }
    }
}
