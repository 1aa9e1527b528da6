//! The phone on which this program itself runs, asked through its own commands.

use std::{
    env,
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::channel,
    thread,
    time::Duration,
};

use pocketwatt_meter::{NamedTemperature, PhoneFacts, ScreenState};
use pocketwatt_protocol::{Clock, MonotonicClock};

use crate::{
    Unread,
    job::{Before, Screen, SettingChange},
    printed::{BatteryReport, Properties, SensorKind, ThermalReport, brightness, is_screen_on},
    questions,
};

/// Where Android keeps its commands.
const SYSTEM: &str = "/system/bin";
/// A command that takes longer is given up.
const LIMIT: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(5);
/// Longest text that is read: `dumpsys power` has some hundred kilobytes.
const MOST_BYTES: u64 = 4 << 20;
/// At most so many changed settings are listed, each in so many characters.
const MOST_CHANGES: usize = 50;
const LONGEST_CHANGE: usize = 200;

/// The commands of this phone.
#[derive(Clone, Debug)]
pub struct Here {
    getprop: PathBuf,
    dumpsys: Option<PathBuf>,
    settings: Option<PathBuf>,
}

impl Here {
    /// Finds them in `PATH`, or where Android keeps them; `None` on a device that is no phone.
    pub fn find() -> Option<Self> {
        let getprop = command("getprop")?;
        Some(Self { getprop, dumpsys: command("dumpsys"), settings: command("settings") })
    }

    /// Its properties; `None` if it is no Android.
    pub fn properties(&self) -> Option<Properties> {
        let folder = self.getprop.parent()?;
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([folder.to_owned()].into_iter().chain(env::split_paths(&path))).ok()?;
        let mut shell = Command::new("sh");
        shell.args(["-c", &questions::properties()]).env("PATH", path);
        let properties = Properties::read(&output(&mut shell, LIMIT).ok()?);
        properties.android().is_some().then_some(properties)
    }

    /// What it says about itself. `changed_settings` is the text of the file with the settings that a job has changed.
    pub fn facts(&self, properties: &Properties, changed_settings: Option<&str>) -> PhoneFacts {
        PhoneFacts {
            maker: properties.manufacturer().map(str::to_owned),
            model: properties.model().map(str::to_owned),
            soc: properties.soc(),
            android: properties.android().map(str::to_owned),
            screen: self.screen(),
            changed_settings: changed_settings.map(changes).unwrap_or_default(),
        }
    }

    /// Its screen now.
    pub fn screen(&self) -> ScreenState {
        let setting = self.settings.as_ref().and_then(|settings| {
            output(Command::new(settings).args(["get", "system", "screen_brightness"]), LIMIT).ok()
        });
        ScreenState {
            on: self.dumpsys("power").ok().and_then(|text| is_screen_on(&text)),
            brightness: setting.and_then(|text| brightness(&text)),
        }
    }

    /// Its temperatures and limits.
    ///
    /// # Errors
    /// When the thermal service does not answer, as on Android before 10.
    pub fn thermal(&self) -> Result<ThermalReport, Unread> {
        self.dumpsys("thermalservice").map(|text| ThermalReport::read(&text))
    }

    /// Its battery.
    pub fn battery(&self) -> BatteryReport {
        match self.dumpsys("battery") {
            Ok(text) => BatteryReport::read(&text),
            Err(why) => BatteryReport::without_values(false, &why),
        }
    }

    fn dumpsys(&self, service: &str) -> Result<String, Unread> {
        let dumpsys = self.dumpsys.as_ref().ok_or(Unread::Missing)?;
        output(Command::new(dumpsys).arg(service), LIMIT)
    }
}

/// The temperatures by which a phone limits itself: its battery, and its skin. Each is absent where the phone does not report it.
pub fn battery_and_skin(battery: &BatteryReport, thermal: Option<&ThermalReport>) -> Vec<NamedTemperature> {
    let hottest = |kind| thermal.and_then(|thermal| thermal.hottest(kind)).map(|(_, celsius)| celsius);
    let battery = battery.celsius.as_ref().ok().copied().or_else(|| hottest(SensorKind::Battery));
    let named = |name: &str, celsius| NamedTemperature { name: name.to_owned(), celsius };
    let skin = hottest(SensorKind::Skin).map(|celsius| named("skin", celsius));
    battery.map(|celsius| named("battery", celsius)).into_iter().chain(skin).collect()
}

