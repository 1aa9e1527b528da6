//! The phones, for people and for programs.

mod energy;

use pocketwatt_phone::{
    Facts, Obstacle, Phone, Severity, Unread,
    adb::{Adb, Listed, State},
    printed::{BatteryReport, Cluster, SensorKind, ThermalReport},
};
use serde::Serialize;

use self::energy::EnergyView;
use crate::{
    columns, inert,
    report::{Paint, Style, output::quantity::Quantity, paragraph},
};

/// Text is wrapped at this width at most.
const TEXT_WIDTH: usize = 100;
/// Columns of the names of rows, with their indent and the gap behind them.
const HEAD: usize = 11;
const NO_PHONE: &str = "On the phone: Settings, About phone, tap Build number seven times; then Settings, Developer options, USB \
    debugging. Connect it with a cable that carries data, and tap Allow. Over Wi-Fi: Developer options, Wireless debugging, Pair \
    device; then adb pair ADDRESS and adb connect ADDRESS. Then call pocketwatt phones again.";
const COARSE_COUNTERS: &str = "A charge counter steps by more than its unit: real phones by 1000 to 3705 µAh (14 to 50 J), every 30 to \
    90 s. Nothing that a battery loses is measured while anything feeds the phone.";

/// Everything that the command shows.
#[derive(Debug, Serialize)]
pub struct PhonesView {
    /// The path of adb; absent if there is none.
    adb: Option<String>,
    phones: Vec<PhoneView>,
    /// What to do when there is no adb or no phone.
    next_step: Option<String>,
}

/// A value, or why there is none.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Known<T> {
    Value(T),
    Absent { absent: String },
}

#[derive(Debug, Serialize)]
struct PhoneView {
    name: String,
    /// What adb tells the phone by. Printed here, and stored nowhere.
    serial: String,
    state: &'static str,
    /// Whether nothing stands in the way of measuring on it.
    fit: bool,
    facts: Option<FactsView>,
    obstacles: Vec<ObstacleView>,
}

#[derive(Debug, Serialize)]
struct FactsView {
    android: Option<String>,
    soc: Option<String>,
    instruction_sets: Vec<String>,
    clusters: Known<Vec<ClusterView>>,
    free_bytes: Known<u64>,
    battery: BatteryView,
    heat: HeatView,
    energy: EnergyView,
}

#[derive(Debug, Serialize)]
struct ClusterView {
    cores: Vec<u32>,
    capacity: Option<u32>,
    max_hz: Option<u64>,
    limit_hz: Option<u64>,
}

#[derive(Debug, Serialize)]
struct BatteryView {
    percent: Known<f64>,
    status: Known<&'static str>,
    powered_by: Known<Vec<&'static str>>,
    celsius: Known<f64>,
}

#[derive(Debug, Serialize)]
struct HeatView {
    processor_celsius: Option<f64>,
    skin_celsius: Option<f64>,
    status: Option<&'static str>,
    /// Why nothing is known.
    absent: Option<String>,
}

#[derive(Debug, Serialize)]
struct ObstacleView {
    kind: &'static str,
    severity: Severity,
    seen: String,
    remedy: &'static str,
}

impl PhonesView {
    /// Without adb, there is only the command that installs it.
    pub fn without_adb(install_command: &str) -> Self {
        let next_step = format!(
            "adb, the Android Debug Bridge, is not in PATH. To install it: {install_command}. If it is elsewhere, set ADB to its path."
        );
        Self { adb: None, phones: Vec::new(), next_step: Some(next_step) }
    }

    /// From what the phones answered.
    pub fn new(adb: &Adb, phones: &[Phone]) -> Self {
        let next_step = phones.is_empty().then(|| format!("adb lists no phone. {NO_PHONE}"));
        let phones = phones.iter().map(PhoneView::new).collect();
        Self { adb: Some(adb.program().display().to_string()), phones, next_step }
    }

    /// Whether a phone is ready for measuring.
    pub fn has_fit_phone(&self) -> bool {
        self.phones.iter().any(|phone| phone.fit)
    }

    /// `1 of 2 phones is fit for measuring.`
    fn verdict(&self) -> String {
        let fit = self.phones.iter().filter(|phone| phone.fit).count();
        match (fit, self.phones.len()) {
            (1, 1) => "The phone is fit for measuring.".into(),
            (0, 1) => "The phone is unfit for measuring.".into(),
            (1, all) => format!("1 of {all} phones is fit for measuring."),
            (fit, all) => format!("{fit} of {all} phones are fit for measuring."),
        }
    }
}

