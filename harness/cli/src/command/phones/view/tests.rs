use pocketwatt_meter::energy::{Reason, Unavailable};
use pocketwatt_phone::{Metering, obstacles, printed::Properties};

use super::*;

fn listed(state: &str) -> Listed {
    Listed::read(&format!("List of devices attached\nSERIAL {state} model:A_phone\n")).remove(0)
}

/// A phone that printed these texts.
fn phone(properties: &str, battery: &str, thermal: &str) -> Phone {
    let none = || Unavailable::new(Reason::NoMeter, "none of these");
    let battery = BatteryReport::read(battery);
    let facts = Facts {
        properties: Properties::read(properties),
        clusters: Ok(vec![Cluster { cores: vec![0, 1], capacity: None, max_hz: Some(1_800_000_000), limit_hz: None }]),
        free_bytes: Ok(107_000_000_000),
        metering: Metering::new(Err(none()), Err(none()), &battery),
        battery,
        thermal: Ok(ThermalReport::read(thermal)),
        seccomp: Err(Unread::Missing),
    };
    let obstacles = obstacles(&facts);
    Phone { listed: listed("device"), facts: Some(facts), obstacles }
}

const COOL: &str = "  USB powered: true\n  status: 2\n  level: 44\n  Charge counter: 1633905\n  voltage: 3908\n  temperature: 302\n";

fn shown(phones: &[Phone]) -> String {
    table(&PhonesView::new(&Adb::at("/usr/bin/adb"), phones), &Style { color: false, width: Some(80) })
}

#[test]
fn a_phone_is_a_block_of_rows_and_the_verdict_is_at_the_end() {
    let named = "ro.product.manufacturer=Maker\nro.product.model=Phone 1\nro.build.version.release=16\n";
    insta::assert_snapshot!(shown(&[phone(named, COOL, "")]), @"");
}

#[test]
fn what_is_unknown_has_a_reason_and_what_stands_in_the_way_a_remedy() {
    let hot = "Thermal Status: 2\nCurrent temperatures from HAL:\nTemperature{mValue=41.0, mType=3, mName=skin, mStatus=2}\n";
    let refused = Phone {
        listed: listed("unauthorized"),
        facts: None,
        obstacles: vec![Obstacle::NotReady { state: State::Unauthorized }],
    };
    insta::assert_snapshot!(shown(&[phone("", "", hot), refused]), @"");
}

#[test]
fn colours_mark_what_matters() {
    let hot = COOL.replace("302", "421");
    let view = PhonesView::new(&Adb::at("/usr/bin/adb"), &[phone("", &hot, "")]);
    let painted = table(&view, &Style { color: true, width: Some(80) });
    assert!(painted.contains("\u{1b}[31munfit\u{1b}[0m"), "{painted}");
    assert!(!view.has_fit_phone());
}

#[test]
fn a_maker_is_not_named_twice() {
    let name = |properties: &str| PhoneView::new(&phone(properties, "", "")).name;
    assert_eq!(name("ro.product.manufacturer=Fairphone\nro.product.model=Fairphone 5\n"), "Fairphone 5");
    assert_eq!(name("ro.product.manufacturer=samsung\nro.product.model=SM-S9110\n"), "samsung SM-S9110");
    assert_eq!(name("ro.product.manufacturer=samsung\n"), "A phone");
}

#[test]
fn programs_get_values_or_reasons() {
    let view = serde_json::to_value(PhonesView::new(&Adb::at("/usr/bin/adb"), &[phone("", COOL, "")])).unwrap();
    let facts = &view["phones"][0]["facts"];
    assert_eq!(facts["battery"]["percent"], 44.0);
    assert_eq!(facts["battery"]["powered_by"], serde_json::json!(["USB"]));
    assert_eq!(facts["energy"]["battery_service"]["unit"], "µAh");
    assert_eq!(facts["energy"]["rails"], serde_json::json!({"reason": "no-meter", "hint": "none of these"}));
    let unknown = serde_json::to_value(PhonesView::new(&Adb::at("/usr/bin/adb"), &[phone("", "", "")])).unwrap();
    let battery = &unknown["phones"][0]["facts"]["battery"];
    assert_eq!(battery["percent"], serde_json::json!({"absent": "the phone does not report it"}));
}
