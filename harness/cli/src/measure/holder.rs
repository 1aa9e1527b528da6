//! The holder of a lock, for processes that find it taken.

use pocketwatt_protocol::wall_clock_unix_ms;

use crate::{inert, report::output::date};

/// This process. A process number only means something in its container, so the host's name is beside it. The
/// command line is left out: other users may read this, and it may contain private data.
pub fn own_name() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let since = date::minute(wall_clock_unix_ms());
    format!("pocketwatt, process {} on {host}, since {since}", std::process::id())
}

/// The holder according to a lock's file. Any program may have written it.
pub fn shown(holder: &str) -> String {
    let name = inert::line(holder.trim());
    if name.is_empty() { "a process that left no name".into() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_named_and_cannot_write_on_the_terminal() {
        let name = own_name();
        assert!(name.starts_with(&format!("pocketwatt, process {} on ", std::process::id())), "{name}");
        assert_eq!(shown(&name), name);
        assert_eq!(shown("\u{1b}[31mred"), "\\u{1b}[31mred");
        assert_eq!(shown(" \n"), "a process that left no name");
    }
}
