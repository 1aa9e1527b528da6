//! Devices side by side: the newest value of each case on each.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use pocketwatt_history::Subject;
use pocketwatt_record::MetricId;

use crate::pages::{
    dashboard::{
        changes::select,
        numbers::value,
        view::{CaseView, MAIN, imitations, navigation},
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
    let metrics: Vec<MetricId> =
        MAIN.into_iter().filter(|metric| views.iter().any(|view| view.course(*metric).is_some())).collect();
    let scenarios: BTreeSet<&str> = views.iter().map(|view| view.case.subject.scenario.as_str()).collect();
    let labels: Vec<&str> = metrics.iter().map(|metric| metric.definition().label.trim()).collect();
    let table = html! {
        table.data id="devices" {
            thead { tr {
                @for head in ["case", "scenario and model", "metric"] { th.text scope="col" { button type="button" { (head) } } }
                @for device in &devices { th scope="col" { button type="button" { (name(device)) } } }
            } }
            tbody {
                @for ((branch, subject), on) in &beside {
                    @for metric in &metrics {
                        @if on.values().any(|view| view.course(*metric).is_some()) {
                            tr data-scenario=(Foreign(&subject.scenario)) data-metric=(metric.definition().label.trim()) {
                                th scope="row" { (name(&subject.backend)) " " small { (Foreign(&subject.settings())) } }
                                td.text { (name(&subject.scenario)) ", " (name(&subject.model)) " " small { (name(branch)) } }
                                td.text { (metric.definition().label.trim()) }
                                @for device in &devices { (cell(on.get(device).copied(), *metric)) }
                            }
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
            (select("metric", labels.into_iter()))
            label { "search " input type="search" name="text" size="12"; }
            output aria-live="polite" {}
        }
        (scrolling("Devices side by side", &table))
    }
}

fn cell(view: Option<&CaseView<'_>>, metric: MetricId) -> Markup {
    let newest = view.and_then(|view| Some((view, *view.course(metric)?.points.last()?)));
    html! {
        @match newest {
            Some((view, point)) => {
                td.number data-value=(point.value) { a href=(view.address("")) { (value(point.value, point.range, metric.definition().unit)) } }
            }
            None => { td {} }
        }
    }
}
