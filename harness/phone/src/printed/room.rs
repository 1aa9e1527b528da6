use crate::Unread;

/// Reads the free bytes from `df -k FOLDER`.
///
/// The row has three numbers before its share in per cent: size, used and available. Names of file systems may contain blanks
/// and may stand on a line of their own, so columns are counted from that share. Before Android 6, `df` printed rounded sizes
/// (`12.0G`), which are refused.
///
/// # Errors
/// When there is no such row.
pub fn free_bytes(text: &str) -> Result<u64, Unread> {
    let mut lines = text.lines();
    let header = lines.next().ok_or(Unread::Missing)?;
    if !header.contains("1K-blocks") {
        return Err(Unread::unreadable(header));
    }
    let rows = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
    let kibibytes = rows.filter_map(|row| available(&row)).next_back();
    kibibytes.and_then(|kibibytes| kibibytes.checked_mul(1024)).ok_or_else(|| Unread::unreadable(text))
}

fn available(row: &[&str]) -> Option<u64> {
    let share = row.iter().position(|word| word.ends_with('%'))?;
    let numbers = row.get(share.checked_sub(3)?..share)?;
    let [size, _, available] = numbers.iter().map(|number| number.parse().ok()).collect::<Option<Vec<u64>>>()?[..]
    else {
        return None;
    };
    (available <= size).then_some(available)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_free_blocks_are_before_the_share_wherever_the_row_breaks() {
        let toybox = "Filesystem     1K-blocks     Used Available Use% Mounted on\n\
                      /dev/block/dm-5 112345678  5123456 107222222   5% /data\n";
        assert_eq!(free_bytes(toybox), Ok(107_222_222 * 1024));
        let broken = "Filesystem           1K-blocks      Used Available Use% Mounted on\r\n\
                      /dev/block/platform/by-name/userdata\r\n  5000 4000 1000 80% /data with blanks\r\n";
        assert_eq!(free_bytes(broken), Ok(1000 * 1024));
    }

    #[test]
    fn what_is_no_exact_number_is_refused() {
        let header = "Filesystem 1K-blocks Used Available Use% Mounted on\n";
        for text in [
            "Filesystem               Size     Used     Free   Blksize\n/data  12.0G     5.0G     7.0G   4096\n"
                .to_owned(),
            header.to_owned(),
            format!("{header}/dev 10 5 -5 50% /data\n"),
            format!("{header}/dev 10 5 20 50% /data\n"),
            format!("{header}/dev 99999999999999999999 5 18446744073709551615 1% /data\n"),
            format!("{header}/dev 18446744073709551615 5 18446744073709551615 1% /data\n"),
            format!("{header}50% /data\n"),
            String::new(),
        ] {
            assert!(free_bytes(&text).is_err(), "{text}");
        }
    }
}
