//! The one integration test binary; each module tests one side of the house.
//!
//! All of them are text in, text out, through `support`. Expected text that has changed for a good reason is rewritten
//! with `UPDATE_EXPECT=1 cargo test`, and read again in the diff.

mod it {
    mod broken;
    mod cli;
    mod cli_edges;
    mod docs;
    mod fixtures;
    mod floors;
    mod hwpoison;
    mod lattice;
    mod lower;
    mod oracle;
    mod own_source;
    mod profile;
    mod quickfix;
    mod recovery;
    mod report;
    mod rule_docs;
    mod support;
}
