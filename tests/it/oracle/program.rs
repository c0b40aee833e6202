//! Random programs: small structured functions, lowered to bodies. Structure makes them shrink well.

use lockbalance::ir::{
    BinaryOp, BlockId, Body, BodyBuilder, Callee, Expr, Linkage, LocalId, LocalKind, Place, Predicate,
    ReturnKind, StatementKind, UnaryOp,
};
use lockbalance::source::{FileId, Span};

/// One statement of a random program.
#[derive(Clone, Debug)]
pub enum Stmt {
    Assign(Place, Expr),
    Call(Option<Place>, &'static str, Vec<Expr>),
    If(Predicate, Vec<Stmt>, Vec<Stmt>),
    While(Predicate, Vec<Stmt>),
    Switch(Expr, Vec<(i64, Vec<Stmt>)>, Vec<Stmt>),
    Break,
    Return(Expr),
    /// To the end of the function, where the locks of the epilogue are given back.
    GotoOut,
}

/// A random function.
#[derive(Clone, Debug)]
pub struct Program {
    pub name: &'static str,
    pub body: Vec<Stmt>,
    /// What stands at the label `out`.
    pub epilogue: Vec<Stmt>,
}

/// The locals of every program: two parameters that are numbers, one pointer, and variables.
pub const PARAMETERS: [(&str, &str); 3] = [("m", "int"), ("n", "int"), ("p", "struct dev *")];
pub const VARIABLES: [&str; 3] = ["x", "y", "z"];

/// The random numbers of the oracle (Steele, Lea, Flood: splitmix, OOPSLA 2014): the same on every machine.
pub struct Dice(pub u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }
}

/// What programs may contain.
#[derive(Clone, Copy)]
pub struct Style {
    pub loops: bool,
    pub memory: bool,
    pub callee: Option<&'static str>,
}

/// A random program.
pub fn random(dice: &mut Dice, name: &'static str, style: Style) -> Program {
    let mut maker = Maker { dice, style, in_loop: 0, lock: None, held: Vec::new() };
    // Most programs are about one lock, as most functions are.
    maker.lock = (maker.dice.below(3) > 0).then(|| maker.dice.below(3));
    let size = 3 + maker.dice.below(5);
    let body = maker.block(size, 0);
    let epilogue = if maker.dice.below(5) == 0 { vec![maker.lock_call("give")] } else { Vec::new() };
    Program { name, body, epilogue }
}

struct Maker<'d> {
    dice: &'d mut Dice,
    style: Style,
    in_loop: usize,
    lock: Option<usize>,
    /// Locks that the statements to come are made to hold: mostly let alone.
    held: Vec<Expr>,
}

fn local(at: usize) -> Place {
    Place::local(LocalId(at as u32))
}

