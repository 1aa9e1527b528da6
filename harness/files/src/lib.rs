//! Files and folders that other processes may read, write or replace at the same time: names that cannot lead elsewhere, writes
//! that appear whole or not at all, locks that end with their process, and reading of regular files only.
//!
//! Nothing here relies on process numbers, since another container has its own. The writer of an unfinished file or folder
//! holds a lock on it, so a process that can take that lock knows that the writer is gone.

mod aside;
mod digest;
mod folder;
mod harmless;
mod identity;
mod invisible;
mod lock;
mod name;
mod output;
mod partial;
mod read;
mod write;

pub use aside::set_aside;
pub use digest::{hexadecimal, sha256, sha256_of_reader};
pub use folder::create_folder;
pub use harmless::harmless_name;
pub use identity::FileIdentity;
pub use invisible::is_invisible;
pub use lock::{Held, Lock};
pub use name::{NameError, check_name, join_inside};
pub use output::write_output;
pub use partial::{PartialFolder, exchange, remove_abandoned};
pub use read::{open_regular, open_regular_in_place, read_bounded, read_bounded_in_place, read_text_bounded};
pub use write::write_atomically;
