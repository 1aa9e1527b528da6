//! `pocketwatt phones` through the real client of adb, with stand-in phones that say what real ones said.
#![cfg(test)]

use pocketwatt_tests::{
    Bench, Finished,
    phone::{AdbServer, Addressed, Fault, StandIn, Tree, capture, section},
};
use serde_json::Value;

const BATTERY: &str = "battery";
const TEMPERATURES: &str = "thermalservice";
const RAILS: &str = "android.hardware.power.stats.IPowerStats/default";

/// A server and a bench that uses it; `None` where adb is not installed.
fn bench() -> Option<(AdbServer, Bench)> {
    let server = AdbServer::start()?;
    let mut bench = Bench::new();
    server.serve(&mut bench);
    Some((server, bench))
}

fn json(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {finished:?}"))
}

/// The one phone of the list.
fn only(finished: &Finished) -> Value {
    let mut list = json(finished);
    assert_eq!(list["phones"].as_array().unwrap().len(), 1, "{list:#}");
    list["phones"][0].take()
}

fn kinds(phone: &Value) -> Vec<&str> {
    phone["obstacles"].as_array().unwrap().iter().map(|obstacle| obstacle["kind"].as_str().unwrap()).collect()
}

/// The rails of a real Pixel 6, as its service prints them.
fn rails() -> String {
    let mut text = "\n============= PowerStats HAL 2.0 energy meter ==============\n".to_owned();
    for (rail, millijoules) in [
        ("[S2M_VDD_CPUCL2]:CPU", "30203.50"),
        ("[S3M_VDD_CPUCL1]:CPU", "23377.53"),
        ("[S1M_VDD_MIF]:Memory", "21091.36"),
    ] {
        text += &format!("  {rail:>32}   {millijoules:>14} mWs\n");
    }
    text + "========== End of PowerStats HAL 2.0 energy meter ==========\n"
}

fn pixel() -> Tree {
    let (tree, device) = (Tree::new(), capture("google-pixel11pro-android17/device.txt"));
    tree.properties(section(&device, "props"));
    let battery = capture("google-pixel11pro-android17/power.txt");
    // A little cooler than it was, so that nothing stands in the way.
    tree.dumpsys(BATTERY, &section(&battery, "dumpsys battery").replace("temperature: 358", "temperature: 298"));
    tree.dumpsys(TEMPERATURES, &capture("google-pixel6-tensor-units/dumpsys_thermalservice.txt"));
    tree.dumpsys(RAILS, &rails());
    tree.power_supply("usb", "USB", "POWER_SUPPLY_NAME=usb\nPOWER_SUPPLY_ONLINE=1\n");
    tree.power_supply("battery", "Battery", &capture("xiaomi-mi8-miui10/battery_uevent.txt"));
    tree
}

fn samsung() -> Tree {
    let (tree, device) = (Tree::new(), capture("samsung-s23-SM-S9110-android16/device.txt"));
    tree.properties(section(&device, "props"));
    tree.dumpsys(BATTERY, &capture("samsung-s23-SM-S9110-android16/dumpsys_battery.txt"));
    tree.dumpsys(TEMPERATURES, &capture("samsung-s22-android/dumpsys_thermalservice.txt"));
    tree.power_supply("battery", "Battery", "POWER_SUPPLY_NAME=battery\n");
    tree.deny_power_supplies();
    tree
}

