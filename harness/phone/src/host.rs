//! The host's side of a job: what is brought to a phone, asked of it, and brought home.
//!
//! Nothing that a phone says is believed more than necessary: each answer has an end marker and a time limit, each file a sha256 that
//! is compared on both sides, and a path from a phone is checked before anything is written.

mod ask;
mod error;
mod first_start;
mod follow;
mod pull;
mod push;

pub use ask::Connection;
pub use error::HostError;
pub use first_start::{NotStarted, StartedProgram};
pub use follow::{FollowEnd, Followed, Follower, pause};
pub use pull::{Pulled, pull_results};
pub use push::{Pushed, Upload, push_all};
