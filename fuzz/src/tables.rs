//! CSV tables, whole and in chunks.

use super::forms::{options, parses, text};
use offloop::transform::Arg;

fn names(names: &[&str]) -> Arg {
    Arg::List(names.iter().map(|name| text(name)).collect())
}

/// Parses as strings, in another dialect, and with named, typed columns.
pub fn parse(input: &[u8]) {
    let types = options(&[("a", text("number")), ("b", text("boolean"))]);
    for fields in [
        options(&[("maxOutput", Arg::Number(1e6))]),
        options(&[("header", Arg::Bool(false)), ("delimiter", text(";")), ("quote", text("'"))]),
        options(&[("header", names(&["a", "b"])), ("columns", types), ("maxOutput", Arg::Number(1e3))]),
    ] {
        parses("csv.parse", &[fields], input);
    }
}

pub fn aggregate(input: &[u8]) {
    let ops = [("n", "count"), ("s", "sum"), ("low", "min"), ("p", "p50")];
    let measures = ops.map(|(name, op)| (name, names(&[op, "b"])));
    let fields = [("header", names(&["a", "b"])), ("groupBy", names(&["a"])), ("measures", options(&measures))];
    parses("csv.aggregate", &[options(&fields)], input);
}