impl Maker<'_> {
    fn lock(&mut self) -> Expr {
        let lock = self.any_lock();
        if self.held.contains(&lock) && self.dice.below(8) > 0 { self.lock() } else { lock }
    }

    fn any_lock(&mut self) -> Expr {
        let which = match self.lock {
            Some(lock) if self.dice.below(6) > 0 => lock,
            _ => self.dice.below(3),
        };
        Expr::AddressOf(match which {
            0 => Place::global("a"),
            1 => Place::global("b"),
            _ => local(2).deref().field("lock"),
        })
    }

    fn lock_call(&mut self, name: &'static str) -> Stmt {
        Stmt::Call(None, name, vec![self.lock()])
    }

    fn variable(&mut self) -> Place {
        local(PARAMETERS.len() + self.dice.below(VARIABLES.len()))
    }

    /// Something that holds a number.
    fn cell(&mut self) -> Place {
        match self.dice.below(if self.style.memory { 9 } else { 6 }) {
            0 | 1 => local(self.dice.below(2)),
            2..=5 => self.variable(),
            6 => Place::global("flag"),
            7 => Place::global("state"),
            _ => local(2).deref().field("need"),
        }
    }

    fn number(&mut self) -> Expr {
        Expr::Int(self.dice.of(&[0, 0, 1, 1, -1, 2]))
    }

    fn value(&mut self) -> Expr {
        match self.dice.below(8) {
            0..=3 => self.number(),
            4 => Expr::Read(self.cell()),
            5 => self.condition(),
            6 => {
                let op = self.dice.of(&[BinaryOp::Add, BinaryOp::Sub, BinaryOp::BitAnd, BinaryOp::BitOr]);
                Expr::binary(op, Expr::Read(self.cell()), self.number())
            }
            _ => Expr::Unary(UnaryOp::Neg, Box::new(Expr::Read(self.cell()))),
        }
    }

    fn condition(&mut self) -> Expr {
        use BinaryOp::{BitAnd, Eq, Ge, Gt, Le, Lt, Ne};
        let read = Expr::Read(self.cell());
        match self.dice.below(6) {
            0 | 1 => read,
            2 => read.negated(),
            3 | 4 => Expr::binary(self.dice.of(&[Eq, Ne, Lt, Le, Gt, Ge, BitAnd]), read, self.number()),
            _ => Expr::binary(self.dice.of(&[Eq, Ne, Lt, Le, Gt, Ge]), read, Expr::Read(self.cell())),
        }
    }

    fn predicate(&mut self) -> Predicate {
        match self.dice.below(10) {
            0 => Predicate::Either,
            1 => Predicate::Configuration(self.dice.of(&["A", "B"]).into()),
            _ => Predicate::Holds(self.condition()),
        }
    }

    fn block(&mut self, size: usize, depth: usize) -> Vec<Stmt> {
        let mut statements = Vec::new();
        for _ in 0..size {
            self.statement(depth, &mut statements);
        }
        statements
    }

    /// A small block under a lock.
    fn under(&mut self, lock: &Expr, depth: usize) -> Vec<Stmt> {
        self.held.push(lock.clone());
        let block = self.small_block(depth);
        self.held.pop();
        block
    }

    fn small_block(&mut self, depth: usize) -> Vec<Stmt> {
        let size = self.dice.below(3);
        self.block(size, depth + 1)
    }

    fn statement(&mut self, depth: usize, out: &mut Vec<Stmt>) {
        let compound = depth < 3;
        match self.dice.below(40) {
            0 => out.push(self.lock_call("take")),
            1 => out.push(self.lock_call("give")),
            2..=7 => self.bracket(depth, out),
            8 => self.counted(depth, out),
            9 | 10 => self.attempt(depth, out),
            11..=13 => {
                let place = if self.style.memory { self.cell() } else { self.variable() };
                out.push(Stmt::Assign(place, self.value()));
            }
            14 | 15 => self.call(out),
            16..=20 if compound => {
                let predicate = self.predicate();
                let then = self.small_block(depth);
                let otherwise = if self.dice.below(2) == 0 { self.small_block(depth) } else { Vec::new() };
                out.push(Stmt::If(predicate, then, otherwise));
            }
            21 if compound && self.style.loops => {
                self.in_loop += 1;
                let predicate = self.predicate();
                let body = self.small_block(depth);
                self.in_loop -= 1;
                out.push(Stmt::While(predicate, body));
            }
            22 if compound => {
                let cases = vec![(0, self.small_block(depth)), (1, self.small_block(depth))];
                let default = self.small_block(depth);
                out.push(Stmt::Switch(Expr::Read(self.cell()), cases, default));
            }
            23 if self.in_loop > 0 => out.push(Stmt::Break),
            24 if depth > 0 => out.push(Stmt::Return(self.value())),
            25 if depth > 0 => out.push(Stmt::GotoOut),
            26..=29 if compound => self.correlated(depth, out),
            _ => out.push(Stmt::Assign(self.variable(), self.number())),
        }
    }

    /// `take; …; give`
    fn bracket(&mut self, depth: usize, out: &mut Vec<Stmt>) {
        let lock = self.lock();
        out.push(Stmt::Call(None, "take", vec![lock.clone()]));
        if depth < 3 {
            out.extend(self.under(&lock, depth));
        }
        out.push(Stmt::Call(None, "give", vec![lock]));
    }

    /// `enter; …; leave`, or only one of them.
    fn counted(&mut self, depth: usize, out: &mut Vec<Stmt>) {
        let which = self.dice.below(4);
        if which > 0 {
            out.push(Stmt::Call(None, "enter", Vec::new()));
        }
        if depth < 3 {
            out.extend(self.small_block(depth));
        }
        if which < 3 {
            out.push(Stmt::Call(None, "leave", Vec::new()));
        }
    }

    /// Takes and gives back on one condition: the condition twice, or a flag that tells what was done.
    fn correlated(&mut self, depth: usize, out: &mut Vec<Stmt>) {
        let held = self.lock();
        let lock = vec![held.clone()];
        let take = Stmt::Call(None, "take", lock.clone());
        let give = vec![Stmt::Call(None, "give", lock.clone())];
        let flag = self.variable();
        let told = Predicate::Holds(Expr::Read(flag.clone()));
        let (before, after) = match self.dice.below(3) {
            0 => {
                let condition = self.predicate();
                (vec![Stmt::If(condition.clone(), vec![take], Vec::new())], condition)
            }
            1 => {
                let taken = vec![take, Stmt::Assign(flag.clone(), Expr::Int(1))];
                let maybe = Stmt::If(self.predicate(), taken, Vec::new());
                (vec![Stmt::Assign(flag, Expr::Int(0)), maybe], told)
            }
            _ => (vec![Stmt::Call(Some(flag), "try_take", lock)], told),
        };
        out.extend(before);
        out.extend(self.under(&held, depth));
        out.push(Stmt::If(after, give, Vec::new()));
    }

    /// An attempt, and mostly at once a look at what came of it.
    fn attempt(&mut self, depth: usize, out: &mut Vec<Stmt>) {
        let name = self.dice.of(&["try_take", "take_intr"]);
        let lock = self.lock();
        if self.dice.below(12) == 0 {
            out.push(Stmt::Call(None, name, vec![lock]));
            return;
        }
        let result = self.variable();
        out.push(Stmt::Call(Some(result.clone()), name, vec![lock.clone()]));
        let read = Expr::Read(result);
        let failed = if name == "try_take" { read.clone().negated() } else { read };
        if self.dice.below(4) > 0 && depth < 3 {
            let mut then = self.small_block(depth);
            then.push(if self.dice.below(2) == 0 { Stmt::Return(Expr::Int(-1)) } else { Stmt::GotoOut });
            out.push(Stmt::If(Predicate::Holds(failed), then, Vec::new()));
            out.extend(self.under(&lock, depth));
            out.push(Stmt::Call(None, "give", vec![lock]));
        }
    }

    fn call(&mut self, out: &mut Vec<Stmt>) {
        let result = (self.dice.below(3) > 0).then(|| self.variable());
        if let (Some(callee), true) = (self.style.callee, self.dice.below(3) > 0) {
            let args = vec![self.value(), self.value(), Expr::Read(local(2))];
            return out.push(Stmt::Call(result, callee, args));
        }
        let (name, args) = match self.dice.below(8) {
            0 => ("must", vec![self.condition()]),
            1 => ("die", Vec::new()),
            2 => ("likely", vec![self.condition()]),
            3 => ("is_ready", vec![Expr::Read(self.cell())]),
            4 => ("fill", vec![Expr::AddressOf(self.variable())]),
            _ => ("work", vec![Expr::Read(self.cell())]),
        };
        // To die at the top would leave nothing to look at.
        if name != "die" || out.is_empty() {
            out.push(Stmt::Call(result, name, args));
        }
    }
}

