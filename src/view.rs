//! Pictures of a body: blocks, edges, and the locks held on entry of each block.

use crate::ir::cfg::EdgeKind;
use crate::ir::dump::{dump, expr_text, statement_text, terminator_text};
use crate::ir::{Body, TerminatorKind};
use std::fmt::Write;

/// The textual form, each block headed by its held sets.
pub fn text(body: &Body, held: &[Vec<String>]) -> String {
    let mut out = String::new();
    for line in dump(body).lines() {
        let block = line
            .strip_prefix("bb")
            .and_then(|rest| rest.strip_suffix(':'))
            .and_then(|id| id.parse::<usize>().ok());
        match block.and_then(|id| held.get(id)) {
            Some(sets) => {
                let _ = writeln!(out, "{line:<12} ; held: {}", sets_text(sets));
            }
            None => {
                let _ = writeln!(out, "{line}");
            }
        }
    }
    out
}

/// Graphviz: one box per block; blocks that leave the function holding something are marked.
pub fn dot(body: &Body, held: &[Vec<String>]) -> String {
    let mut out =
        format!("digraph \"{}\" {{\n    node [shape=box, fontname=monospace];\n", escaped(&body.name));
    for id in body.cfg.blocks() {
        let block = body.cfg.block(id);
        let sets = held.get(id.0 as usize).map(|sets| sets_text(sets)).unwrap_or_default();
        let mut label = format!("bb{}: held {sets}\\l", id.0);
        for statement in &block.statements {
            let _ = write!(label, "{}\\l", escaped(&statement_text(body, &statement.kind)));
        }
        let leaves = matches!(block.terminator.kind, TerminatorKind::Return(_));
        if leaves {
            let _ = write!(label, "{}\\l", escaped(&terminator_text(body, id)));
        }
        let mark = if leaves { ", peripheries=2" } else { "" };
        let _ = writeln!(out, "    bb{} [label=\"{label}\"{mark}];", id.0);
        for edge in body.cfg.successors(id) {
            let condition = match edge.kind {
                EdgeKind::Next | EdgeKind::Choice => String::new(),
                EdgeKind::True => "true".to_owned(),
                EdgeKind::False => "false".to_owned(),
                EdgeKind::Case(low, None) => expr_text(body, low),
                EdgeKind::Case(low, Some(high)) => {
                    format!("{} ... {}", expr_text(body, low), expr_text(body, high))
                }
                EdgeKind::Default => "default".to_owned(),
            };
            let _ =
                writeln!(out, "    bb{} -> bb{} [label=\"{}\"];", id.0, edge.target.0, escaped(&condition));
        }
    }
    out.push_str("}\n");
    out
}

fn sets_text(sets: &[String]) -> String {
    if sets.is_empty() { "unreachable".to_owned() } else { sets.join(" or ") }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