/// What a job has changed, as its file names it: `global stay_on_while_plugged_in, from 0 to 7`.
fn changes(file: &str) -> Vec<String> {
    let Ok(Before { settings, screen, .. }) = serde_json::from_str(file) else { return Vec::new() };
    let words = |change: SettingChange| {
        let before = change.before.as_deref().unwrap_or("not set");
        format!("{}, from {before} to {}", change.what(), change.during)
    };
    let panel = (screen == Some(Screen::PanelOff)).then(|| "the panel of the screen, switched off".to_owned());
    let all = panel.into_iter().chain(settings.into_iter().map(words));
    all.take(MOST_CHANGES).map(|words| words.chars().take(LONGEST_CHANGE).collect()).collect()
}

fn command(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain([Path::new(SYSTEM).to_owned()]);
    folders.filter(|folder| folder.is_absolute()).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// Runs a command to its end, and returns what it prints.
fn output(command: &mut Command, limit: Duration) -> Result<String, Unread> {
    let failed = |words: String| Unread::Failed { status: -1, words };
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let Some(stdout) = child.stdout.take() else { return Err(Unread::Missing) };
    let (sender, text) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.take(MOST_BYTES).read_to_end(&mut bytes);
        // Nobody listens any more after the time limit.
        let _ = sender.send(read.map(|_| String::from_utf8_lossy(&bytes).into_owned()));
    });
    let Ok(text) = text.recv_timeout(limit) else {
        end(&mut child);
        return Err(Unread::NotAnswered);
    };
    let status = wait(&mut child, limit).ok_or(Unread::NotAnswered)?;
    let text = text.map_err(|error| failed(error.to_string()))?;
    match status {
        0 => Ok(text),
        status => Err(Unread::Failed { status, words: text.chars().take(LONGEST_CHANGE).collect() }),
    }
}

/// The exit status; `None` for a command that had to be killed.
fn wait(child: &mut Child, limit: Duration) -> Option<i32> {
    let begun = MonotonicClock.now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status.code().unwrap_or(-1)),
            Ok(None) if Duration::from_nanos(MonotonicClock.now().since(begun)) < limit => thread::sleep(STEP),
            _ => {
                end(child);
                return None;
            }
        }
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_hangs_is_given_up_and_one_that_fails_is_told() {
        let shell = |script: &str, limit_ms: u64| {
            output(Command::new("sh").args(["-c", script]), Duration::from_millis(limit_ms))
        };
        assert_eq!(shell("echo yes", 10_000).unwrap(), "yes\n");
        assert_eq!(shell("exec sleep 60", 50), Err(Unread::NotAnswered));
        assert_eq!(shell("exec >&-; exec sleep 60", 50), Err(Unread::NotAnswered));
        assert!(matches!(shell("echo no; exit 20", 10_000), Err(Unread::Failed { status: 20, .. })));
    }

    #[test]
    fn changed_settings_are_named_and_nonsense_is_none() {
        let file = r#"{"settings": [{"namespace": "global", "key": "a", "before": null, "during": "7"},
                       {"namespace": "system", "key": "b", "before": "0", "during": "1"}], "screen": "on", "refused": []}"#;
        assert_eq!(changes(file), ["global a, from not set to 7", "system b, from 0 to 1"]);
        let panel = r#"{"settings": [], "screen": "panel-off"}"#;
        assert_eq!(changes(panel), ["the panel of the screen, switched off"]);
        assert_eq!(changes("{"), [""; 0]);
    }

    #[test]
    fn the_service_of_the_battery_is_believed_before_the_thermal_one() {
        let thermal = ThermalReport::read(
            "Thermal Status: 0\nCurrent temperatures from HAL:\n\tTemperature{mValue=31.5, mType=2, mName=battery, mStatus=0}\n\
             \tTemperature{mValue=33.0, mType=3, mName=skin, mStatus=0}\n",
        );
        let named = |battery: &str, thermal| -> Vec<(String, f64)> {
            let found = battery_and_skin(&BatteryReport::read(battery), thermal);
            found.into_iter().map(|found| (found.name, found.celsius)).collect()
        };
        let both = |battery: f64| vec![("battery".to_owned(), battery), ("skin".to_owned(), 33.0)];
        assert_eq!(named("  level: 50\n  temperature: 305\n", Some(&thermal)), both(30.5));
        assert_eq!(named("", Some(&thermal)), both(31.5));
        assert_eq!(named("", None), []);
    }
}