/// The program as a body.
pub fn lower(program: &Program) -> Body {
    let span = Span::new(FileId(0), 0, 0);
    let mut builder = BodyBuilder::new(program.name, span);
    builder.header(span, Linkage::Internal, ReturnKind::Integer);
    for (name, ty) in PARAMETERS {
        builder.parameter(name, ty, span);
    }
    for name in VARIABLES {
        builder.local(name, LocalKind::Variable, "int", span);
    }
    let out = builder.new_block();
    let mut lowering = Lowering { builder, span, out, breaks: Vec::new() };
    lowering.all(&program.body);
    lowering.builder.goto(out, span);
    lowering.builder.switch_to(out);
    lowering.all(&program.epilogue);
    lowering.builder.return_(Some(Expr::Int(0)), span);
    lowering.builder.finish()
}

struct Lowering {
    builder: BodyBuilder,
    span: Span,
    out: BlockId,
    breaks: Vec<BlockId>,
}

impl Lowering {
    fn all(&mut self, statements: &[Stmt]) {
        statements.iter().for_each(|statement| self.one(statement));
    }

    /// Lowers into `block` and goes on to `next`.
    fn arm(&mut self, block: BlockId, statements: &[Stmt], next: BlockId) {
        self.builder.switch_to(block);
        self.all(statements);
        self.builder.goto(next, self.span);
    }

