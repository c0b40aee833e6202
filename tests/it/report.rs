//! Reporters on findings made by hand: what no C file shows today, steps in other files first of all.

use lockbalance::diagnostic::{Confidence, Diagnostic, Label, Ledger};
use lockbalance::driver::Outcome;
use lockbalance::report::{RenderContext, concise, full};
use lockbalance::rules;
use lockbalance::source::{FileId, SourceMap, Span, TextError, TextProvider};

/// Two files whose text is at hand.
struct Two([(&'static str, &'static str); 2]);

impl TextProvider for Two {
    fn read(&self, path: &str) -> Result<Vec<u8>, TextError> {
        let found = self.0.iter().find(|(name, _)| *name == path);
        Ok(found.expect("one of the two").1.as_bytes().to_vec())
    }
}

const TEXTS: Two = Two([
    ("caller.c", "void caller(void)\n{\n\tlock(l); /* größer */\n\tcallee(l);\n\tunlock(l);\n}\n"),
    ("callee.c", "void callee(struct lock *l)\n{\n\tunlock(l);\n}\n"),
]);

fn span(file: usize, part: &str) -> Span {
    let start = TEXTS.0[file].1.find(part).expect("the part is there");
    Span::new(FileId(file as u32), start, start + part.len())
}

fn outcome() -> Outcome {
    let label = |file, part, text: &str| Label { span: span(file, part), text: text.to_owned() };
    let rule = rules::find("double-release").expect("the rule");
    let primary = label(0, "unlock(l)", "released again here");
    let steps =
        vec![label(0, "lock(l)", "acquired here"), label(1, "unlock(l)", "released here"), primary.clone()];
    let diagnostic = Diagnostic {
        rule,
        severity: rule.severity,
        confidence: Confidence::High,
        message: "`l` is released twice".to_owned(),
        primary,
        function: "caller".to_owned(),
        lock: "l".to_owned(),
        exit: "",
        steps,
        help: vec!["skip the second release".to_owned()],
    };
    let sources = SourceMap::new(TEXTS.0.iter().map(|(name, _)| (*name).to_owned()));
    for (file, (_, text)) in sources.files().zip(TEXTS.0) {
        sources.remember_lines(file, text.as_bytes());
    }
    Outcome {
        sources,
        diagnostics: vec![diagnostic],
        errors: Vec::new(),
        verdicts: Vec::new(),
        idle_slots: Vec::new(),
        ledger: Ledger::default(),
    }
}

fn rendered(
    render: fn(&Outcome, &RenderContext<'_>, &mut dyn std::io::Write) -> std::io::Result<()>,
    outcome: &Outcome,
    unicode: bool,
) -> String {
    let context = RenderContext { texts: &TEXTS, color: false, unicode };
    let mut out = Vec::new();
    render(outcome, &context, &mut out).expect("a vector takes everything");
    String::from_utf8(out).expect("text")
}

#[test]
fn steps_in_another_file_have_a_snippet_of_their_own() {
    let text = rendered(full::render, &outcome(), false);
    let expected = "\
error[LB002]: `l` is released twice
   ,-[caller.c:5:2]
 2 | {
 3 |     lock(l); /* größer */
   :     ^^^|^^^
   :        `-- 1 acquired here
 4 |     callee(l);
 5 |     unlock(l);
   :     ^^^^|^^^^
   :         `-- 3 released again here
 6 | }
   `----
   ,-[callee.c:3:2]
 2 | {
 3 |     unlock(l);
   :     ^^^^|^^^^
   :         `-- 2 released here
 4 | }
   `----
  help: skip the second release
";
    assert_eq!(text, expected);
}

#[test]
fn gcc_lines_name_the_file_of_each_step() {
    let text = rendered(concise::render, &outcome(), false);
    let places: Vec<&str> = text.lines().filter_map(|line| line.split(": ").next()).collect();
    assert_eq!(places, ["caller.c:5:2", "caller.c:3:2", "callee.c:3:2", "caller.c:5:2"]);
}

#[test]
fn frames_are_ascii_unless_wanted_otherwise() {
    let mut outcome = outcome();
    outcome.diagnostics[0].steps.remove(0);
    assert!(rendered(full::render, &outcome, false).is_ascii());
    assert!(rendered(full::render, &outcome, true).contains('╭'));
}

#[test]
fn long_lines_are_cut_and_odd_characters_replaced() {
    let long = format!("\tx = \"\u{202e}\x1b[31m{}\"; unlock(l);\n", "a".repeat(1000));
    let text: &'static str = Box::leak(long.into_boxed_str());
    let mut outcome = outcome();
    let at = text.find("unlock").expect("it is there");
    let primary = Label { span: Span::new(FileId(0), at, at + 9), text: "here".to_owned() };
    outcome.diagnostics[0].steps = vec![primary.clone()];
    outcome.diagnostics[0].primary = primary;
    let context =
        RenderContext { texts: &Two([("caller.c", text), TEXTS.0[1]]), color: false, unicode: false };
    let mut out = Vec::new();
    full::render(&outcome, &context, &mut out).expect("a vector takes everything");
    let shown = String::from_utf8(out).expect("text");
    assert!(shown.contains("???") && !shown.contains(['\u{202e}', '\x1b']), "{shown}");
    assert!(shown.lines().all(|line| line.len() < 300), "{shown}");
    assert!(shown.contains("1 here"), "{shown}");
}
