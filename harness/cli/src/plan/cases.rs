//! The cases of a run, in the order in which they are measured.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use pocketwatt_files::{check_name, harmless_name};
use pocketwatt_protocol::{GraphKind, Precision};
use pocketwatt_record::Case;
use pocketwatt_scenario::Scenario;

use super::{Backend, Registry};
use crate::refusal::Refusal;

/// Which ONNX graph the backends load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphChoice {
    /// For each backend the one that it runs fastest.
    Best,
    /// The same for all of them.
    Common,
    /// This one.
    Kind(GraphKind),
}

impl GraphChoice {
    /// Reads it from the command line.
    pub fn parser() -> impl TypedValueParser<Value = Self> {
        let names = ["best", "common"].into_iter().chain(GraphKind::ALL.map(GraphKind::name));
        PossibleValuesParser::new(names).map(|name| match name.as_str() {
            "best" => Self::Best,
            "common" => Self::Common,
            other => GraphKind::ALL.into_iter().find(|kind| kind.name() == other).map_or(Self::Best, Self::Kind),
        })
    }
}

/// What is combined into cases.
#[derive(Debug)]
pub struct Selection<'a> {
    /// Outermost.
    pub scenarios: &'a [Scenario],
    /// By name.
    pub models: &'a [String],
    /// Number formats.
    pub precisions: &'a [Precision],
    /// Numbers of threads.
    pub threads: &'a [u32],
    /// The innermost loop, so that drift of the machine does not become a difference between backends.
    pub backends: &'a [&'a Backend],
    /// The graph that they load.
    pub graph: GraphChoice,
    /// What some of them load in place of their best one.
    pub graphs: BTreeMap<String, GraphKind>,
    /// Whether cases that ask for calls also run with constrained answers.
    pub constrain: bool,
}

/// Most cases of a run; they would take weeks.
const MOST_CASES: usize = 20_000;

/// Combines everything with everything.
///
/// # Errors
/// When there are too many cases, a common graph is requested but the backends have none, or two cases would have the same
/// name.
pub fn plan_cases(selection: &Selection) -> Result<Vec<Case>> {
    let Selection { scenarios, models, precisions, threads, backends, .. } = selection;
    ensure_few(&[scenarios.len(), models.len(), precisions.len(), threads.len(), backends.len()])?;
    let graph = match selection.graph {
        GraphChoice::Best => None,
        GraphChoice::Common => common_graph(selection.backends)?,
        GraphChoice::Kind(kind) => Some(kind),
    };
    let mut cases = Vec::new();
    for scenario in selection.scenarios {
        for model in selection.models {
            for &precision in selection.precisions {
                for &threads in selection.threads {
                    for backend in selection.backends {
                        // A backend with a model of its own has no choice of graph.
                        let own = || selection.graphs.get(&backend.name).copied();
                        let graph = backend.graphs.first().map(|best| graph.or_else(own).unwrap_or(*best));
                        let free = Case {
                            id: id(&scenario.name, model, &backend.name, precision, graph, threads),
                            scenario: scenario.name.clone(),
                            model: model.clone(),
                            backend: backend.name.clone(),
                            precision,
                            graph,
                            threads,
                            constrained: false,
                            baseline: false,
                        };
                        cases.push(free.clone());
                        if selection.constrain && scenario.asks_for_calls() {
                            cases.push(Case { id: format!("{}_constrained", free.id), constrained: true, ..free });
                        }
                    }
                }
            }
        }
    }
    for case in &cases {
        check_name(&case.id).map_err(|error| Refusal::error(format!("a case cannot be stored: {error}")))?;
    }
    let mut ids = BTreeSet::new();
    if let Some(twice) = cases.iter().find(|case| !ids.insert(case.id.as_str())) {
        return Err(Refusal::error(format!("{} is in the plan twice: give each name once", twice.id)));
    }
    Ok(cases)
}

/// Each case a second time, with the other build of its runner: right behind it, since the two are compared.
///
/// # Errors
/// When there are then too many.
pub fn with_baselines(cases: Vec<Case>) -> Result<Vec<Case>> {
    ensure_few(&[cases.len(), 2])?;
    let twice = cases.into_iter().flat_map(|case| {
        let baseline = Case { id: format!("{}_baseline", case.id), baseline: true, ..case.clone() };
        [baseline, case]
    });
    Ok(twice.collect())
}

/// Refuses more combinations than a run can have, before they are created.
///
/// # Errors
/// When there are more.
pub fn ensure_few(counts: &[usize]) -> Result<()> {
    match counts.iter().try_fold(1_usize, |product, count| product.checked_mul(*count)) {
        Some(cases) if cases <= MOST_CASES => Ok(()),
        _ => {
            let counts: Vec<String> = counts.iter().map(usize::to_string).collect();
            let product = counts.join(" x ");
            Err(Refusal::error(format!(
                "{product} combinations are requested, but a run can have at most {MOST_CASES}"
            )))
        }
    }
}

