//! The slow, obvious semantics: bodies are run on concrete values, and every state that can be reached is reached.
//!
//! It shares the IR with the engine and nothing else. Values are small numbers and the names of objects; a cell that nobody has
//! written holds any of them. Whatever lies outside a function's own variables may change at a call, at an acquisition and at a
//! release. Numbers beyond a bound are not followed: what is reached is real, but not everything that is real is reached.

use lockbalance::ir::cfg::{EdgeKind, TerminatorKind};
use lockbalance::ir::{
    Base, BinaryOp, BlockId, Body, Callee, Expr, LocalId, Location, Place, Predicate, Projection, Statement,
    StatementKind, UnaryOp,
};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// What an unwritten number may be.
const NUMBERS: [i64; 4] = [0, 1, -1, 2];
/// Numbers beyond are not followed.
const BOUND: i64 = 3;
/// States of one call that are looked at.
const STATES: usize = 6_000;

/// A concrete value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Value {
    Number(i64),
    /// The address of the object of this name.
    Object(String),
}

impl Value {
    fn is_true(&self) -> bool {
        *self != Value::Number(0)
    }
}

/// One lock, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lock {
    /// The caller must have held it: this function released it first.
    held_on_entry: bool,
    /// The caller cannot have held it: this function took it first.
    free_on_entry: bool,
    /// How often it is held now.
    depth: i32,
}

/// How the function left one lock, as a difference to its entry.
pub type Balances = BTreeMap<String, i32>;

/// Something that must not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// Taken while this path holds it.
    DoubleAcquire,
    /// Given back although this path has given it back already, or failed to take it.
    ReleaseFree,
    /// An attempt failed, and nobody looked.
    Unnoticed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    memory: BTreeMap<String, Value>,
    choices: BTreeMap<String, bool>,
    locks: BTreeMap<String, Lock>,
}

/// Everything that can be reached.
#[derive(Default)]
pub struct Reached {
    /// Ways out: block, value, balances.
    pub exits: HashSet<(BlockId, Option<Value>, Balances)>,
    /// Faults: where, which lock.
    pub faults: HashSet<(Location, String, Fault)>,
    /// More states than were looked at.
    pub cut: bool,
}

/// Runs `name` of `bodies` on everything. Whether the caller holds a lock follows from what is done to it first; the caller certainly
/// holds `held`.
pub fn run(bodies: &HashMap<String, Body>, name: &str, held: Option<&str>) -> Reached {
    let mut reached = Reached::default();
    let mut world = World { bodies, reached: &mut reached, outermost: None };
    let mut start = State { memory: BTreeMap::new(), choices: BTreeMap::new(), locks: BTreeMap::new() };
    if let Some(held) = held {
        let lock = Lock { held_on_entry: true, free_on_entry: false, depth: 1 };
        start.locks.insert(held.to_owned(), lock);
    }
    let body = &bodies[name];
    let mut arguments = Vec::new();
    for id in body.parameter_ids() {
        arguments.push(
            body.local(id).ty.contains('*').then(|| Value::Object(format!("*{}", body.local(id).name))),
        );
    }
    for (block, value, state) in world.call(body, "", arguments, start) {
        let balances = state
            .locks
            .iter()
            .map(|(name, lock)| (name.clone(), lock.depth - i32::from(lock.held_on_entry)))
            .collect();
        reached.exits.insert((block, value, balances));
    }
    reached
}

struct World<'w> {
    bodies: &'w HashMap<String, Body>,
    reached: &'w mut Reached,
    /// Where the outermost body stands: faults inside callees are its faults.
    outermost: Option<Location>,
}

/// The frame of one call: cells of its locals begin with `frame`.
struct Frame<'w> {
    body: &'w Body,
    prefix: String,
}

impl Frame<'_> {
    fn cell(&self, id: LocalId) -> String {
        format!("{}local {}", self.prefix, id.0)
    }
}

