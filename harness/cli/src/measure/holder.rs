//! Who holds a lock, in words for whoever finds it taken.

use pocketwatt_protocol::wall_clock_unix_ms;

use crate::{inert, report::output::date};

/// This process. A number of a process means something in its container alone, so the host's name stands beside it. The
/// command line stays out: others may read this, and it may hold what is nobody's business.
pub fn own_name() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let since = date::minute(wall_clock_unix_ms());
    format!("pocketwatt, process {} on {host}, since {since}", std::process::id())
}

/// What a lock's file says of its holder. Anybody may have written it.
pub fn shown(holder: &str) -> String {
    let name = inert::line(holder.trim());
    if name.is_empty() { "somebody who left no name".into() } else { name }
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
        assert_eq!(shown(" \n"), "somebody who left no name");
    }
}
