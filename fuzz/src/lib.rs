//! What every input must leave true, of bytes from strangers: checked by the fuzz targets on inputs that they invent, and
//! by the ordinary tests of `wire` and `core`, which take these files in, on findings and mutated recordings.

pub mod checks;
pub mod config;
