//! Numbers of JSON as they are written, shifted by powers of ten into integers: no float comes between.

/// `text` × 10^`shift`, rounded half away from zero; `None`: it is no number, or too large.
pub(super) fn shifted(text: &str, shift: i32) -> Option<i64> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let power = exponent.parse::<i32>().ok()? + shift - i32::try_from(fraction.len()).ok()?;
    let factor = 10_i128.checked_pow(power.unsigned_abs())?;
    let value = if power >= 0 { digits.checked_mul(factor)? } else { (digits + factor / 2) / factor };
    i64::try_from(if negative { -value } else { value }).ok()
}

#[cfg(test)]
mod tests {
    use super::shifted;

    #[test]
    fn numbers_are_shifted_exactly() {
        for (text, shift, expected) in [
            ("3e-06", 15, Some(3_000_000_000)),
            ("3.75", 9, Some(3_750_000_000)),
            ("0.0", 9, Some(0)),
            ("7.1429e-05", 15, Some(71_429_000_000)),
            ("3.3333333333333335e-05", 15, Some(33_333_333_333)),
            ("1.5e-15", 15, Some(2)),
            ("12", 9, Some(12_000_000_000)),
            ("2.5E+1", 0, Some(25)),
            ("-1.5", 1, Some(-15)),
            ("x", 0, None),
            ("1e99", 0, None),
        ] {
            assert_eq!(shifted(text, shift), expected, "{text}");
        }
    }
}
