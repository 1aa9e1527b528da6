//! What the scopes of energy are called.

use pocketwatt_record::MetricScope;

use crate::output::inert::one_line;

/// `package (powercap)`.
pub fn scope_words(scope: &MetricScope) -> String {
    words(scope, "")
}

/// The same, with the word that meters which are not this device's must have.
pub fn scope_words_of(scope: &MetricScope, simulated: bool) -> String {
    words(scope, if simulated { ", simulated" } else { "" })
}

fn words(scope: &MetricScope, addition: &str) -> String {
    let part = scope.part.as_deref().map_or_else(String::new, |part| format!(" {}", one_line(part)));
    format!("{}{part} ({}{addition})", scope.scope.name(), scope.source.name())
}
