#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| offloop_fuzz::check("json_select_path", bytes));
