//! Writes C for the benchmarks: functions that lock, loop, branch and clean up, as many as are asked for.
//!
//! The same number gives the same text, so that two runs measure the same work.

use std::fmt::Write;

/// Source text of `functions` functions, a third of them without locks, and of twice as many macros.
pub fn generate(functions: usize) -> String {
    let mut text = String::from("#include <linux/mutex.h>\n\n");
    let mut choice = Choices(1);
    for at in 0..functions {
        let _ = write!(
            text,
            "#define UNIT_{at}_SHIFT {at} /* of unit {at} */\n\
             #define UNIT_{at}(x) \\\n\t(((x) >> UNIT_{at}_SHIFT) & 0xff)\n\n"
        );
        match at % 3 {
            0 => plain(&mut text, at, &mut choice),
            _ => locking(&mut text, at, &mut choice),
        }
    }
    text
}

/// A function that takes one lock, goes through a few steps that may fail, and gives it back.
fn locking(text: &mut String, at: usize, choice: &mut Choices) {
    let _ = write!(
        text,
        "static int unit_{at}_update(struct unit *unit, unsigned int flags)\n{{\n\
         \tstruct item *item;\n\tint err = 0, count = 0;\n\n\
         \tif (!unit->ready)\n\t\treturn -ENODEV;\n\n\
         \tmutex_lock(&unit->lock);\n"
    );
    for step in 0..2 + choice.below(6) {
        match choice.below(4) {
            0 => {
                let _ = write!(
                    text,
                    "\terr = step_{step}(unit, flags & {});\n\tif (err)\n\t\tgoto out;\n",
                    1 << step
                );
            }
            1 => {
                let _ = write!(
                    text,
                    "\tlist_for_each_entry(item, &unit->items, node) {{\n\
                     \t\tif (item->state == {step})\n\t\t\tcontinue;\n\
                     \t\tcount += use_item(item, \"step %d\", {step});\n\t}}\n"
                );
            }
            2 => {
                let _ = write!(
                    text,
                    "\tswitch (unit->kind) {{\n\tcase {step}:\n\t\tunit->count++;\n\t\tbreak;\n\
                     \tcase {}:\n\t\terr = -EBUSY;\n\t\tgoto out;\n\tdefault:\n\t\tcount++;\n\t}}\n",
                    step + 1
                );
            }
            _ => {
                let _ = write!(
                    text,
                    "\t/* Other users wait for this one. */\n\
                     \tif (flags & {} && unit->next)\n\t\tunit->next->count = count;\n",
                    1 << step
                );
            }
        }
    }
    text.push_str("out:\n\tmutex_unlock(&unit->lock);\n\treturn err;\n}\n\n");
}

fn plain(text: &mut String, at: usize, choice: &mut Choices) {
    let _ = write!(text, "int unit_{at}_read(const struct unit *unit, int at)\n{{\n\tint sum = 0;\n\n");
    for step in 0..4 + choice.below(12) {
        let _ = writeln!(text, "\tsum += read_register(unit->base + {step}) << (at * {});", step % 8);
    }
    text.push_str("\treturn sum;\n}\n\n");
}

/// Numbers without a pattern to the eye, the same at every run (Marsaglia, Xorshift RNGs, 2003).
struct Choices(u32);

impl Choices {
    /// A number below `limit`.
    fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 % limit
    }
}
