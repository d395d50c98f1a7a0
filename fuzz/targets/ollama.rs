#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_fuzz::checks;
use tollgate_ir::Dialect;

fuzz_target!(|data: &[u8]| checks::dialect::check(Dialect::Ollama, data));
