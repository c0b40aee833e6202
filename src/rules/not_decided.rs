//! LB090 not-decided: emitted by the driver, for what no rule could judge.

use crate::diagnostic::{RuleMeta, Severity};

/// LB090.
pub static META: RuleMeta = RuleMeta {
    id: "LB090",
    name: "not-decided",
    summary: "a function that uses locks could not be decided, with the reason",
    severity: Severity::Note,
    cwe: &[],
    docs: r#"
## What it checks
Each function with locks is proved balanced, has a finding, or is *not decided*. This rule lists the last kind with the reason: text that was not
understood, a bound that was hit, a lock under an unknown name, a hand-over that nothing in sight confirms.

## Why it matters
A prover that says nothing about what it could not prove invites belief where none is due. The counts stand in every report's last line.

## Example
The function below walks to a lock through a name that is made anew in each round, and hands a set of locks to its caller.
```c bad
void lock_all(struct dev *dev)
{
	struct port *port;

	list_for_each_entry(port, &dev->ports, node)
		mutex_lock(&port->lock);
}
```
```c good
void lock_one(struct port *port)
{
	mutex_lock(&port->lock);
	touch(port);
	mutex_unlock(&port->lock);
}
```

## Not reported
By default these notes are counted, not listed; `--confidence low` lists them.
"#,
};
