//! The order in which functions are analysed: callees before callers, what does not depend on each other side by side.

use super::tree::FunctionId;
use petgraph::graph::{DiGraph, NodeIndex};
use rustc_hash::FxHashMap;

/// Functions that call each other in a circle, or one that does not.
pub type Component = Vec<FunctionId>;

/// Components in levels: a component only calls into levels before its own, or into itself.
///
/// Strongly connected components after Tarjan (SIAM J. Comput. 1972). `members` is sorted; so are a level's components and
/// their functions.
pub fn levels(
    members: &[FunctionId],
    callees: &dyn Fn(FunctionId) -> Vec<FunctionId>,
) -> Vec<Vec<Component>> {
    let mut graph: DiGraph<(), ()> = DiGraph::with_capacity(members.len(), members.len() * 4);
    let mut node_of: FxHashMap<FunctionId, NodeIndex> = FxHashMap::default();
    for &member in members {
        node_of.insert(member, graph.add_node(()));
    }
    for &member in members {
        for callee in callees(member) {
            if let Some(&to) = node_of.get(&callee) {
                graph.add_edge(node_of[&member], to, ());
            }
        }
    }
    const UNPLACED: usize = usize::MAX;
    let mut level_of = vec![UNPLACED; members.len()];
    let mut levels: Vec<Vec<Component>> = Vec::new();
    for component in petgraph::algo::tarjan_scc(&graph) {
        // Callees outside come first and have their level; those inside have none yet.
        let called = component.iter().flat_map(|&node| graph.neighbors(node)).map(|to| level_of[to.index()]);
        let level = called.filter(|&level| level != UNPLACED).map(|level| level + 1).max().unwrap_or(0);
        component.iter().for_each(|node| level_of[node.index()] = level);
        let mut functions: Component = component.iter().map(|node| members[node.index()]).collect();
        functions.sort_unstable();
        if levels.len() <= level {
            levels.resize_with(level + 1, Vec::new);
        }
        levels[level].push(functions);
    }
    levels.iter_mut().for_each(|level| level.sort_unstable());
    levels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callees_come_first_and_circles_stay_together() {
        let calls: [&[u32]; 5] = [&[1], &[2, 3], &[1], &[], &[3]];
        let members: Vec<FunctionId> = (0..5).map(FunctionId).collect();
        let levels = levels(&members, &|f| calls[f.0 as usize].iter().map(|&to| FunctionId(to)).collect());
        let plain: Vec<Vec<Vec<u32>>> = levels
            .iter()
            .map(|level| level.iter().map(|c| c.iter().map(|f| f.0).collect()).collect())
            .collect();
        assert_eq!(plain, [vec![vec![3]], vec![vec![1, 2], vec![4]], vec![vec![0]]]);
    }
}
