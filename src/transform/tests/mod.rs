//! Tests of several families together.

mod build_plan;
mod csv_in_chain;
