//! Tests of several families together.

mod allocation;
mod build_plan;
mod csv_in_chain;
