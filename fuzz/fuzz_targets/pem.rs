#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| oidc_spa_native_fuzz_targets::documents::pem(bytes));
