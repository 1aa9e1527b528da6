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

const COOL: &str =
    "  USB powered: true\n  status: 2\n  level: 44\n  Charge counter: 1633905\n  voltage: 3908\n  temperature: 302\n";

fn shown(phones: &[Phone]) -> String {
    table(&PhonesView::new(&Adb::at("/usr/bin/adb"), phones), &Style { color: false, width: Some(80) })
}

#[test]
fn a_phone_is_a_block_of_rows_and_the_verdict_is_at_the_end() {
    let named = "ro.product.manufacturer=Maker\nro.product.model=Phone 1\nro.build.version.release=16\n";
    insta::assert_snapshot!(shown(&[phone(named, COOL, "")]), @r"
    Maker Phone 1  SERIAL
      system   Android 16
      cores    2 at 1.80 GHz
      room     107 GB free below /data/local/tmp
      battery  44 %, charging, fed by USB, 30.2 °C
      heat     unknown (the phone reports no sensor)
      energy   supply rails: no meter (none of these)
               power_supply: no meter (none of these)
               dumpsys battery: a charge counter in µAh, each 14.1 mJ
               USB feeds the phone: unplug it before its battery is measured

    A charge counter steps by more than its unit: real phones by 1000 to 3705 µAh
    (14 to 50 J), every 30 to 90 s. Nothing that a battery loses is measured while
    anything feeds the phone.

    The phone is fit for measuring.
    ");
}

#[test]
fn what_is_unknown_has_a_reason_and_what_stands_in_the_way_a_remedy() {
    let hot =
        "Thermal Status: 2\nCurrent temperatures from HAL:\nTemperature{mValue=41.0, mType=3, mName=skin, mStatus=2}\n";
    let refused = Phone {
        listed: listed("unauthorized"),
        facts: None,
        obstacles: vec![Obstacle::NotReady { state: State::Unauthorized }],
    };
    insta::assert_snapshot!(shown(&[phone("", "", hot), refused]), @r"
    A phone  SERIAL
      system   Android of an unknown version
      cores    2 at 1.80 GHz
      room     107 GB free below /data/local/tmp
      battery  unknown (the phone does not report it)
      heat     skin 41.0 °C, thermal status moderate
      energy   supply rails: no meter (none of these)
               power_supply: no meter (none of these)
               dumpsys battery: no meter (Charge counter: the phone does not report
               it)
      unfit    skin at 41.0 °C; above 35 °C a phone soon limits its clocks
               -> let it cool: screen off, not on a fast charger, out of its case,
                  on a hard surface
      warning  the phone limits itself: thermal status moderate
               -> let it cool: screen off, not on a fast charger, out of its case,
                  on a hard surface

    A phone  SERIAL
      unfit    unauthorized: its user has not allowed this computer
               -> unlock it and tap Allow; if it does not ask: Developer options,
                  Revoke USB debugging authorisations, and plug it in again

    0 of 2 phones are fit for measuring.
    ");
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
