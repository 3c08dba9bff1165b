#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| offloop_fuzz::check("heap_snapshot", bytes));
