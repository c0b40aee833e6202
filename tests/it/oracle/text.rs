//! The textual form of the IR loses nothing but spans: random bodies, and bodies lowered from C.

use super::program::Dice;
use crate::it::support::{folders, read, root};
use lockbalance::frontend::c::environment::FileEnvironment;
use lockbalance::frontend::c::{FRONTEND, lower};
use lockbalance::ir::cfg::EdgeKind;
use lockbalance::ir::dump::dump;
use lockbalance::ir::parse::parse;
use lockbalance::ir::{
    Annotation, BinaryOp, BlockId, Body, BodyBuilder, Callee, Expr, Linkage, LocalId, LocalKind, Name, Place,
    Predicate, Projection, ReturnKind, StatementKind, TerminatorKind, UnaryOp,
};
use lockbalance::profile::load::builtin;
use lockbalance::source::{FileId, Span};

/// Names that a body may have, the awkward ones among them.
const NAMES: [&str; 14] = [
    "x",
    "p",
    "x",
    "return",
    "unknown",
    "as",
    "_",
    "_1",
    "bb0",
    "a b",
    "q\"uote",
    "back\\slash",
    "é",
    "sizeof(int)",
];
const CAUSES: [&str; 3] = ["syntax error", "unknown label", "a \"quoted\" cause"];

fn span() -> Span {
    Span::new(FileId(0), 0, 0)
}

struct Maker {
    dice: Dice,
    locals: usize,
}

impl Maker {
    fn name(&mut self) -> Name {
        NAMES[self.dice.below(NAMES.len())].into()
    }

    fn text(&mut self) -> Name {
        ["", "struct foo *", "int (*)(void)", "a, b", "two\nlines", "&x->lock"][self.dice.below(6)].into()
    }

    fn place(&mut self, depth: usize) -> Place {
        let mut place = match self.dice.below(3) {
            0 => Place::global(self.name()),
            _ => Place::local(LocalId(self.dice.below(self.locals) as u32)),
        };
        for _ in 0..self.dice.below(4) {
            place = match self.dice.below(3) {
                0 => place.deref(),
                1 => place.field(self.name()),
                _ => place.project(Projection::Index(Box::new(self.expr(depth + 1)))),
            };
        }
        place
    }

    fn expr(&mut self, depth: usize) -> Expr {
        use BinaryOp::{Add, BitAnd, BitOr, BitXor, Div, Eq, Ge, Gt, Le, Lt, Mul, Ne, Rem, Shl, Shr, Sub};
        let all = [Add, Sub, Mul, Div, Rem, Shl, Shr, BitAnd, BitOr, BitXor, Eq, Ne, Lt, Le, Gt, Ge];
        match self.dice.below(if depth < 4 { 12 } else { 7 }) {
            0 => Expr::Int([0, 1, -1, 42, i64::MAX, i64::MIN][self.dice.below(6)]),
            1 => Expr::Null,
            2 => Expr::Str,
            3 => Expr::Const(self.name()),
            4 => Expr::Unknown,
            5 => Expr::Read(Place::local(LocalId(self.dice.below(self.locals) as u32))),
            6 => Expr::AddressOf(Place::global(self.name())),
            7 => Expr::Read(self.place(depth)),
            8 => Expr::AddressOf(self.place(depth)),
            9 => {
                let op = [UnaryOp::Not, UnaryOp::Neg, UnaryOp::BitNot][self.dice.below(3)];
                Expr::Unary(op, Box::new(self.expr(depth + 1)))
            }
            _ => Expr::binary(all[self.dice.below(all.len())], self.expr(depth + 1), self.expr(depth + 1)),
        }
    }

    fn statement(&mut self) -> StatementKind {
        match self.dice.below(6) {
            0 => StatementKind::Declare(self.place(0)),
            1 | 2 => StatementKind::Assign { place: self.place(0), value: self.expr(0) },
            _ => {
                let callee = match self.dice.below(3) {
                    0 => Callee::Through(self.place(0)),
                    _ => Callee::Named(self.name()),
                };
                let place = (self.dice.below(2) == 0).then(|| self.place(0));
                let args: Vec<Expr> = (0..self.dice.below(3)).map(|_| self.expr(0)).collect();
                let spelled = (0..self.dice.below(3)).map(|_| self.text()).collect();
                StatementKind::Call { place, callee, args, spelled }
            }
        }
    }

