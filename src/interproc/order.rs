//! The order in which functions are analysed: callees before callers.

use crate::ir::Name;
use crate::ir::file_index::FunctionDefinition;
use petgraph::graph::{DiGraph, NodeIndex};
use rustc_hash::FxHashMap;

/// Strongly connected components of the call graph of `functions`, callees first (Tarjan, SIAM J. Comput. 1972); indices into
/// `functions`, sorted within a component.
pub fn bottom_up(functions: &[FunctionDefinition]) -> Vec<Vec<usize>> {
    let mut graph: DiGraph<(), ()> = DiGraph::with_capacity(functions.len(), functions.len());
    let mut by_name: FxHashMap<&Name, Vec<NodeIndex>> = FxHashMap::default();
    for function in functions {
        let node = graph.add_node(());
        by_name.entry(&function.name).or_default().push(node);
    }
    for (at, function) in functions.iter().enumerate() {
        for callee in function.calls.iter().filter_map(|call| by_name.get(call)).flatten() {
            graph.update_edge(NodeIndex::new(at), *callee, ());
        }
    }
    petgraph::algo::tarjan_scc(&graph)
        .into_iter()
        .map(|component| {
            let mut members: Vec<usize> = component.into_iter().map(|node| node.index()).collect();
            members.sort_unstable();
            members
        })
        .collect()
}
