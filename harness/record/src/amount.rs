use std::fmt::{self, Display, Formatter, LowerExp};

/// From this size on, a number is written with a power of ten.
const LARGE: f64 = 1e15;

/// A number for people, with as many decimals as requested. Records may contain anything, so a very large number is
/// written with a power of ten, and one that is not finite in words.
#[derive(Clone, Copy, Debug)]
pub struct Amount(pub f64);

impl Display for Amount {
    fn fmt(&self, formatter: &mut Formatter) -> fmt::Result {
        if self.0.abs() < LARGE {
            return Display::fmt(&self.0, formatter);
        }
        if self.0.is_finite() { write!(formatter, "{:.2e}", self.0) } else { formatter.write_str("out of range") }
    }
}

impl LowerExp for Amount {
    fn fmt(&self, formatter: &mut Formatter) -> fmt::Result {
        if self.0.is_finite() { LowerExp::fmt(&self.0, formatter) } else { formatter.write_str("out of range") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_short_whatever_they_are() {
        let shown = |value: f64| format!("{:.1} {:.1e}", Amount(value), Amount(value));
        assert_eq!(shown(1234.56), "1234.6 1.2e3");
        assert_eq!(shown(-1e308), "-1.00e308 -1.0e308");
        assert_eq!(shown(1e-320), "0.0 1.0e-320");
        assert_eq!(shown(f64::INFINITY), "out of range out of range");
        assert_eq!(shown(f64::NAN), "out of range out of range");
    }
}
