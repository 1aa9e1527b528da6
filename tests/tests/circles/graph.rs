//! Circles of a graph.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

type Graph = BTreeMap<String, BTreeSet<String>>;

/// A shortest circle of each knot: of all nodes that reach each other. It begins and ends with the same node.
pub fn circles(graph: &Graph) -> Vec<Vec<String>> {
    let mut in_a_knot = BTreeSet::new();
    let mut circles = Vec::new();
    for node in graph.keys() {
        if in_a_knot.contains(node) || way_back(graph, node).is_none() {
            continue;
        }
        let reached = reached_from(graph, node);
        let knot: Vec<&String> =
            reached.into_iter().filter(|other| reached_from(graph, other).contains(node)).collect();
        circles.extend(knot.iter().filter_map(|node| way_back(graph, node)).min_by_key(Vec::len));
        in_a_knot.extend(knot);
    }
    circles
}

fn reached_from<'a>(graph: &'a Graph, start: &str) -> BTreeSet<&'a String> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&String> = graph.get(start).into_iter().flatten().collect();
    while let Some(node) = open.pop() {
        if reached.insert(node) {
            open.extend(graph.get(node).into_iter().flatten());
        }
    }
    reached
}

/// The shortest way from a node to itself.
fn way_back(graph: &Graph, start: &str) -> Option<Vec<String>> {
    let mut ways = VecDeque::from([vec![start.to_owned()]]);
    let mut reached = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in graph.get(way.last()?).into_iter().flatten() {
            let longer = [way.clone(), vec![next.clone()]].concat();
            if next == start {
                return Some(longer);
            }
            if reached.insert(next) {
                ways.push_back(longer);
            }
        }
    }
    None
}
