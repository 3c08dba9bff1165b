//! Tasks: how JavaScript submits them, and the jobs that the pool runs.

pub mod external;
pub mod input;
pub mod input_buffer;
mod input_form;
pub mod work;
