//! What any text for people needs.

pub mod address;
pub mod columns;
pub mod date;
mod duration;
mod effect;
pub mod inert;
mod paint;
mod paragraph;
mod parts;
pub mod quantity;
mod style;

pub use duration::{duration, waiting_time};
pub use effect::effect;
pub use paint::{Paint, strip_foreign_escapes};
pub use paragraph::paragraph;
pub use parts::{Output, text_of};
pub use style::{Style, takes_escapes};