impl<T> Known<T> {
    fn new<Seen>(seen: &Result<Seen, Unread>, convert: impl FnOnce(&Seen) -> T) -> Self {
        match seen {
            Ok(value) => Self::Value(convert(value)),
            Err(why) => Self::Absent { absent: why.to_string() },
        }
    }

    fn words(&self, shown: impl FnOnce(&T) -> String) -> String {
        match self {
            Self::Value(value) => shown(value),
            Self::Absent { absent } => format!("unknown ({absent})"),
        }
    }

    fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent { .. } => None,
        }
    }
}

impl PhoneView {
    fn new(phone: &Phone) -> Self {
        let Phone { listed, facts, obstacles } = phone;
        Self {
            name: name(facts.as_ref(), listed),
            serial: listed.serial.for_the_user().to_owned(),
            state: listed.state.name(),
            fit: listed.state == State::Device
                && obstacles.iter().all(|obstacle| obstacle.severity() < Severity::Unfit),
            facts: facts.as_ref().map(FactsView::new),
            obstacles: obstacles.iter().map(ObstacleView::new).collect(),
        }
    }
}

/// Maker and model, of which the second often begins with the first.
fn name(facts: Option<&Facts>, listed: &Listed) -> String {
    let properties = facts.map(|facts| &facts.properties);
    let maker = properties.and_then(|properties| properties.manufacturer());
    match (maker, properties.and_then(|properties| properties.model())) {
        (Some(maker), Some(model)) if !model.to_lowercase().starts_with(&maker.to_lowercase()) => {
            format!("{maker} {model}")
        }
        (_, Some(model)) => model.to_owned(),
        (maker, None) => {
            let listed = listed.model.as_ref().map(|model| model.replace('_', " "));
            listed.or_else(|| maker.map(str::to_owned)).unwrap_or_else(|| "a phone of an unknown model".into())
        }
    }
}

impl ObstacleView {
    fn new(obstacle: &Obstacle) -> Self {
        let (kind, severity) = (obstacle.kind(), obstacle.severity());
        Self { kind, severity, seen: obstacle.seen(), remedy: obstacle.remedy() }
    }
}

impl FactsView {
    fn new(facts: &Facts) -> Self {
        let properties = &facts.properties;
        let cluster = |cluster: &Cluster| ClusterView {
            cores: cluster.cores.clone(),
            capacity: cluster.capacity,
            max_hz: cluster.max_hz,
            limit_hz: cluster.limit_hz,
        };
        Self {
            android: properties.android().map(str::to_owned),
            soc: properties.soc(),
            instruction_sets: properties.instruction_sets().into_iter().map(str::to_owned).collect(),
            clusters: Known::new(&facts.clusters, |clusters| clusters.iter().map(cluster).collect()),
            free_bytes: Known::new(&facts.free_bytes, |bytes| *bytes),
            battery: BatteryView::new(&facts.battery),
            heat: HeatView::new(&facts.thermal),
            energy: EnergyView::new(&facts.metering, &facts.battery),
        }
    }

