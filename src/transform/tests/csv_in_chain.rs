//! Transforms whose value JavaScript builds, as steps of a chain.

use crate::transform::chain::Chain;
use crate::transform::contract::{Output, Transform};
use crate::transform::registry;
use crate::transform::testing::{cuts, whole};
use std::sync::Arc;

#[test]
fn a_value_built_in_javascript_ends_a_chain() {
    let step = |name: &str| Arc::from(registry::example(name));
    let packed = whole(&*registry::example("gzip"), b"a\n1\n").unwrap();
    let chain = Chain::new(&[step("gunzip"), step("csv.parse")]).unwrap();
    assert!(chain.output() == Output::JsValue);
    assert_eq!(whole(&chain, &packed), whole(&*registry::example("csv.parse"), b"a\n1\n"));
    cuts(&chain, &packed);
    for maker in ["csv.parse", "json.parse"] {
        for next in ["digest", "json.select", "text.matches", "identity"] {
            let refused = Chain::new(&[step("gunzip"), step(maker), step(next)]).err().unwrap();
            assert_eq!(refused.code(), "ERR_INVALID_ARG_VALUE");
            assert!(refused.message().contains(maker) && refused.message().contains(next), "{}", refused.message());
        }
    }
}
