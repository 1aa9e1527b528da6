//! Runs and records on disk.

mod contents;
mod damage;
mod error;
mod folder;
mod latest;
mod rebuilt;
mod write;

pub use contents::{Contents, Records};
pub(crate) use damage::shortened;
pub use damage::{Damage, DamageKind, Damaged};
pub use error::StoreError;
pub use folder::RunFolder;
pub use latest::{Latest, latest_run, stored_runs};
pub(crate) use write::write_atomically;
