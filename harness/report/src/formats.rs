//! The ways in which results are written.

pub mod answers;
pub mod calls;
pub mod csv;
mod devices;
mod format;
pub mod json;
pub mod markdown;
pub mod terminal;
mod turns;
mod write;

pub use devices::write_devices;
pub use format::Format;
pub use turns::write_turns;
pub use write::write;
