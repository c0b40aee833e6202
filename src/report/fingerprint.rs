//! Fingerprint `lockbalance/v1`: what a finding *is*, without where it stands.
//!
//! Rule, function, lock without white space, exit kind, and an ordinal among equal ones: moved lines and renamed files do not change it.

use crate::diagnostic::Diagnostic;
use rustc_hash::FxHashMap;

/// One fingerprint per finding, in order.
pub fn fingerprints(diagnostics: &[Diagnostic]) -> Vec<String> {
    let mut seen: FxHashMap<(u32, String), usize> = FxHashMap::default();
    diagnostics
        .iter()
        .map(|diagnostic| {
            let lock: String = diagnostic.lock.chars().filter(|c| !c.is_whitespace()).collect();
            let identity =
                format!("{}\n{}\n{lock}\n{}", diagnostic.rule.id, diagnostic.function, diagnostic.exit);
            let ordinal = seen.entry((diagnostic.primary.span.file.0, identity.clone())).or_default();
            *ordinal += 1;
            let hash = blake3::hash(format!("lockbalance/v1\n{identity}\n{ordinal}").as_bytes());
            hash.to_hex()[..32].to_owned()
        })
        .collect()
}
