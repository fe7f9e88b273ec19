//! Figures as people read them.

use std::fmt;
use std::time::Duration;

/// A number with commas between the thousands.
#[derive(Clone, Copy)]
pub(super) struct Count(pub(super) u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(n) = *self;
        if n < 1000 {
            return write!(f, "{n}");
        }
        write!(f, "{},{:03}", Self(n / 1000), n % 1000)
    }
}

/// A share that was measured: one decimal, two below 1 %.
#[derive(Clone, Copy)]
pub(super) struct Percent(pub(super) f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.0 * 100.0;
        if percent == 0.0 {
            f.write_str("0 %")
        } else if percent < 0.995 {
            write!(f, "{percent:.2} %")
        } else {
            write!(f, "{percent:.1} %")
        }
    }
}

/// A share that somebody chose: as he wrote it.
#[derive(Clone, Copy)]
pub(super) struct Threshold(pub(super) f64);

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Away with what multiplying adds at the far end: 0.07 * 100 is a little more than 7.
        let percent = (self.0 * 100.0 * 1e9).round() / 1e9;
        write!(f, "{percent} %")
    }
}

/// Nanoseconds, in the unit that fits.
#[derive(Clone, Copy)]
pub(super) struct Nanos(pub(super) f64);

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(n) = *self;
        match n.abs() {
            size if size < 999.95 => write!(f, "{n:.1} ns"),
            size if size < 999_950.0 => write!(f, "{:.1} µs", n / 1e3),
            size if size < 999_950_000.0 => write!(f, "{:.1} ms", n / 1e6),
            _ => write!(f, "{:.1} s", n / 1e9),
        }
    }
}

/// A time, by its two greatest units.
#[derive(Clone, Copy)]
pub(super) struct Span(pub(super) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
        if days > 0 {
            write!(f, "{days} d {} h", hours % 24)
        } else if hours > 0 {
            write!(f, "{hours} h {} min", minutes % 60)
        } else if minutes > 0 {
            write!(f, "{minutes} min {} s", seconds % 60)
        } else if seconds >= 10 {
            write!(f, "{seconds} s")
        } else {
            // To whole milliseconds first, lest 999.9 ms were 1000 ms.
            match self.0.as_millis() {
                0 => write!(f, "{} µs", self.0.as_micros()),
                millis @ 1..1000 => write!(f, "{millis} ms"),
                millis => write!(f, "{}.{} s", millis / 1000, millis % 1000 / 100),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_commas_between_the_thousands() {
        let texts = [0, 999, 1000, 16_384, 1_000_001].map(|n| Count(n).to_string());
        assert_eq!(texts, ["0", "999", "1,000", "16,384", "1,000,001"]);
        assert_eq!(Count(u64::MAX).to_string(), "18,446,744,073,709,551,615");
    }

    #[test]
    fn shares_have_as_many_decimals_as_help() {
        let texts = [0.0, 0.0004, 0.00994, 0.009_96, 0.123, 1.0].map(|s| Percent(s).to_string());
        assert_eq!(
            texts,
            ["0 %", "0.04 %", "0.99 %", "1.0 %", "12.3 %", "100.0 %"]
        );
    }

    #[test]
    fn thresholds_are_as_they_were_written() {
        let texts = [0.07, 0.1, 0.025, 1.0, 0.0].map(|s| Threshold(s).to_string());
        assert_eq!(texts, ["7 %", "10 %", "2.5 %", "100 %", "0 %"]);
    }

    #[test]
    fn times_are_in_the_unit_that_fits() {
        let texts = [0.0, 34.12, 1234.0, 5.6e6, 7.8e9].map(|n| Nanos(n).to_string());
        assert_eq!(texts, ["0.0 ns", "34.1 ns", "1.2 µs", "5.6 ms", "7.8 s"]);
        let texts = [0.0, 0.25, 0.9999, 1.25, 59.9, 61.0, 3720.0, 100_000.0]
            .map(|s| Span(Duration::from_secs_f64(s)).to_string());
        let expected = [
            "0 µs",
            "250 ms",
            "999 ms",
            "1.2 s",
            "59 s",
            "1 min 1 s",
            "1 h 2 min",
            "1 d 3 h",
        ];
        assert_eq!(texts, expected);
    }
}
