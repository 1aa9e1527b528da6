//! What the scopes of energy are called.

use pocketwatt_record::MetricScope;

use crate::output::inert::one_line;

/// `package (powercap)`, with the mark for meters that are not this device's.
pub fn scope_name(scope: &MetricScope, simulated: bool) -> String {
    let part = scope.part.as_deref().map_or_else(String::new, |part| format!(" {}", one_line(part)));
    let addition = if simulated { ", simulated" } else { "" };
    format!("{}{part} ({}{addition})", scope.scope.name(), scope.source.name())
}