/// The table with what differs from machine to machine left out.
fn stable(text: &str, phone: &StandIn) -> String {
    let text = text.replace(&phone.address(), "ADDRESS");
    let lines = text.lines().map(|line| match line.strip_prefix("  room     ") {
        Some(room) => {
            assert!(room.ends_with("B free below /data/local/tmp"), "{room}");
            "  room     SOME free below /data/local/tmp"
        }
        None => line.trim_end(),
    });
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_phone_is_shown_with_all_that_can_be_measured_on_it() {
    let Some((server, bench)) = bench() else { return };
    let phone = StandIn::new(pixel());
    server.connect(&phone, "device");
    let shown = bench.pocketwatt(&["phones"]).expect_code(0).stdout;
    insta::assert_snapshot!(stable(&shown, &phone), @r"
    Google Pixel 11 Pro  ADDRESS
      system   Android 17, Google Tensor G6, arm64-v8a
      cores    4 at 1.80 GHz, 4 at 2.85 GHz
      room     SOME free below /data/local/tmp
      battery  100 %, not charging, fed by a charger, 29.8 °C
      heat     processor 27.0 °C, skin 24.8 °C, thermal status none
      energy   supply rails: 3, of which S2M_VDD_CPUCL2, S3M_VDD_CPUCL1 feed the cores, in steps of 10
               µJ; they count on the cable, too
               power_supply: battery:battery/charge_counter in µAh; battery:battery/current_now in µA
               dumpsys battery: a charge counter in µAh, each 16.0 mJ
               a charger feeds the phone: unplug it before its battery is measured

    A charge counter steps by more than its unit: real phones by 1000 to 3705 µAh (14 to 50 J), every 30
    to 90 s. Nothing that a battery loses is measured while anything feeds the phone.

    The phone is fit for measuring.
    ");
    let told = only(&bench.pocketwatt(&["phones", "--format", "json"]).expect_code(0));
    assert_eq!(
        (&told["name"], &told["state"], &told["fit"]),
        (&"Google Pixel 11 Pro".into(), &"device".into(), &true.into())
    );
    let facts = &told["facts"];
    assert_eq!((&facts["android"], &facts["soc"]), (&"17".into(), &"Google Tensor G6".into()));
    assert_eq!((&facts["battery"]["percent"], &facts["battery"]["celsius"]), (&100.0.into(), &29.8.into()));
    assert_eq!(facts["clusters"][1]["limit_hz"], 2_850_000_000_u64);
    assert!(facts["free_bytes"].as_u64().unwrap() > 0);
    assert_eq!(facts["energy"]["rails"]["of_cores"], serde_json::json!(["S2M_VDD_CPUCL2", "S3M_VDD_CPUCL1"]));
    assert_eq!(facts["energy"]["battery_service"]["unit"], "µAh");
    assert_eq!(facts["energy"]["fed"]["reason"], "charger-connected");
}

#[test]
fn a_hot_phone_that_keeps_its_battery_from_the_shell_is_unfit_and_says_why() {
    let Some((server, bench)) = bench() else { return };
    let phone = StandIn::new(samsung());
    server.connect(&phone, "device");
    let shown = bench.pocketwatt(&["phones"]).expect_code(6).stdout;
    insta::assert_snapshot!(stable(&shown, &phone), @r"
    samsung SM-S9110  ADDRESS
      system   Android 16, QTI SM8550, arm64-v8a
      cores    4 at 1.80 GHz, 4 at 2.85 GHz
      room     SOME free below /data/local/tmp
      battery  44 %, charging, fed by USB, 42.2 °C
      heat     processor 39.6 °C, skin 35.8 °C, thermal status none
      energy   supply rails: no meter (the phone reports no supply rails: Pixel 6 and later do)
               power_supply: not permitted (the phone's shell may not read /sys/class/power_supply; its
               maker decides that)
               dumpsys battery: a charge counter in µAh, each 14.1 mJ
               USB feeds the phone: unplug it before its battery is measured
      unfit    battery at 42.2 °C; above 35 °C a phone soon limits its clocks
               -> let it cool: screen off, not on a fast charger, out of its case, on a hard surface
      unfit    skin at 35.8 °C; above 35 °C a phone soon limits its clocks
               -> let it cool: screen off, not on a fast charger, out of its case, on a hard surface

    A charge counter steps by more than its unit: real phones by 1000 to 3705 µAh (14 to 50 J), every 30
    to 90 s. Nothing that a battery loses is measured while anything feeds the phone.

    The phone is unfit for measuring.
    ");
}

#[test]
fn what_stands_in_the_way_is_told_by_its_kind() {
    let Some((server, bench)) = bench() else { return };
    let tree = Tree::new();
    tree.properties(
        "ro.product.cpu.abilist=armeabi-v7a,armeabi\nro.hardware=ranchu\npower.battery_input.suspended=true\n",
    );
    tree.write("proc/self/status", "Name:\tcat\nSeccomp:\t2\n");
    let frozen = "Current Battery Service state:\n  (UPDATES STOPPED -- use 'reset' to restart)\n  AC powered: false\n  status: 3\n  level: 3\n";
    tree.dumpsys(BATTERY, frozen);
    tree.dumpsys(TEMPERATURES, &capture("mediatek-like-unnamed-throttled/dumpsys_thermalservice.txt"));
    tree.write("sys/devices/system/cpu/cpu7/cpufreq/scaling_max_freq", "1824000\n");
    let phone = StandIn::with_features(tree, "cmd");
    server.connect(&phone, "device");
    let told = only(&bench.pocketwatt(&["phones", "--format", "json"]).expect_code(6));
    assert_eq!(
        kinds(&told),
        [
            "no-shell-v2",
            "not-arm64",
            "emulator",
            "battery-updates-stopped",
            "charging-suspended",
            "filtered-calls",
            // Battery and skin: the sensors know the battery, too.
            "too-hot",
            "too-hot",
            "throttled",
            "clocks-limited"
        ]
    );
    assert!(told["facts"]["battery"]["percent"]["absent"].as_str().unwrap().contains("made up"), "{told:#}");
    for obstacle in told["obstacles"].as_array().unwrap() {
        assert!(!obstacle["remedy"].as_str().unwrap().is_empty(), "{obstacle}");
    }
}

#[test]
fn phones_that_cannot_be_asked_say_how_to_mend_it_and_do_not_hide_the_others() {
    let Some((server, bench)) = bench() else { return };
    let (refused, gone, fit) = (StandIn::new(Tree::new()), StandIn::new(Tree::new()), StandIn::new(pixel()));
    refused.fail(Fault::Unauthorized);
    server.connect(&refused, "unauthorized");
    server.connect(&gone, "device");
    server.connect(&fit, "device");
    gone.fail(Fault::Gone);
    gone.disconnect();
    server.wait_for(&gone, "offline");
    let shown = bench.pocketwatt(&["phones"]).expect_code(0).stdout;
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in
        ["unauthorized: ", "tap Allow", "offline: ", "adb connect ADDRESS", "1 of 3 phones is fit for measuring."]
    {
        assert!(shown.contains(part), "{part:?} is not in {shown}");
    }
}

#[test]
fn a_phone_that_does_not_answer_is_given_up_after_the_time_limit() {
    let Some((server, bench)) = bench() else { return };
    let phone = StandIn::new(pixel());
    server.connect(&phone, "device");
    phone.fail(Fault::Hangs("dumpsys thermalservice"));
    let told = only(&bench.pocketwatt(&["phones", "--timeout", "1", "--format", "json"]).expect_code(6));
    assert_eq!((&told["state"], kinds(&told)), (&"device".into(), vec!["not-answering"]), "adb calls it a device");
    assert!(told["obstacles"][0]["seen"].as_str().unwrap().contains("within 1 s"), "{told:#}");
    assert_eq!(told["facts"]["battery"]["percent"], 100.0, "what was answered before is shown");
    assert_eq!(told["facts"]["heat"]["absent"], "the phone did not answer");
}

#[test]
fn an_answer_without_its_end_is_none_although_adb_calls_it_a_success() {
    let Some((server, bench)) = bench() else { return };
    let phone = StandIn::new(pixel());
    server.connect(&phone, "device");
    phone.fail(Fault::Dies("dumpsys battery"));
    let told = only(&bench.pocketwatt(&["phones", "--format", "json"]).expect_code(6));
    assert_eq!(kinds(&told), ["not-answering"]);
    let seen = told["obstacles"][0]["seen"].as_str().unwrap();
    assert!(seen.contains("ended in the middle of an answer") && !seen.contains(&phone.address()), "{seen}");
    let battery = &told["facts"]["battery"];
    assert_eq!(battery["percent"]["absent"], "the phone did not answer", "half of a text is not read");
}

#[test]
fn texts_of_a_phone_do_nothing_to_the_terminal() {
    let Some((server, bench)) = bench() else { return };
    let tree = pixel();
    tree.property(
        "ro.product.model",
        "\u{1b}[2J\u{202e}evil $(touch /tmp/never) 'quoted' \u{9b}31m\nro.build.version.release=99",
    );
    tree.property("ro.soc.model", &"long ".repeat(100_000));
    tree.dumpsys(
        TEMPERATURES,
        "Current temperatures from HAL:\n\tTemperature{mValue=30.0, mType=3, mName=\u{1b}]0;x\u{7}, mStatus=0}\n",
    );
    tree.dumpsys(RAILS, &rails().replace("S2M_VDD_CPUCL2", "\u{1b}[31m_VDD_CPUCL2"));
    tree.power_supply("$(reboot)", "Battery", "POWER_SUPPLY_CHARGE_COUNTER=\u{1b}[2J\n");
    let phone = StandIn::new(tree);
    server.connect(&phone, "device");
    for format in ["table", "json"] {
        let shown = bench.pocketwatt(&["phones", "--format", format]).expect_code(0).stdout;
        assert!(!shown.contains(['\u{1b}', '\u{202e}', '\u{9b}', '\u{7}']), "{shown}");
        assert!(shown.contains("evil $(touch /tmp/never) 'quoted'"), "{shown}");
        assert!(shown.len() < 5000, "{} bytes", shown.len());
    }
    let told = only(&bench.pocketwatt(&["phones", "--format", "json"]).expect_code(0));
    assert_eq!(told["facts"]["android"], "17", "a line end in a value sets no other property");
}

#[test]
fn without_adb_or_a_phone_the_next_step_is_told() {
    let mut none = Bench::new();
    none.set("PATH", none.path("nowhere"));
    none.set("ADB", "");
    let shown = none.pocketwatt(&["phones"]).expect_code(6).stdout;
    assert!(shown.contains("adb, the Android Debug Bridge, is not in PATH. To install it: "), "{shown}");
    assert!(json(&none.pocketwatt(&["phones", "--format", "json"]).expect_code(6))["adb"].is_null());
    none.set("ADB", "/no/such/adb");
    none.pocketwatt(&["phones"]).expect_code(1).expect_stderr(&["cannot start /no/such/adb"]);

    let Some((_server, bench)) = bench() else { return };
    let shown = bench.pocketwatt(&["phones"]).expect_code(6).stdout;
    assert!(shown.contains("adb lists no phone.") && shown.contains("USB debugging"), "{shown}");
}