impl World<'_> {
    /// All ways out of a call: the block it left from, the value, the state. Arguments that are not given are anything.
    fn call(
        &mut self,
        body: &Body,
        prefix: &str,
        arguments: Vec<Option<Value>>,
        mut state: State,
    ) -> Vec<(BlockId, Option<Value>, State)> {
        let frame = Frame { body, prefix: prefix.to_owned() };
        for (id, value) in body.parameter_ids().zip(arguments) {
            if let Some(value) = value {
                state.memory.insert(frame.cell(id), value);
            }
        }
        let mut seen = HashSet::new();
        let mut work = VecDeque::from([(body.cfg.entry(), state)]);
        let mut exits = Vec::new();
        while let Some((block, state)) = work.pop_front() {
            if !seen.insert((block, state.clone())) {
                continue;
            }
            if seen.len() > STATES {
                self.reached.cut = true;
                break;
            }
            let mut states = vec![state];
            for (at, statement) in body.cfg.block(block).statements.iter().enumerate() {
                let here = Location { block, statement: at as u32 };
                if prefix.is_empty() {
                    self.outermost = Some(here);
                }
                states = states
                    .into_iter()
                    .flat_map(|state| self.statement(&frame, state, here, statement))
                    .collect();
            }
            for state in states {
                self.leave_block(&frame, block, state, &mut work, &mut exits);
            }
        }
        for (_, _, state) in &mut exits {
            state.memory.retain(|cell, _| !cell.starts_with(&format!("{prefix}local ")));
        }
        exits
    }

    fn leave_block(
        &mut self,
        frame: &Frame<'_>,
        block: BlockId,
        state: State,
        work: &mut VecDeque<(BlockId, State)>,
        exits: &mut Vec<(BlockId, Option<Value>, State)>,
    ) {
        let edges: Vec<_> = frame.body.cfg.successors(block).collect();
        let to = |wanted: &dyn Fn(&EdgeKind) -> bool| {
            edges.iter().find(|edge| wanted(edge.kind)).map(|edge| edge.target)
        };
        let side = |truth: bool| {
            let kind = if truth { EdgeKind::True } else { EdgeKind::False };
            to(&|other| *other == kind).expect("a branch has two edges")
        };
        match &frame.body.cfg.block(block).terminator.kind {
            TerminatorKind::Goto | TerminatorKind::Choice => {
                work.extend(edges.iter().map(|edge| (edge.target, state.clone())));
            }
            TerminatorKind::Branch(Predicate::Holds(condition)) => {
                for (value, state) in eval(frame, state, condition) {
                    work.push_back((side(value.is_true()), state));
                }
            }
            TerminatorKind::Branch(Predicate::Configuration(name)) => {
                for truth in [true, false] {
                    if *state.choices.get(name.as_str()).unwrap_or(&truth) == truth {
                        let mut state = state.clone();
                        state.choices.insert(name.to_string(), truth);
                        work.push_back((side(truth), state));
                    }
                }
            }
            TerminatorKind::Branch(Predicate::Either) => {
                work.push_back((side(true), state.clone()));
                work.push_back((side(false), state));
            }
            TerminatorKind::Switch(scrutinee) => {
                for (value, state) in eval(frame, state, scrutinee) {
                    let fits = |kind: &EdgeKind| match (kind, &value) {
                        (EdgeKind::Case(Expr::Int(low), None), Value::Number(n)) => low == n,
                        (EdgeKind::Case(Expr::Int(low), Some(Expr::Int(high))), Value::Number(n)) => {
                            (*low..=*high).contains(n)
                        }
                        _ => false,
                    };
                    let target = to(&fits).or_else(|| to(&|kind| *kind == EdgeKind::Default));
                    work.push_back((target.expect("a switch has a default"), state));
                }
            }
            TerminatorKind::Return(None) => exits.push((block, None, state)),
            TerminatorKind::Return(Some(value)) => {
                exits.extend(eval(frame, state, value).into_iter().map(|(v, state)| (block, Some(v), state)));
            }
            TerminatorKind::Unreachable => {}
        }
    }

    fn statement(
        &mut self,
        frame: &Frame<'_>,
        state: State,
        here: Location,
        statement: &Statement,
    ) -> Vec<State> {
        match &statement.kind {
            StatementKind::Assign { place, value } => eval(frame, state, value)
                .into_iter()
                .flat_map(|(value, state)| write(frame, state, place, &value))
                .collect(),
            StatementKind::Declare(place) => {
                let mut state = state;
                state.memory.remove(&frame.cell(place.as_local().expect("a local is declared")));
                vec![state]
            }
            StatementKind::Opaque(_) => vec![with_others_at_work(state)],
            StatementKind::Call { place, callee, args, .. } => {
                let mut calls = vec![(Vec::new(), state)];
                for arg in args {
                    calls = calls
                        .into_iter()
                        .flat_map(|(values, state)| {
                            eval(frame, state, arg).into_iter().map(move |(value, state)| {
                                let mut values: Vec<Value> = values.clone();
                                values.push(value);
                                (values, state)
                            })
                        })
                        .collect();
                }
                let Callee::Named(name) = callee else { panic!("calls have names") };
                let mut out = Vec::new();
                for (values, state) in calls {
                    for (result, state) in self.named_call(name, &values, state, here, place.is_some()) {
                        match place {
                            Some(place) => out.extend(write(frame, state, place, &result)),
                            None => out.push(state),
                        }
                    }
                }
                out
            }
        }
    }

    /// What the calls of the test profile do; everything else gives any number back.
    fn named_call(
        &mut self,
        name: &str,
        args: &[Value],
        mut state: State,
        here: Location,
        looked_at: bool,
    ) -> Vec<(Value, State)> {
        let number = Value::Number;
        match name {
            "take" => self.take(&args[0], state, here).into_iter().map(|s| (number(0), s)).collect(),
            "give" => self.give(&args[0], state, here).into_iter().map(|s| (number(0), s)).collect(),
            "enter" => {
                let lock = state.locks.entry("count".to_owned()).or_default();
                lock.free_on_entry |= !lock.held_on_entry;
                lock.depth += 1;
                let small = lock.depth <= 4;
                small.then(|| (number(0), with_others_at_work(state))).into_iter().collect()
            }
            "leave" => {
                let lock = state.locks.entry("count".to_owned()).or_default();
                if lock.depth == 0 && (lock.held_on_entry || lock.free_on_entry) {
                    self.fault(here, "count", Fault::ReleaseFree);
                    return Vec::new();
                }
                lock.held_on_entry |= lock.depth == 0;
                lock.depth = (lock.depth - 1).max(0);
                vec![(number(0), with_others_at_work(state))]
            }
            "try_take" | "take_intr" => self.attempt(name == "take_intr", &args[0], state, here, looked_at),
            "die" => Vec::new(),
            "must" => args[0].is_true().then_some((number(0), state)).into_iter().collect(),
            "likely" => vec![(args[0].clone(), state)],
            _ => match self.bodies.get(name) {
                Some(body) => {
                    let arguments = args.iter().cloned().map(Some).collect();
                    let outer = self.outermost;
                    let ways = self.call(body, "callee ", arguments, state);
                    self.outermost = outer;
                    ways.into_iter().map(|(_, value, state)| (value.unwrap_or(number(0)), state)).collect()
                }
                None => {
                    for arg in args {
                        if let Value::Object(cell) = arg {
                            state.memory.remove(cell);
                        }
                    }
                    let state = with_others_at_work(state);
                    NUMBERS.iter().map(|&n| (number(n), state.clone())).collect()
                }
            },
        }
    }

    fn fault(&mut self, here: Location, lock: &str, fault: Fault) {
        let here = self.outermost.unwrap_or(here);
        self.reached.faults.insert((here, lock.to_owned(), fault));
    }

    fn take(&mut self, lock: &Value, mut state: State, here: Location) -> Option<State> {
        let Value::Object(name) = lock else { panic!("a lock is an object") };
        let lock = state.locks.entry(name.clone()).or_default();
        if lock.depth > 0 {
            self.fault(here, name, Fault::DoubleAcquire);
            return None;
        }
        lock.free_on_entry |= !lock.held_on_entry;
        lock.depth = 1;
        Some(with_others_at_work(state))
    }

    fn give(&mut self, lock: &Value, mut state: State, here: Location) -> Option<State> {
        let Value::Object(name) = lock else { panic!("a lock is an object") };
        let touched = state.locks.contains_key(name);
        let lock = state.locks.entry(name.clone()).or_default();
        if lock.depth == 0 && touched {
            self.fault(here, name, Fault::ReleaseFree);
            return None;
        }
        lock.held_on_entry |= !touched;
        lock.depth = 0;
        Some(with_others_at_work(state))
    }

    /// `take_intr` waits and tells a failure by a negative number; `try_take` does not wait and tells success by not zero.
    fn attempt(
        &mut self,
        waits: bool,
        lock: &Value,
        mut state: State,
        here: Location,
        looked_at: bool,
    ) -> Vec<(Value, State)> {
        let Value::Object(name) = lock else { panic!("a lock is an object") };
        let mut ways = Vec::new();
        let held = state.locks.get(name).is_some_and(|lock| lock.depth > 0);
        if held && waits {
            self.fault(here, name, Fault::DoubleAcquire);
            return ways;
        }
        let (good, bad) = if waits { (vec![0], vec![-1]) } else { (vec![1, -1], vec![0]) };
        if !held {
            let mut taken = state.clone();
            let lock = taken.locks.entry(name.clone()).or_default();
            lock.free_on_entry |= !lock.held_on_entry;
            lock.depth = 1;
            let taken = with_others_at_work(taken);
            ways.extend(good.iter().map(|&n| (Value::Number(n), taken.clone())));
        }
        if !looked_at {
            self.fault(here, name, Fault::Unnoticed);
            return ways;
        }
        state.locks.entry(name.clone()).or_default();
        ways.extend(bad.iter().map(|&n| (Value::Number(n), state.clone())));
        ways
    }
}

