//! libFuzzer entry to `bodies/ocsp_response.rs`.
#![no_main]

#[path = "../bodies/ocsp_response.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::check(data));
