#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_fuzz::checks;

fuzz_target!(|data: &[u8]| checks::envelope::check(data));