/// The precisions that some of these cases are computed in: weights are not rounded to others, which would only fill the
/// disk.
pub fn computed_precisions<'a>(cases: impl IntoIterator<Item = &'a Case>, registry: &Registry) -> Vec<Precision> {
    let computed =
        |case: &&Case| registry.find(&case.backend).is_ok_and(|backend| backend.precisions.contains(&case.precision));
    let precisions: BTreeSet<Precision> = cases.into_iter().filter(computed).map(|case| case.precision).collect();
    precisions.into_iter().collect()
}

/// The identifier of a case, which also names its file.
fn id(
    scenario: &str,
    model: &str,
    backend: &str,
    precision: Precision,
    graph: Option<GraphKind>,
    threads: u32,
) -> String {
    let graph = graph.map_or(String::new(), |graph| format!("_{}", graph.name()));
    let id = format!("{scenario}_{model}_{backend}{graph}_{}_{threads}t", precision.name());
    harmless_name(&id)
}

/// The first graph in documented order that every backend loads, among those that load graphs at all.
fn common_graph(backends: &[&Backend]) -> Result<Option<GraphKind>> {
    let readers: Vec<_> = backends.iter().filter(|backend| !backend.graphs.is_empty()).collect();
    if readers.is_empty() {
        return Ok(None);
    }
    let common = GraphKind::ALL.into_iter().find(|kind| readers.iter().all(|backend| backend.graphs.contains(kind)));
    match common {
        Some(kind) => Ok(Some(kind)),
        None => Err(Refusal::error("these backends have no graph in common: use --graph best")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Registry;

    fn ids(graph: GraphChoice, scenarios: &[&str]) -> Vec<String> {
        let registry = Registry::open(None).unwrap();
        let scenarios: Vec<_> = scenarios.iter().map(|name| Scenario::find(name).unwrap()).collect();
        let selection = Selection {
            scenarios: &scenarios,
            models: &["tiny".into()],
            precisions: &[Precision::F32],
            threads: &[1],
            backends: &registry.select(&[]).unwrap(),
            graph,
            graphs: BTreeMap::new(),
            constrain: false,
        };
        plan_cases(&selection).unwrap().into_iter().map(|case| case.id).collect()
    }

    #[test]
    fn backends_change_fastest_and_take_their_best_graph() {
        assert_eq!(
            ids(GraphChoice::Best, &["chat", "decode-8"]),
            [
                "chat_tiny_onnxruntime_onnxruntime_f32_1t",
                "chat_tiny_tract_opset17_f32_1t",
                "chat_tiny_candle_f32_1t",
                "decode-8_tiny_onnxruntime_onnxruntime_f32_1t",
                "decode-8_tiny_tract_opset17_f32_1t",
                "decode-8_tiny_candle_f32_1t",
            ]
        );
    }

    #[test]
    fn the_common_graph_is_the_same_for_all_that_load_one() {
        assert_eq!(
            ids(GraphChoice::Common, &["chat"]),
            ["chat_tiny_onnxruntime_opset17_f32_1t", "chat_tiny_tract_opset17_f32_1t", "chat_tiny_candle_f32_1t",]
        );
        assert_eq!(ids(GraphChoice::Kind(GraphKind::Opset23), &["chat"])[1], "chat_tiny_tract_opset23_f32_1t");
    }

    #[test]
    fn more_cases_than_a_run_can_have_are_refused_before_they_are_made() {
        ensure_few(&[100, 200]).unwrap();
        let refused = |counts: &[usize]| ensure_few(counts).unwrap_err().to_string();
        assert!(refused(&[100, 201]).contains("100 x 201 combinations"));
        assert!(refused(&[usize::MAX, usize::MAX]).contains("at most 20000"));
    }

    #[test]
    fn a_case_that_is_there_twice_is_refused() {
        let registry = Registry::open(None).unwrap();
        let scenario = Scenario::find("chat").unwrap();
        let selection = Selection {
            scenarios: &[scenario.clone(), scenario],
            models: &["tiny".into()],
            precisions: &[Precision::F32],
            threads: &[1],
            backends: &registry.select(&[]).unwrap(),
            graph: GraphChoice::Best,
            graphs: BTreeMap::new(),
            constrain: false,
        };
        let error = plan_cases(&selection).unwrap_err().to_string();
        assert!(error.contains("is in the plan twice"), "{error}");
    }
}
