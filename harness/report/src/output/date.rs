//! Dates for people, UTC.

use jiff::Timestamp;

/// `2026-11-23 12:42 UTC`.
pub fn minute(unix_ms: u64) -> String {
    written(unix_ms, "%Y-%m-%d %H:%M UTC")
}

/// `20261123-124233`: sorts by time, and is valid on every file system.
pub fn stamp(unix_ms: u64) -> String {
    written(unix_ms, "%Y%m%d-%H%M%S")
}

/// `2026-11`.
pub fn month(unix_ms: u64) -> String {
    written(unix_ms, "%Y-%m")
}

/// `2026-11-23T12:42:33Z`, as in RFC 3339.
pub fn internet(unix_ms: u64) -> String {
    written(unix_ms, "%Y-%m-%dT%H:%M:%SZ")
}

/// Records may come from anywhere: years have four digits here, and a later date is reported as such.
fn written(unix_ms: u64, format: &str) -> String {
    let milliseconds = i64::try_from(unix_ms).ok();
    let date = milliseconds.and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok());
    date.map_or_else(|| "after-the-year-9999".to_owned(), |date| date.strftime(format).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_agree_with_the_calendar() {
        assert_eq!(minute(0), "1970-01-01 00:00 UTC");
        assert_eq!(minute(951_782_400_000), "2000-02-29 00:00 UTC");
        assert_eq!(minute(1_795_437_753_000), "2026-11-23 12:42 UTC");
        assert_eq!(stamp(1_795_437_753_000), "20261123-124233");
        assert_eq!(internet(1_795_437_753_000), "2026-11-23T12:42:33Z");
        assert_eq!(month(1_795_437_753_000), "2026-11");
        assert_eq!([minute(u64::MAX), minute(i64::MAX as u64)], ["after-the-year-9999"; 2]);
    }
}
