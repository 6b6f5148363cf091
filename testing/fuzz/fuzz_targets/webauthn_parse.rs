//! libFuzzer entry to `bodies/webauthn_parse.rs`.
#![no_main]

#[path = "../bodies/webauthn_parse.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::check(data));