    fn one(&mut self, statement: &Stmt) {
        let span = self.span;
        match statement {
            Stmt::Assign(place, value) => self.builder.assign(place.clone(), value.clone(), span),
            Stmt::Call(place, name, args) => self.builder.push(
                StatementKind::Call {
                    place: place.clone(),
                    callee: Callee::Named((*name).into()),
                    args: args.clone(),
                    spelled: Vec::new(),
                },
                span,
            ),
            Stmt::If(predicate, then, otherwise) => {
                let (yes, no, next) =
                    (self.builder.new_block(), self.builder.new_block(), self.builder.new_block());
                self.builder.branch(predicate.clone(), yes, no, span);
                self.arm(yes, then, next);
                self.arm(no, otherwise, next);
                self.builder.switch_to(next);
            }
            Stmt::While(predicate, body) => {
                let (head, inside, next) =
                    (self.builder.new_block(), self.builder.new_block(), self.builder.new_block());
                self.builder.goto(head, span);
                self.builder.switch_to(head);
                self.builder.branch(predicate.clone(), inside, next, span);
                self.breaks.push(next);
                self.arm(inside, body, head);
                self.breaks.pop();
                self.builder.switch_to(next);
            }
            Stmt::Switch(scrutinee, cases, default) => {
                let blocks: Vec<BlockId> = cases.iter().map(|_| self.builder.new_block()).collect();
                let (other, next) = (self.builder.new_block(), self.builder.new_block());
                let edges =
                    cases.iter().zip(&blocks).map(|((n, _), block)| (Expr::Int(*n), None, *block)).collect();
                self.builder.switch(scrutinee.clone(), edges, other, span);
                for ((_, statements), block) in cases.iter().zip(&blocks) {
                    self.arm(*block, statements, next);
                }
                self.arm(other, default, next);
                self.builder.switch_to(next);
            }
            Stmt::Break => {
                if let Some(&target) = self.breaks.last() {
                    self.builder.goto(target, span);
                }
            }
            Stmt::Return(value) => self.builder.return_(Some(value.clone()), span),
            Stmt::GotoOut => self.builder.goto(self.out, span),
        }
    }
}

/// Every program that is one step simpler.
pub fn simpler(program: &Program) -> Vec<Program> {
    let bodies = simpler_block(&program.body).into_iter();
    let mut all: Vec<Program> = bodies.map(|body| Program { body, ..program.clone() }).collect();
    let epilogues = simpler_block(&program.epilogue).into_iter();
    all.extend(epilogues.map(|epilogue| Program { epilogue, ..program.clone() }));
    all
}

/// A statement less, a statement replaced by what is in it, or something simpler inside.
fn simpler_block(block: &[Stmt]) -> Vec<Vec<Stmt>> {
    let mut all = Vec::new();
    for at in 0..block.len() {
        let mut with = |middle: Vec<Stmt>| {
            let mut new = block[..at].to_vec();
            new.extend(middle);
            new.extend_from_slice(&block[at + 1..]);
            all.push(new);
        };
        with(Vec::new());
        match &block[at] {
            Stmt::If(predicate, then, otherwise) => {
                with(then.clone());
                with(otherwise.clone());
                for then in simpler_block(then) {
                    with(vec![Stmt::If(predicate.clone(), then, otherwise.clone())]);
                }
                for otherwise in simpler_block(otherwise) {
                    with(vec![Stmt::If(predicate.clone(), then.clone(), otherwise)]);
                }
            }
            Stmt::While(predicate, body) => {
                with(body.clone());
                for body in simpler_block(body) {
                    with(vec![Stmt::While(predicate.clone(), body)]);
                }
            }
            Stmt::Switch(scrutinee, cases, default) => {
                with(default.clone());
                for (which, (n, body)) in cases.iter().enumerate() {
                    with(body.clone());
                    for body in simpler_block(body) {
                        let mut cases = cases.clone();
                        cases[which] = (*n, body);
                        with(vec![Stmt::Switch(scrutinee.clone(), cases, default.clone())]);
                    }
                }
                for default in simpler_block(default) {
                    with(vec![Stmt::Switch(scrutinee.clone(), cases.clone(), default)]);
                }
            }
            Stmt::Assign(place, Expr::Unary(_, inner)) => {
                with(vec![Stmt::Assign(place.clone(), (**inner).clone())]);
            }
            Stmt::Assign(place, Expr::Binary(_, left, _)) => {
                with(vec![Stmt::Assign(place.clone(), (**left).clone())]);
            }
            Stmt::Assign(..) | Stmt::Call(..) | Stmt::Break | Stmt::Return(_) | Stmt::GotoOut => {}
        }
    }
    all
}