/// What is not the function's own may be anything now.
fn with_others_at_work(mut state: State) -> State {
    state.memory.retain(|cell, _| cell.contains("local "));
    state
}

/// The cell that a place is.
fn cells(frame: &Frame<'_>, state: State, place: &Place) -> Vec<(String, State)> {
    let start = match &place.base {
        Base::Local(id) => frame.cell(*id),
        Base::Global(name) => name.to_string(),
    };
    let mut found = vec![(start, state)];
    for step in &place.projections {
        found = found
            .into_iter()
            .flat_map(|(cell, state)| match step {
                Projection::Field(name) => vec![(format!("{cell}.{name}"), state)],
                Projection::Deref => load(state, &cell)
                    .into_iter()
                    .filter_map(|(value, state)| match value {
                        Value::Object(name) => Some((name, state)),
                        Value::Number(_) => None,
                    })
                    .collect(),
                Projection::Index(_) => panic!("no arrays here"),
            })
            .collect();
    }
    found
}

/// What is in a cell; of a cell that nobody wrote, everything that may be, and it stays so.
fn load(state: State, cell: &str) -> Vec<(Value, State)> {
    if let Some(value) = state.memory.get(cell) {
        return vec![(value.clone(), state)];
    }
    NUMBERS
        .iter()
        .map(|&n| {
            let mut state = state.clone();
            state.memory.insert(cell.to_owned(), Value::Number(n));
            (Value::Number(n), state)
        })
        .collect()
}

