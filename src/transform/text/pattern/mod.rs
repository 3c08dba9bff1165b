//! Regular expressions of ECMA-262 with the `u` flag in linear time. Patterns that need backtracking (look-around, backreferences)
//! are refused. The pattern is parsed, rewritten and printed in the syntax of the regex crate, which does the search.

mod ascii;
mod classes;
mod compiled;
mod counter;
mod escape;
mod loops;
mod machine;
mod parse;
mod printer;
mod program;
mod property;
mod refusal;
mod search;
mod size;
mod tester;
#[cfg(all(test, not(feature = "loom")))]
mod tests;
mod tree;

pub use compiled::{Pattern, is_pattern};
pub use refusal::Refusal;
pub use search::Searcher;
pub use tester::{Budget, MAX_COMPILED, MatchMode, PatternSource, Tester, for_regex_crate};
pub use tree::Flags;
