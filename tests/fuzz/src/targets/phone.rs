use std::collections::BTreeMap;

use pocketwatt_phone::{
    adb::Listed,
    printed::{
        BatteryReport, Properties, RailsReport, SensorKind, ThermalReport, clusters, free_bytes, power_supplies,
        seccomp, values_of_cores,
    },
};

use crate::{mutation::Form, target::Target};

/// What phones print. Every reader gets every text, because a phone may print anything anywhere.
pub const TARGET: Target = Target {
    name: "phone",
    form: Form::Bytes,
    seeds: || {
        vec![
            include_bytes!("../../../../harness/phone/fixtures/samsung-s23-SM-S9110-android16/dumpsys_battery.txt").to_vec(),
            include_bytes!("../../../../harness/phone/fixtures/xiaomi-redmi-note14-tanzanite-hyperos3/dumpsys_battery.txt")
                .to_vec(),
            include_bytes!("../../../../harness/phone/fixtures/google-pixel11pro-android17/device.txt").to_vec(),
            include_bytes!("../../../../harness/phone/fixtures/samsung-sdhms-unnamed/dumpsys_thermalservice.txt").to_vec(),
            include_bytes!(
                "../../../../harness/phone/fixtures/samsung-unnamed-aidl/dumpsys_thermalservice_thresholds.txt"
            )
            .to_vec(),
            RAILS.to_vec(),
            SUPPLIES.to_vec(),
            b"Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/block/dm-5 112345678 5123456 107222222 5% /data\n".to_vec(),
            b"List of devices attached\n0123456789ABCDEF       device usb:1-1 model:Pixel_11_Pro transport_id:1\n".to_vec(),
            b"Name:\tcat\nSeccomp:\t2\n".to_vec(),
        ]
    },
    words: &[
        "  Charge counter: ",
        "  level: ",
        "  temperature: ",
        "(UPDATES STOPPED",
        "Current temperatures from HAL:\n",
        "Sdhms connected: yes\n",
        "Temperature{mValue=",
        ", mType=",
        ", mName=",
        ", mStatus=0}\n",
        "-99.9",
        "NaN",
        "{.type = SKIN, .name = skin, .hotThrottlingThresholds = [",
        "PowerStats HAL 2.0 energy meter ====\n",
        " mWs",
        "SUPPLY=",
        "POWER_SUPPLY_",
        "Permission denied",
        "9223372036854775807",
        "-9223372036854775808",
        "cpu0 ",
        "no permissions",
    ],
    short_runs: 4000,
    run,
};

const RAILS: &[u8] = b"============= PowerStats HAL 2.0 energy meter ==============\n  [S2M_VDD_CPUCL2]:CPU   30203.50 mWs\n  \
    [VSYS_PWR_DISPLAY]:Display   1039108.42 mWs (   344.69)\n========== End of PowerStats HAL 2.0 energy meter ==========\n";
const SUPPLIES: &[u8] =
    b"SUPPLY=battery\nPOWER_SUPPLY_TYPE=Battery\nPOWER_SUPPLY_CAPACITY=50\nPOWER_SUPPLY_CHARGE_COUNTER=1528169\n\
    SUPPLY=usb\ncat: /sys/class/power_supply/usb/uevent: Permission denied\n";

fn run(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    let battery = BatteryReport::read(&text);
    assert!(battery.percent.as_ref().map_or(true, |percent| (0.0..=100.0).contains(percent)), "{battery:?}");
    assert!(battery.celsius.as_ref().map_or(true, |celsius| *celsius != 0.0), "{battery:?}");
    assert!(!battery.updates_stopped || battery.charge.is_err() && battery.percent.is_err(), "{battery:?}");
    let _ = battery.ensure_on_battery();

    let thermal = ThermalReport::read(&text);
    for sensor in &thermal.temperatures {
        let is_possible = |celsius: &f64| (-40.0..=150.0).contains(celsius) && *celsius != 0.0 && *celsius != -99.9;
        assert!(sensor.celsius.as_ref().map_or(true, is_possible), "{sensor:?}");
    }
    let _ = thermal.hottest(SensorKind::Skin);

    let rails = RailsReport::read(&text);
    for rail in rails.iter().flat_map(|report| &report.rails) {
        assert!(rail.microjoules.as_ref().map_or(true, |microjoules| *microjoules >= 0), "{rail:?}");
        assert!(rail.resolution_microjoules().is_none_or(|step| step >= 10), "{rail:?}");
    }

    let supplies = power_supplies(&text);
    for supply in &supplies {
        assert!(!supply.name.contains('/') && !supply.name.starts_with('.'), "{supply:?}");
        assert!(supply.attributes.keys().all(|file| !file.contains(['/', '.'])), "{supply:?}");
    }
    let values = values_of_cores(&text);
    if let Ok(found) = clusters(&BTreeMap::new(), &values, &values) {
        assert_eq!(found.iter().map(|cluster| cluster.cores.len()).sum::<usize>(), values.len());
    }
    let properties = Properties::read(&text);
    let listed = Listed::read(&text);
    battery.percent.is_ok()
        || !thermal.temperatures.is_empty()
        || rails.is_ok()
        || !supplies.is_empty()
        || !values.is_empty()
        || properties != Properties::default()
        || !listed.is_empty()
        || free_bytes(&text).is_ok()
        || seccomp(&text).is_ok()
}
