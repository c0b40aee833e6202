//! What the text of a body says of its variables and of the memory behind its parameters, whatever the path.

use super::meaning::{CallMeaning, Meanings};
use crate::ir::{Base, Body, Callee, Expr, LocalId, LocalKind, Name, Place, Projection, StatementKind};
use rustc_hash::FxHashSet;

/// Projections of a place that callers are told about: `(*p).a.b`.
const LEFT_BEHIND_DEPTH: usize = 3;

/// Places that callers are told about.
const LEFT_BEHIND_LIMIT: usize = 12;

/// Last member or global of a place; `None` for a plain local.
pub(super) fn place_name(place: &Place) -> Option<Name> {
    let member = place.projections.iter().rev().find_map(|step| match step {
        Projection::Field(name) => Some(name.clone()),
        _ => None,
    });
    match (&member, &place.base) {
        (None, Base::Global(name)) => Some(name.clone()),
        _ => member,
    }
}

/// Locals whose address is stored, returned or compared, rather than only passed to a call.
pub(super) fn escaping_locals(body: &Body) -> Vec<bool> {
    let mut escaping = FxHashSet::default();
    for block in body.cfg.blocks() {
        for statement in &body.cfg.block(block).statements {
            if let StatementKind::Assign { value, .. } = &statement.kind {
                addresses(body, value, &mut |id| {
                    escaping.insert(id);
                });
            }
        }
    }
    body.locals
        .iter()
        .enumerate()
        .map(|(at, local)| local.kind == LocalKind::Static || escaping.contains(&LocalId(at as u32)))
        .collect()
}

/// Memory right behind the parameters that the body writes: `*locked = true`, `find->tree = tree`.
pub fn left_behind(body: &Body) -> Vec<&Place> {
    let behind = |place: &Place| {
        let parameter = matches!(place.base, Base::Local(id) if body.local(id).kind == LocalKind::Parameter);
        let members = |step: &Projection| matches!(step, Projection::Field(_));
        parameter
            && place.projections.first() == Some(&Projection::Deref)
            && place.projections.len() <= LEFT_BEHIND_DEPTH
            && place.projections[1..].iter().all(members)
    };
    let statements = body.cfg.blocks().flat_map(|block| &body.cfg.block(block).statements);
    let written = statements.filter_map(|statement| match &statement.kind {
        StatementKind::Assign {
            place,
            value: Expr::Int(_) | Expr::Null | Expr::Read(_) | Expr::AddressOf(_),
        } => Some(place),
        StatementKind::Call { place: Some(place), .. } => Some(place),
        _ => None,
    });
    let mut places: Vec<&Place> = written.filter(|place| behind(place)).collect();
    places.truncate(LEFT_BEHIND_LIMIT);
    places
}

/// Locals that are set to null somewhere.
pub(super) fn optional_locals(body: &Body) -> Vec<bool> {
    let mut optional = vec![false; body.locals.len()];
    for statement in body.cfg.blocks().flat_map(|block| &body.cfg.block(block).statements) {
        if let StatementKind::Assign { place, value: Expr::Null | Expr::Int(0) } = &statement.kind
            && let Some(local) = place.as_local()
        {
            optional[local.0 as usize] = true;
        }
    }
    optional
}

/// Temporaries that some place starts from and dereferences, or that name the lock of an operation.
pub(super) fn followed_temporaries(body: &Body, meanings: &Meanings<'_>) -> Vec<bool> {
    let mut followed = vec![false; body.locals.len()];
    let mut named: Vec<LocalId> = Vec::new();
    let temporary = |arg: &Expr| match arg {
        Expr::Read(place) => place.as_local().filter(|id| body.local(*id).kind == LocalKind::Temporary),
        _ => None,
    };
    let mut note = |place: &Place| {
        if let (Base::Local(id), Some(Projection::Deref)) = (&place.base, place.projections.first()) {
            followed[id.0 as usize] |= body.local(*id).kind == LocalKind::Temporary;
        }
    };
    for block in body.cfg.blocks() {
        for statement in &body.cfg.block(block).statements {
            match &statement.kind {
                StatementKind::Assign { place, value } => {
                    note(place);
                    places(value, &mut note);
                }
                StatementKind::Call { place, args, callee, .. } => {
                    place.iter().for_each(&mut note);
                    args.iter().for_each(|arg| places(arg, &mut note));
                    let Callee::Named(name) = callee else { continue };
                    if matches!(meanings.of(name), CallMeaning::Effects(..)) {
                        named.extend(args.iter().filter_map(temporary));
                    }
                }
                StatementKind::Declare(_) | StatementKind::Opaque(_) => {}
            }
        }
    }
    named.iter().for_each(|id| followed[id.0 as usize] = true);
    followed
}

fn places(expr: &Expr, visit: &mut dyn FnMut(&Place)) {
    match expr {
        Expr::Read(place) | Expr::AddressOf(place) => visit(place),
        Expr::Unary(_, operand) => places(operand, visit),
        Expr::Binary(_, left, right) => {
            places(left, visit);
            places(right, visit);
        }
        Expr::Int(_) | Expr::Null | Expr::Str | Expr::Const(_) | Expr::Unknown => {}
    }
}

/// Calls `visit` on each local of `body` whose address `expr` takes.
pub fn addresses(body: &Body, expr: &Expr, visit: &mut dyn FnMut(LocalId)) {
    match expr {
        Expr::AddressOf(Place { base: Base::Local(id), projections })
            if !projections.contains(&Projection::Deref) && !goes_through(body, *id, projections) =>
        {
            visit(*id);
        }
        Expr::Unary(_, operand) => addresses(body, operand, visit),
        Expr::Binary(_, left, right) => {
            addresses(body, left, visit);
            addresses(body, right, visit);
        }
        _ => {}
    }
}

/// Whether `&p[i]` is the address of what the variable points to: it has been given a value as a whole, which no array is.
fn goes_through(body: &Body, id: LocalId, projections: &[Projection]) -> bool {
    matches!(projections.first(), Some(Projection::Index(_)))
        && (body.local(id).kind == LocalKind::Parameter || is_assigned(body, id))
}

/// Whether the body gives the local, as a whole, a value.
pub(super) fn is_assigned(body: &Body, id: LocalId) -> bool {
    let statements = body.cfg.blocks().flat_map(|block| &body.cfg.block(block).statements);
    statements.into_iter().any(|statement| match &statement.kind {
        StatementKind::Assign { place, .. } => place.as_local() == Some(id),
        StatementKind::Call { place, .. } => place.as_ref().and_then(Place::as_local) == Some(id),
        StatementKind::Declare(_) | StatementKind::Opaque(_) => false,
    })
}
