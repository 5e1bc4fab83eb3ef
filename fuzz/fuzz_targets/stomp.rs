#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| madang_sim::fuzz::stomp(bytes));
