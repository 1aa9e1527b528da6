//! HTML pages, which people open in a browser: each is a file that needs no network, from a disk as well as from a server.
//!
//! `foreign` and `document` are what every page needs, `tables` and `picture` turn a table and a chart into markup, and each kind of page
//! has a folder.

mod dashboard;
mod document;
mod foreign;
mod picture;
mod report;
mod tables;

pub use dashboard::{SITE_FOLDERS, SiteFile, Wishes, dashboard};
pub use report::{ReportedRun, report};
