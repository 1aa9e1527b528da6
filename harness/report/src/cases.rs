//! Stored results, and which of them stand side by side.

pub mod agreement;
mod found;
mod group;
mod grouping;
mod names;
pub mod physics;
mod results;
mod scopes;
mod series;
mod shortcoming;
mod stored;

pub use found::found;
pub use group::{CaseGroup, Column, case_groups, each_group};
pub use grouping::{combinations, group_by, groups};
pub use names::{EMULATED, case_names, column_name, combination, emulated, model, model_of, threads};
pub use results::{Results, all_without_series, each_record, without_series};
pub use scopes::{common_scope, energy_scope, found_side_by_side, is_in, value_in};
pub use series::{Point, Series, common, series, study_of};
pub use shortcoming::shortcoming;
pub use stored::Stored;
