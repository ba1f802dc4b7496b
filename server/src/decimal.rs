//! Numbers as text, as their `Display` has them: of those that lines and measurements are full of, in far less time.

use std::fmt::Write;

pub fn write_integer(out: &mut String, number: u64) {
    out.push_str(itoa::Buffer::new().format(number));
}

pub fn write_float(out: &mut String, number: f64) {
    // Milliseconds down to the microsecond, as nearly all are. Of so few digits, no two numbers are the same float.
    let thousandths = (number * 1_000.0).round();
    let is_short = number.is_sign_positive() && thousandths < 1e15 && thousandths / 1_000.0 == number;
    if !is_short {
        let _ = write!(out, "{number}");
        return;
    }
    let thousandths = thousandths as u64;
    write_integer(out, thousandths / 1_000);
    let mut left = thousandths % 1_000;
    let mut unit = 100;
    if left > 0 {
        out.push('.');
    }
    while left > 0 {
        out.push(char::from(digit(left / unit)));
        left %= unit;
        unit /= 10;
    }
}

fn digit(number: u64) -> u8 {
    b'0' + (number % 10) as u8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn holds(number: f64) -> Result<(), TestCaseError> {
        let mut text = String::new();
        write_float(&mut text, number);
        prop_assert_eq!(text, number.to_string());
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_number_is_written_as_its_display(number in any::<u64>(), float in any::<f64>(), bits in 0..64) {
            let number = number >> bits;
            let mut text = String::new();
            write_integer(&mut text, number);
            prop_assert_eq!(text, number.to_string());
            holds(float)?;
            holds(1.0 / float)?;
            for scale in [1.0, 10.0, -10.0, 100.0, 1_000.0, 10_000.0] {
                holds(number as f64 / scale)?;
            }
        }
    }

    #[test]
    fn so_is_what_is_none() {
        for number in [0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, f64::MAX] {
            holds(number).expect("the same");
        }
    }
}