    /// `Android 16, QTI SM8550, arm64-v8a`.
    fn system(&self) -> String {
        let android = self
            .android
            .as_ref()
            .map_or("Android of an unknown version".into(), |version| format!("Android {version}"));
        let parts = [Some(android), self.soc.clone(), self.instruction_sets.first().cloned()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// `3 at 2.02 GHz, 4 at 2.80 GHz, 1 at 3.36 GHz`.
    fn cores(&self) -> String {
        self.clusters.words(|clusters| {
            let speed = |cluster: &ClusterView| match (cluster.max_hz, cluster.capacity) {
                (Some(hertz), _) => format!("at {}", Quantity::new(hertz as f64, "Hz").prefixed().in_column()),
                (None, Some(capacity)) => format!("of capacity {capacity}"),
                (None, None) => "of unknown speed".into(),
            };
            let words = clusters.iter().map(|cluster| format!("{} {}", cluster.cores.len(), speed(cluster)));
            words.collect::<Vec<_>>().join(", ")
        })
    }

    fn room(&self) -> String {
        self.free_bytes.words(|bytes| {
            format!("{} free below /data/local/tmp", Quantity::new(*bytes as f64, "B").prefixed().in_column())
        })
    }
}

impl BatteryView {
    fn new(battery: &BatteryReport) -> Self {
        Self {
            percent: Known::new(&battery.percent, |percent| *percent),
            status: Known::new(&battery.status, |status| status.description()),
            powered_by: Known::new(&battery.powered, |sources| sources.iter().map(|source| source.name()).collect()),
            celsius: Known::new(&battery.celsius, |celsius| *celsius),
        }
    }

    /// `44 %, charging, fed by USB, 42.2 °C`; one reason where nothing is known.
    fn words(&self) -> String {
        if let (Known::Absent { absent }, Known::Absent { absent: other }) = (&self.percent, &self.celsius)
            && absent == other
        {
            return format!("unknown ({absent})");
        }
        let fed = match self.powered_by.value().map(Vec::as_slice) {
            Some([]) => Some("fed by nothing else".to_owned()),
            Some(sources) => Some(format!("fed by {}", sources.join(" and "))),
            None => None,
        };
        let parts = [
            Some(self.percent.words(|percent| format!("{percent:.0} %"))),
            Some(self.status.words(|status| (*status).to_owned())),
            fed,
            Some(self.celsius.words(|celsius| format!("{celsius:.1} °C"))),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

impl HeatView {
    fn new(thermal: &Result<ThermalReport, Unread>) -> Self {
        let report = thermal.as_ref().ok();
        let hottest = |kind| Some(report?.hottest(kind)?.1);
        Self {
            processor_celsius: hottest(SensorKind::Processor),
            skin_celsius: hottest(SensorKind::Skin),
            status: report.and_then(|report| report.status).map(|status| status.name()),
            absent: thermal.as_ref().err().map(ToString::to_string),
        }
    }

    fn words(&self) -> String {
        let degrees = |part: &str, celsius: Option<f64>| celsius.map(|celsius| format!("{part} {celsius:.1} °C"));
        let status = self.status.map(|status| format!("thermal status {status}"));
        let parts = [degrees("processor", self.processor_celsius), degrees("skin", self.skin_celsius), status];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        match &self.absent {
            Some(why) => format!("unknown ({why})"),
            None if parts.is_empty() => "unknown (the phone reports no sensor)".into(),
            None => parts.join(", "),
        }
    }
}

/// A block for each phone, and the verdict at the end.
pub fn table(view: &PhonesView, style: &Style) -> String {
    let paint = Paint { color: style.color };
    let width = style.width.unwrap_or(TEXT_WIDTH).min(TEXT_WIDTH);
    let mut output = String::new();
    for phone in &view.phones {
        output += &block(phone, width, paint);
        output.push('\n');
    }
    if let Some(next_step) = &view.next_step {
        return output + &paragraph("", next_step, width, paint);
    }
    if view.phones.iter().filter_map(|phone| phone.facts.as_ref()).any(|facts| facts.energy.has_counter()) {
        output += &paragraph("", COARSE_COUNTERS, width, paint);
        output.push('\n');
    }
    output + &paint.bold(&view.verdict()) + "\n"
}

fn block(phone: &PhoneView, width: usize, paint: Paint) -> String {
    let plain = Paint { color: false };
    let row = |name: &str, text: &str| paragraph(&columns::left(&format!("  {name}"), HEAD), text, width, plain);
    let mut output = format!("{}  {}\n", paint.bold(&inert::line(&phone.name)), paint.dim(&inert::line(&phone.serial)));
    if let Some(facts) = &phone.facts {
        output += &row("system", &facts.system());
        output += &row("cores", &facts.cores());
        output += &row("room", &facts.room());
        output += &row("battery", &facts.battery.words());
        output += &row("heat", &facts.heat.words());
        for (index, line) in facts.energy.lines().iter().enumerate() {
            output += &row(if index == 0 { "energy" } else { "" }, line);
        }
    }
    for obstacle in &phone.obstacles {
        let (word, painted) = match obstacle.severity {
            Severity::Warning => ("warning", paint.bold("warning")),
            Severity::Unfit => ("unfit", paint.alarm("unfit")),
        };
        output += &row(word, &obstacle.seen).replacen(word, &painted, 1);
        output += &paragraph(&format!("{}-> ", " ".repeat(HEAD)), obstacle.remedy, width, plain);
    }
    output
}

#[cfg(test)]
mod tests;
