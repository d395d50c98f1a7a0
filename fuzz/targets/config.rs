#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_fuzz::config;

fuzz_target!(|data: &[u8]| config::check(data));
