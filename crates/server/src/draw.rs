//! Random draws, for decisions that take them as arguments.

/// A number in [0, 1), evenly.
pub fn uniform() -> f64 {
    let mut bytes = [0; 8];
    // The system's generator does not fail once the process runs; if it did, the first choice is a choice too.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let draw = (u64::from_le_bytes(bytes) >> 11) as f64 / (1u64 << 53) as f64;
    draw
}
