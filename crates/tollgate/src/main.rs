//! tollgate
fn main() {}
