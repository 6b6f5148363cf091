//! libFuzzer entry to `bodies/openflow_decode.rs`.
#![no_main]

#[path = "../bodies/openflow_decode.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::check(data));
