//! The device on which this program runs, with what a phone says about itself beside what its kernel does.

use std::{env, path::Path, sync::OnceLock};

use pocketwatt_files::read_bounded_in_place;
use pocketwatt_meter::{DeviceFacts, PhoneFacts, SystemRoot, device_facts};
use pocketwatt_phone::Here;

/// Names the file with the settings of a phone that were changed for a run.
const CHANGED_SETTINGS: &str = "POCKETWATT_CHANGED_SETTINGS";
const MOST_BYTES: u64 = 1 << 20;

/// What this device is. `name` overrides the name that is made from a phone's maker and model, or else from its processor.
pub fn device_here(name: Option<&str>) -> DeviceFacts {
    let root = SystemRoot::real();
    let Some(phone) = phone() else { return device_facts(&root, name) };
    let called = phone_name(&phone.facts);
    let facts = device_facts(&root, name.or(called.as_deref()));
    let emulator = phone.is_emulator.then(|| "its properties say that it is an emulator".to_owned());
    DeviceFacts {
        processor: phone.facts.soc.clone().or(facts.processor),
        operating_system: phone.facts.android.as_ref().map(|version| format!("Android {version}")),
        emulated: emulator.or(facts.emulated),
        phone: Some(phone.facts.clone()),
        ..facts
    }
}

/// The phone on which this program runs, asked once.
struct ThisPhone {
    facts: PhoneFacts,
    is_emulator: bool,
}

fn phone() -> Option<&'static ThisPhone> {
    static PHONE: OnceLock<Option<ThisPhone>> = OnceLock::new();
    let ask = || {
        let here = Here::find()?;
        let properties = here.properties()?;
        let facts = here.facts(&properties, changed_settings().as_deref());
        Some(ThisPhone { facts, is_emulator: properties.is_emulator() })
    };
    PHONE.get_or_init(ask).as_ref()
}

fn changed_settings() -> Option<String> {
    let path = env::var_os(CHANGED_SETTINGS)?;
    String::from_utf8(read_bounded_in_place(Path::new(&path), MOST_BYTES).ok()?).ok()
}

/// `Google Pixel 8`, and `OnePlus 9` rather than `OnePlus OnePlus 9`.
fn phone_name(phone: &PhoneFacts) -> Option<String> {
    let model = phone.model.clone()?;
    Some(match &phone.maker {
        Some(maker) if !model.to_lowercase().starts_with(&maker.to_lowercase()) => format!("{maker} {model}"),
        _ => model,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_is_named_by_its_maker_once() {
        let name = |maker: Option<&str>, model: Option<&str>| {
            let [maker, model] = [maker, model].map(|part| part.map(str::to_owned));
            phone_name(&PhoneFacts { maker, model, ..PhoneFacts::default() })
        };
        assert_eq!(name(Some("Google"), Some("Pixel 8")).unwrap(), "Google Pixel 8");
        assert_eq!(name(Some("OnePlus"), Some("ONEPLUS 9")).unwrap(), "ONEPLUS 9");
        assert_eq!((name(None, Some("X")).unwrap(), name(Some("Google"), None)), ("X".to_owned(), None));
    }
}