fn write(frame: &Frame<'_>, state: State, place: &Place, value: &Value) -> Vec<State> {
    let found = cells(frame, state, place).into_iter();
    found
        .map(|(cell, mut state)| {
            state.memory.insert(cell, value.clone());
            state
        })
        .collect()
}

fn eval(frame: &Frame<'_>, state: State, expr: &Expr) -> Vec<(Value, State)> {
    match expr {
        Expr::Int(n) => vec![(Value::Number(*n), state)],
        Expr::Null => vec![(Value::Number(0), state)],
        Expr::Read(place) => {
            cells(frame, state, place).into_iter().flat_map(|(cell, state)| load(state, &cell)).collect()
        }
        Expr::AddressOf(place) => {
            cells(frame, state, place).into_iter().map(|(cell, state)| (Value::Object(cell), state)).collect()
        }
        Expr::Unary(op, operand) => eval(frame, state, operand)
            .into_iter()
            .filter_map(|(value, state)| Some((unary(*op, &value)?, state)))
            .collect(),
        Expr::Binary(op, left, right) => eval(frame, state, left)
            .into_iter()
            .flat_map(|(left, state)| {
                eval(frame, state, right).into_iter().map(move |(right, state)| (left.clone(), right, state))
            })
            .filter_map(|(left, right, state)| Some((binary(*op, &left, &right)?, state)))
            .collect(),
        Expr::Unknown => NUMBERS.iter().map(|&n| (Value::Number(n), state.clone())).collect(),
        Expr::Str | Expr::Const(_) => panic!("no such constants here"),
    }
}

fn unary(op: UnaryOp, value: &Value) -> Option<Value> {
    match (op, value) {
        (UnaryOp::Not, value) => Some(Value::Number(i64::from(!value.is_true()))),
        (UnaryOp::Neg, Value::Number(n)) => Some(Value::Number(-n)),
        _ => None,
    }
}

fn binary(op: BinaryOp, left: &Value, right: &Value) -> Option<Value> {
    use BinaryOp::{Add, BitAnd, BitOr, Eq, Ge, Gt, Le, Lt, Mul, Ne, Sub};
    if let (Eq | Ne, true) = (op, left.is_object() || right.is_object()) {
        return Some(Value::Number(i64::from((left == right) == (op == Eq))));
    }
    let (Value::Number(l), Value::Number(r)) = (left, right) else { return None };
    let value = match op {
        Add => l + r,
        Sub => l - r,
        Mul => l * r,
        BitAnd => l & r,
        BitOr => l | r,
        Eq => i64::from(l == r),
        Ne => i64::from(l != r),
        Lt => i64::from(l < r),
        Le => i64::from(l <= r),
        Gt => i64::from(l > r),
        Ge => i64::from(l >= r),
        _ => return None,
    };
    (value.abs() <= BOUND).then_some(Value::Number(value))
}

impl Value {
    fn is_object(&self) -> bool {
        matches!(self, Value::Object(_))
    }
}
