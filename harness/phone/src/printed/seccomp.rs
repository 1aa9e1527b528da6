use crate::Unread;

/// Which system calls the kernel lets a process make (seccomp(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seccomp {
    /// All of them.
    Off,
    /// Reading, writing and ending, only.
    Strict,
    /// Those that a filter lets through. Android filters the calls of apps, and kills a program that makes another.
    Filter,
}

/// Reads the line `Seccomp` of `/proc/self/status`: `cat` in the phone's shell has the filter that a program of ours would have.
/// Nobody documents what phones set for the shell of adb, so it is asked.
///
/// # Errors
/// When there is no such line, as in kernels without seccomp, or it holds another number.
pub fn seccomp(text: &str) -> Result<Seccomp, Unread> {
    let value = text.lines().find_map(|line| line.strip_prefix("Seccomp:")).map(str::trim).ok_or(Unread::Missing)?;
    match value {
        "0" => Ok(Seccomp::Off),
        "1" => Ok(Seccomp::Strict),
        "2" => Ok(Seccomp::Filter),
        other => Err(Unread::unreadable(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_is_the_processs_own_and_not_the_number_of_filters() {
        let status = "Name:\tcat\nNoNewPrivs:\t0\nSeccomp:\t2\nSeccomp_filters:\t1\n";
        assert_eq!(seccomp(status), Ok(Seccomp::Filter));
        assert_eq!(seccomp("Seccomp:\t0\r\n"), Ok(Seccomp::Off));
        assert_eq!(seccomp("Name:\tcat\nSeccomp_filters:\t0\n"), Err(Unread::Missing));
        assert_eq!(seccomp("Seccomp:\t7"), Err(Unread::unreadable("7")));
    }
}
