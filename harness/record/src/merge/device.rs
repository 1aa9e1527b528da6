//! Whether two shards ran on the same device, as far as a device says what it is.

use pocketwatt_meter::DeviceFacts;
use serde_json::Value;

/// Virtual machines of one kind have some pages more or less.
const MEMORY_SHARE: f64 = 0.01;

/// The first fact that makes another device of it, with both values: `kernel: 6.2 instead of 6.1`. What changes on one device from hour
/// to hour is none.
pub(super) fn difference(like: &DeviceFacts, found: &DeviceFacts) -> Option<String> {
    let memory = like.memory_bytes.zip(found.memory_bytes);
    let same_memory =
        memory.is_some_and(|(one, other)| one.abs_diff(other) as f64 <= MEMORY_SHARE * one.max(other) as f64);
    let lasting = |facts: &DeviceFacts| {
        let mut facts = facts.clone();
        facts.clusters.iter_mut().for_each(|cluster| cluster.limit_hz = None);
        if let Some(phone) = &mut facts.phone {
            phone.screen = Default::default();
            phone.changed_settings.clear();
        }
        if same_memory {
            facts.memory_bytes = None;
        }
        serde_json::to_value(facts).unwrap_or_default()
    };
    let (Value::Object(like), Value::Object(found)) = (lasting(like), lasting(found)) else { return None };
    let value = |value: Option<&Value>| match value {
        None | Some(Value::Null) => "unknown".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    // The processor says more than the name that was made from it.
    let ranked = ["processor", "logical_cores"].into_iter().chain(like.keys().map(String::as_str));
    let (one, other) = (&like, &found);
    let differing = ranked.filter(|key| one.get(*key) != other.get(*key));
    differing.map(|key| format!("{key}: {} instead of {}", value(other.get(key)), value(one.get(key)))).next()
}
