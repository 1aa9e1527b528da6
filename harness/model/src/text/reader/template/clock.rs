//! `strftime_now`, the clock that transformers offers to every template.

use minijinja::{Error, ErrorKind};

/// The date in every prompt, so that a prompt is the same whenever and wherever it is measured. It is the day
/// that Llama 3's templates use when they find no clock.
pub(super) const DAY: &str = "26 July 2024";

/// The result of Python's `strftime` for each directive at noon of [`DAY`].
const MOMENT: [(char, &str); 33] = [
    ('A', "Friday"),
    ('B', "July"),
    ('C', "20"),
    ('D', "07/26/24"),
    ('F', "2024-07-26"),
    ('G', "2024"),
    ('H', "12"),
    ('I', "12"),
    ('M', "00"),
    ('R', "12:00"),
    ('S', "00"),
    ('T', "12:00:00"),
    ('U', "29"),
    ('V', "30"),
    ('W', "30"),
    ('X', "12:00:00"),
    ('Y', "2024"),
    ('Z', ""),
    ('a', "Fri"),
    ('b', "Jul"),
    ('c', "Fri Jul 26 12:00:00 2024"),
    ('d', "26"),
    ('e', "26"),
    ('f', "000000"),
    ('h', "Jul"),
    ('j', "208"),
    ('m', "07"),
    ('p', "PM"),
    ('u', "5"),
    ('w', "5"),
    ('x', "07/26/24"),
    ('y', "24"),
    ('z', ""),
];

/// The date in a template's format.
///
/// # Errors
/// When the format has an unknown directive.
pub(super) fn strftime_now(format: &str) -> Result<String, Error> {
    let mut text = String::with_capacity(format.len());
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        let mut directive = letters.next();
        // Without leading zeros, as in the C library.
        let is_short = directive == Some('-');
        if is_short {
            directive = letters.next();
        }
        if directive == Some('%') && !is_short {
            text.push('%');
            continue;
        }
        let known = MOMENT.iter().find(|(known, _)| Some(*known) == directive).map(|(_, text)| *text);
        let known = known.ok_or_else(|| {
            let reason = format!("strftime_now does not know the format {format:?}");
            Error::new(ErrorKind::InvalidOperation, reason)
        })?;
        let short = known.trim_start_matches('0');
        text.push_str(match short {
            "" if is_short && !known.is_empty() => "0",
            short if is_short => short,
            _ => known,
        });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_python_writes_them() {
        let day = |format| strftime_now(format).unwrap();
        assert_eq!(day("%d %B %Y"), DAY);
        assert_eq!(day("%Y-%m-%d %H:%M"), "2024-07-26 12:00");
        assert_eq!(day("%A, %-m/%-d/%y, %-M %%d"), "Friday, 7/26/24, 0 %d");
        for unknown in ["%Q", "%", "%-", "%é"] {
            assert!(strftime_now(unknown).unwrap_err().to_string().contains("does not know"), "{unknown}");
        }
    }
}