    fn terminate(&mut self, builder: &mut BodyBuilder, blocks: &[BlockId]) {
        let mut target = || blocks[self.dice.below(blocks.len())];
        let targets = [target(), target(), target()];
        match self.dice.below(9) {
            0 => builder.goto(targets[0], span()),
            1 => builder.unreachable(span()),
            2 => builder.return_(None, span()),
            3 => builder.return_(Some(self.expr(0)), span()),
            4 => builder.choice(targets.to_vec(), span()),
            5 => {
                let cases =
                    vec![(self.expr(2), None, targets[0]), (self.expr(2), Some(self.expr(2)), targets[1])];
                builder.switch(self.expr(0), cases, targets[2], span());
            }
            _ => {
                let predicate = match self.dice.below(4) {
                    0 => Predicate::Either,
                    1 => Predicate::Configuration(self.name()),
                    _ => Predicate::Holds(self.expr(0)),
                };
                builder.branch(predicate, targets[0], targets[1], span());
            }
        }
    }
}

fn random_body(seed: u64) -> Body {
    let mut maker = Maker { dice: Dice(seed), locals: 0 };
    let name = maker.name();
    let mut builder = BodyBuilder::new(name, span());
    let kinds =
        [ReturnKind::Void, ReturnKind::Bool, ReturnKind::Integer, ReturnKind::Pointer, ReturnKind::Other];
    let linkage = [Linkage::Internal, Linkage::External][maker.dice.below(2)];
    builder.header(span(), linkage, kinds[maker.dice.below(5)]);
    for _ in 0..maker.dice.below(3) {
        let args = (0..maker.dice.below(3)).map(|_| maker.text()).collect();
        builder.annotate(Annotation { name: maker.name(), args, span: span() });
    }
    for _ in 0..maker.dice.below(4) {
        builder.parameter(maker.name(), maker.text(), span());
        maker.locals += 1;
    }
    for _ in 0..1 + maker.dice.below(4) {
        match maker.dice.below(3) {
            0 => builder.temporary(span()),
            1 => builder.local(maker.name(), LocalKind::Static, maker.text(), span()),
            _ => builder.local(maker.name(), LocalKind::Variable, maker.text(), span()),
        };
        maker.locals += 1;
    }
    let mut blocks = vec![builder.current()];
    blocks.extend((0..maker.dice.below(6)).map(|_| builder.new_block()));
    for &block in &blocks {
        builder.switch_to(block);
        for _ in 0..maker.dice.below(4) {
            match maker.dice.below(12) {
                0 => builder.opaque(CAUSES[maker.dice.below(CAUSES.len())], span()),
                _ => builder.push(maker.statement(), span()),
            }
        }
        maker.terminate(&mut builder, &blocks);
    }
    builder.finish()
}

type Block = (Vec<StatementKind>, TerminatorKind, Vec<(BlockId, EdgeKind)>);

/// Everything in a body but its spans.
fn content(body: &Body) -> impl PartialEq + std::fmt::Debug + use<> {
    let locals: Vec<_> = body.locals.iter().map(|l| (l.name.clone(), l.kind, l.ty.clone())).collect();
    let annotations: Vec<_> = body.annotations.iter().map(|a| (a.name.clone(), a.args.clone())).collect();
    let causes: Vec<&str> = body.degradations.iter().map(|degradation| degradation.cause).collect();
    let blocks: Vec<Block> = body
        .cfg
        .blocks()
        .map(|id| {
            let block = body.cfg.block(id);
            let statements = block.statements.iter().map(|statement| statement.kind.clone()).collect();
            let edges = body.cfg.successors(id).map(|edge| (edge.target, edge.kind.clone())).collect();
            (statements, block.terminator.kind.clone(), edges)
        })
        .collect();
    ((body.name.clone(), body.linkage, body.returns, body.parameters), locals, annotations, causes, blocks)
}

#[track_caller]
fn comes_back(body: &Body) {
    let text = dump(body);
    let again = parse(&text, FileId(0)).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(content(&again), content(body), "{text}");
    assert_eq!(dump(&again), text);
}

#[test]
fn random_bodies_come_back() {
    for seed in 0..2_000 {
        comes_back(&random_body(seed));
    }
}

#[test]
fn bodies_lowered_from_c_come_back() {
    let file = FileId(0);
    let profile = builtin("linux").expect("a built-in profile");
    let mut seen = 0;
    let inputs = folders(&root().join("fixtures/lower")).into_iter().map(|folder| folder.join("input.c"));
    for input in inputs.filter(|input| input.exists()) {
        let text = read(&input);
        let index = (FRONTEND.index)(file, text.as_bytes());
        let environment = FileEnvironment::new(&index, &|_| None, &profile.block_macros, &profile.attributes);
        for function in &index.functions {
            comes_back(&lower::lower(file, function.span.of(text.as_bytes()), function, &environment));
            seen += 1;
        }
    }
    assert!(seen > 20, "only {seen} functions");
}
