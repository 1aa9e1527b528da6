use std::fs;

use rustix::param::clock_ticks_per_second;

/// Seconds of processor time that all processes have used which can be seen here, those included that ended and were waited for.
pub(in crate::phone) fn busy_s() -> f64 {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ticks: u64 = processes
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit())))
        .filter_map(|entry| ticks(&fs::read_to_string(entry.path().join("stat")).ok()?))
        .sum();
    ticks as f64 / clock_ticks_per_second() as f64
}

/// Fields 14 to 17: its own time, and that of its children, each in user mode and in the kernel.
fn ticks(stat: &str) -> Option<u64> {
    let (_, behind_name) = stat.rsplit_once(") ")?;
    Some(behind_name.split_whitespace().skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum())
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_are_behind_a_name_with_blanks() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194304 100 0 0 0 1 20 300 4000 20 0 1 0 5";
        assert_eq!(super::ticks(stat), Some(4321));
    }
}
