//! The stand-in phone itself, through the real client of adb: what it does, a phone's daemon does.
#![cfg(test)]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Output, Stdio},
    thread,
    time::Duration,
};

use pocketwatt_tests::{
    phone::{AdbServer, Addressed, Direction, Fault, Faults, PowerModel, Rail, Source, StandInPhone},
    wait_until,
};
use tempfile::TempDir;

const TMP: &str = "/data/local/tmp";

/// A phone that is connected to a server of its own.
struct Connected {
    phone: StandInPhone,
    server: AdbServer,
    folder: TempDir,
}

/// `None` where there can be no phone.
fn connected(options: &[&str]) -> Option<Connected> {
    let server = AdbServer::start()?;
    let phone = StandInPhone::start(options)?;
    server.connect(&phone, "device");
    Some(Connected { phone, server, folder: tempfile::tempdir().unwrap() })
}

impl Connected {
    /// Runs the client to its end, which comes within 30 seconds.
    fn adb(&self, arguments: &[&str]) -> Output {
        let mut command = std::process::Command::new("timeout");
        let adb = self.server.command();
        command.args(["30", "adb", "-s", &self.phone.address()]).args(arguments).stdin(Stdio::null());
        command.envs(adb.get_envs().filter_map(|(name, value)| Some((name, value?)))).output().unwrap()
    }

    /// What a command on the phone wrote, standard error last, and its status.
    fn shell(&self, line: &str) -> (String, i32) {
        let output = self.adb(&["shell", line]);
        (said(&output), output.status.code().unwrap())
    }

    fn reconnect(&self) {
        self.server.adb(&["disconnect", &self.phone.address()]);
        self.server.connect(&self.phone, "device");
    }

    fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> String {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, contents).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// adb writes errors to either output.
fn said(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn commands_have_inputs_outputs_and_a_status() {
    let Some(on) = connected(&["--model", "Two Words"]) else { return };
    assert_eq!(on.shell("echo out; echo err >&2; exit 7"), ("out\nerr\n".into(), 7));
    assert_eq!(on.shell("kill -9 $$").1, 137);
    assert_eq!(on.shell("no-such-program").1, 127);
    assert_eq!(on.shell("getprop ro.product.model"), ("Two Words\n".into(), 0));
    assert_eq!(on.shell("cat </dev/null; head -c 300000 /dev/zero | wc -c").0, "300000\n");
    assert_eq!(text(&on.adb(&["exec-out", r"printf 'a\r\n'"]).stdout), "a\r\n");
    let long = on.adb(&["shell", "head -c 3000000 /dev/zero"]);
    assert_eq!(long.stdout.len(), 3_000_000);
    // Several at once.
    let outputs: Vec<_> = thread::scope(|scope| {
        let calls: Vec<_> = (0..8)
            .map(|number| {
                scope.spawn({
                    let on = &on;
                    move || on.shell(&format!("sleep 0.2; echo {number}"))
                })
            })
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    for (number, output) in outputs.iter().enumerate() {
        assert_eq!(output, &(format!("{number}\n"), 0));
    }
}

#[test]
fn files_and_folders_with_any_name_arrive_and_come_back() {
    let Some(on) = connected(&[]) else { return };
    let names = ["plain", "with blank", "quote'", "double\"", "$(id)", "line\nend", "-rf", "ä", "comma,0644"];
    for name in names {
        on.file(&format!("from/{name}"), name);
    }
    on.file("from/sub/big", vec![7; 3_000_000]);
    on.file("from/empty", "");
    let from = on.folder.path().join("from");
    fs::set_permissions(from.join("plain"), fs::Permissions::from_mode(0o755)).unwrap();
    let pushed = on.adb(&["push", from.to_str().unwrap(), TMP]);
    assert!(pushed.status.success(), "{pushed:?}");
    assert_eq!(on.shell("cat '/data/local/tmp/from/$(id)'").0, "$(id)");
    assert_eq!(
        on.shell("stat -c %a /data/local/tmp/from/plain /data/local/tmp/from/empty").0,
        "777\n666\n",
        "group and others get what the owner has"
    );
    let back = on.folder.path().join("back");
    let pulled = on.adb(&["pull", "/data/local/tmp/from", back.to_str().unwrap()]);
    assert!(pulled.status.success(), "{pulled:?}");
    for name in names {
        assert_eq!(fs::read_to_string(back.join(name)).unwrap(), name);
    }
    assert_eq!(fs::read(back.join("sub/big")).unwrap(), vec![7; 3_000_000]);
    let absent = on.adb(&["pull", "/data/local/tmp/absent", back.to_str().unwrap()]);
    assert_eq!((absent.status.code(), said(&absent).contains("No such file")), (Some(1), true), "{absent:?}");
    let refused = on.adb(&["push", &on.file("x", "x"), "/usr/x"]);
    assert!(!refused.status.success() && said(&refused).contains("Read-only"), "{refused:?}");
}

#[test]
fn programs_outlive_their_stream_and_the_daemon_but_not_the_phone() {
    let Some(mut on) = connected(&[]) else { return };
    let start =
        "setsid sh -c 'while :; do date +%N >/data/local/tmp/alive; sleep 0.05; done' </dev/null >/dev/null 2>&1 &";
    assert_eq!(on.shell(start).1, 0, "it returns at once");
    let alive = on.phone.path("/data/local/tmp/alive");
    let beats = &|| {
        let before = fs::read(&alive).unwrap_or_default();
        thread::sleep(Duration::from_millis(300));
        fs::read(&alive).unwrap_or_default() != before
    };
    wait_until("a program to go on", beats);
    let boot = on.shell("cat /proc/sys/kernel/random/boot_id").0;
    on.phone.kill_daemon(0.1);
    wait_until("a program to go on", beats);
    on.reconnect();
    assert_eq!(on.shell("cat /proc/sys/kernel/random/boot_id").0, boot);
    on.phone.freeze(3.0);
    thread::sleep(Duration::from_millis(50));
    assert!(!beats(), "a phone that sleeps");
    wait_until("the phone to wake up", beats);
    on.phone.kill_everything(0.1);
    assert!(!beats());
    on.reconnect();
    on.shell(start);
    wait_until("a program to go on", beats);
    on.shell("echo kept >/data/local/tmp/kept");
    on.phone.reboot(0.1);
    assert!(!beats());
    on.reconnect();
    let second = on.shell("cat /proc/sys/kernel/random/boot_id /data/local/tmp/kept").0;
    assert!(second.lines().next() != Some(boot.trim()) && second.ends_with("\nkept\n"), "{second}, {boot}");
    on.shell(start);
    on.phone.cut_power();
    assert!(!beats());
    on.phone.power_on().unwrap();
    on.reconnect();
    assert_eq!(on.shell("ls /data/local/tmp").0, "alive\nkept\n");
}

#[test]
fn connections_break_hang_and_are_slow_on_command() {
    let Some(on) = connected(&[]) else { return };
    let big = on.file("big", vec![1; 2_000_000]);
    on.phone.fail(Fault::DropAfter(500_000, Direction::ToPhone));
    assert!(!on.adb(&["push", &big, TMP]).status.success());
    on.reconnect();
    let partial = on.phone.path("/data/local/tmp/big").metadata().unwrap().len();
    assert!((1..500_000).contains(&partial), "a part of the file stays: {partial} bytes");
    assert!(on.adb(&["push", &big, TMP]).status.success(), "once only");
    on.phone.fail(Fault::DropAfter(500_000, Direction::FromPhone));
    let cut = on.adb(&["shell", "cat /data/local/tmp/big; echo end"]);
    assert!(cut.stdout.len() <= 500_000 && cut.stdout.len() > 300_000, "{}", cut.stdout.len());
    assert_eq!(cut.status.code(), Some(0), "adb calls that a success");
    on.reconnect();
    on.phone.fail(Fault::LostExit("echo lost"));
    assert_eq!(on.shell("echo lost; exit 3"), ("lost\n".into(), 0));
    assert_eq!(on.shell("echo kept; exit 3").1, 3);
    on.phone.fail(Fault::Slow(200_000));
    let begun = pocketwatt_protocol::wall_clock_unix_ms();
    on.adb(&["shell", "head -c 100000 /dev/zero"]);
    assert!(pocketwatt_protocol::wall_clock_unix_ms() - begun >= 400);
    on.phone.fail(Fault::Refused("sync:"));
    assert_eq!(on.adb(&["push", &big, TMP]).status.code(), Some(1), "told at once");
    on.phone.fail(Fault::HangAfter(100_000, Direction::FromPhone));
    let adb = on.server.command();
    let mut hanging = std::process::Command::new("timeout");
    hanging.args(["1", "adb", "-s", &on.phone.address(), "shell", "cat /data/local/tmp/big"]).stdout(Stdio::null());
    hanging.envs(adb.get_envs().filter_map(|(name, value)| Some((name, value?))));
    assert_eq!(hanging.status().unwrap().code(), Some(124), "it hangs");
    on.phone.fail(Fault::None);
    on.reconnect();
    assert_eq!(on.shell("echo again").0, "again\n");
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing() {
    let Some(on) = connected(&["--room", "4000000"]) else { return };
    let big = on.file("big", vec![1; 3_000_000]);
    on.phone.fail(Fault::DiskFull(1_000_000));
    let refused = on.adb(&["push", &big, TMP]);
    assert!(!refused.status.success() && said(&refused).contains("No space left on device"), "{refused:?}");
    assert_eq!(on.shell("ls /data/local/tmp").0, "");
    on.phone.fail(Fault::None);
    assert!(on.adb(&["push", &big, TMP]).status.success());
    let second = on.adb(&["push", &big, "/data/local/tmp/second"]);
    assert!(!second.status.success() && said(&second).contains("No space left on device"), "{second:?}");
    let (told, status) = on.shell("head -c 2000000 /dev/zero >/data/local/tmp/program");
    assert!(status != 0, "programs have no more room, either: {told}");
}

#[test]
fn a_phone_may_be_shy() {
    let Some(on) = connected(&[]) else { return };
    on.phone.fail(Fault::Gone);
    on.server.wait_for(&on.phone, "offline");
    on.phone.fail(Fault::Unauthorized);
    on.server.adb(&["disconnect", &on.phone.address()]);
    on.server.connect(&on.phone, "unauthorized");
    on.phone.fail(Fault::None);
    on.reconnect();
    assert_eq!(on.shell("echo hello").0, "hello\n");
}

#[test]
fn settings_properties_and_the_screen_keep_what_they_are_told() {
    let Some(on) = connected(&[]) else { return };
    let all = "settings get system a; settings put system a 1; settings get system a; settings get global a; \
               settings list system; settings delete system a; settings get system a";
    assert_eq!(on.shell(all).0, "null\n1\nnull\na=1\nDeleted 1 rows\nnull\n");
    on.shell("settings put global b 2; setprop debug.x 1; setprop persist.y 2; input keyevent 223");
    assert!(on.shell("dumpsys window").0.contains("showing=true"));
    assert_eq!(on.shell("setprop ro.product.model evil").1, 1);
    on.phone.reboot(0.1);
    on.reconnect();
    assert_eq!(on.shell("settings get global b; getprop debug.x; getprop persist.y").0, "2\n\n2\n");
    assert!(on.phone.calls().contains("settings put global b 2\n"));
    on.phone.fail(Fault::SettingsRefused);
    let (told, status) = on.shell("settings put system a 1");
    assert!(status == 255 && told.contains("SecurityException"), "{told}");
    on.phone.set_faults(&Faults { dumpsys_hangs: Some("battery".into()), ..Faults::default() });
    assert_eq!(on.shell("timeout 1 dumpsys battery").1, 124);
}

#[test]
fn the_battery_loses_what_programs_use() {
    let Some(on) = connected(&[]) else { return };
    let rail =
        Rail { name: "S2M_VDD_CPUCL2".into(), subsystem: "CPU".into(), idle_watts: 0.5, watts_per_busy_processor: 3.0 };
    on.phone.unplug(false);
    on.phone.set_power(|model| {
        *model = PowerModel {
            idle_watts: 2.0,
            watts_per_busy_processor: 10.0,
            counter_step_uah: 1.0,
            rails: vec![rail],
            ..model.clone()
        };
    });
    thread::sleep(Duration::from_millis(100));
    let counter = || -> f64 {
        let (said, _) = on.shell("dumpsys battery");
        let line = said.lines().find_map(|line| line.strip_prefix("  Charge counter: ")).unwrap();
        line.parse().unwrap()
    };
    let (before, shown) = (on.phone.truth(), counter());
    // On a machine that is busy with other things, a second gives it little processor time.
    wait_until("some processor time", || {
        on.shell("timeout 1 sh -c 'while :; do :; done'");
        on.phone.truth().busy_s - before.busy_s > 0.2
    });
    let (after, shown_after) = (on.phone.truth(), counter());
    let (joules, busy_s) = (after.joules - before.joules, after.busy_s - before.busy_s);
    let seconds = (after.at_ns - before.at_ns) as f64 / 1e9;
    assert!(busy_s > 0.2 && (joules - 2.0 * seconds - 10.0 * busy_s).abs() < 1e-6, "{joules} J, {busy_s} s busy");
    assert!((after.rail_joules[0] - before.rail_joules[0] - 0.5 * seconds - 3.0 * busy_s).abs() < 1e-6);
    let lost = (shown - shown_after) * 3.6e-3 * before.model.volts;
    assert!((lost - joules).abs() < 2.0, "{lost} J by the counter, {joules} J");
    assert!(on.shell("dumpsys battery").0.contains("  status: 3\n"));
    assert!(on.shell("dumpsys android.hardware.power.stats.IPowerStats/default").0.contains("[S2M_VDD_CPUCL2]:CPU"));
    on.phone.plug(Source::Ac);
    thread::sleep(Duration::from_millis(100));
    assert!(on.shell("dumpsys battery").0.contains("  AC powered: true\n"));
    on.phone.dumpsys("thermalservice", "IsStatusOverride: false\nThermal Status: 3\n");
    assert!(on.shell("dumpsys thermalservice").0.contains("Thermal Status: 3"));
    on.phone.limit_core(7, 1_000_000);
    assert_eq!(on.shell("cat /sys/devices/system/cpu/cpu7/cpufreq/scaling_max_freq").0, "1000000\n");
}

#[test]
fn an_unplugged_phone_sleeps_unless_its_screen_stays_on() {
    let Some(on) = connected(&[]) else { return };
    on.phone.let_it_sleep(0.5);
    on.shell("settings put system screen_off_timeout 500");
    on.shell("setsid sh -c 'n=0; while :; do n=$((n+1)); echo $n >/data/local/tmp/n; sleep 0.05; done' </dev/null >/dev/null 2>&1 &");
    let counted = on.phone.path("/data/local/tmp/n");
    let beats = || {
        let before = fs::read(&counted).unwrap_or_default();
        thread::sleep(Duration::from_millis(300));
        fs::read(&counted).unwrap_or_default() != before
    };
    thread::sleep(Duration::from_secs(2));
    wait_until("a program to go on", beats);
    on.phone.unplug(false);
    wait_until("sleep", || !beats());
    on.phone.plug(Source::Usb);
    wait_until("the phone to wake up", beats);
    // The lock screen ignores the setting.
    on.shell("settings put system screen_off_timeout 600000");
    on.phone.unplug(false);
    wait_until("sleep", || !beats());
    on.phone.plug(Source::Usb);
    wait_until("the phone to wake up", beats);
    on.shell("wm dismiss-keyguard; cmd display power-off 0");
    on.phone.unplug(false);
    thread::sleep(Duration::from_secs(2));
    wait_until("a program to go on with the panel off", beats);
}

/// Where a program for phones finds its loader.
const LOADER: &str = "/data/local/tmp/pocketwatt/lib/ld-linux-aarch64.so.1";
/// Says what it runs on, and goes on as another program.
const CHAIN: &str = r#"
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>
int main(int count, char **words) {
    struct utsname system;
    char own[256] = {0};
    uname(&system);
    readlink("/proc/self/exe", own, sizeof own - 1);
    printf("%s %s\n", system.machine, own);
    fflush(stdout);
    return count > 1 ? execv(words[1], words + 1) : 0;
}
"#;

#[test]
fn programs_for_arm_and_for_this_machine_start_each_other() {
    let emulator = "/usr/bin/qemu-aarch64-static";
    let compiler = "aarch64-linux-gnu-gcc";
    if std::process::Command::new(compiler).arg("--version").output().is_err() || !fs::exists(emulator).unwrap() {
        eprintln!("skipped: {compiler} or {emulator} is not installed");
        return;
    }
    let Some(on) = connected(&[]) else { return };
    let source = on.file("chain.c", CHAIN);
    let run = |compiler: &str, arguments: &[&str]| {
        let output = std::process::Command::new(compiler).args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        text(&output.stdout).trim().to_owned()
    };
    let folder = on.folder.path().join("pocketwatt");
    fs::create_dir_all(folder.join("lib")).unwrap();
    let program = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let loader = format!("-Wl,--dynamic-linker={LOADER}");
    run(compiler, &[&source, "-o", &program("arm"), &loader, "-Wl,-rpath,$ORIGIN/lib"]);
    run("cc", &[&source, "-o", &program("own")]);
    for library in ["ld-linux-aarch64.so.1", "libc.so.6"] {
        fs::copy(run(compiler, &[&format!("-print-file-name={library}")]), folder.join("lib").join(library)).unwrap();
    }
    assert!(on.adb(&["push", folder.to_str().unwrap(), TMP]).status.success());
    let (said, status) = on.shell("cd /data/local/tmp/pocketwatt && ./arm ./own ./arm /system/bin/true");
    let expected = ["aarch64", std::env::consts::ARCH, "aarch64"].into_iter().zip(["arm", "own", "arm"]);
    let expected: String =
        expected.map(|(machine, name)| format!("{machine} /data/local/tmp/pocketwatt/{name}\n")).collect();
    assert_eq!((said, status), (expected, 0));
}
