//! libFuzzer entry to `bodies/preflight_probe.rs`.
#![no_main]

#[path = "../bodies/preflight_probe.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::check(data));
