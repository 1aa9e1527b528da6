use super::{SensorKind, ThermalStatus};

/// When the phone limits itself because of one sensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// The sensor's name, untrusted.
    pub name: String,
    /// What it measures; `None` for types without a meaning here.
    pub kind: Option<SensorKind>,
    /// Degrees Celsius from which on the status is at least this, mildest first; absent where there is no such threshold.
    pub hot: Vec<(ThermalStatus, f64)>,
}

/// Reads a threshold in Java's form, `TemperatureThreshold{mType=3, mName=skin, mHotThrottlingThresholds=[NaN, 40.0], ...}`, or in
/// that of C++, `{.type = SKIN, .name = skin, .hotThrottlingThresholds = [NaN, 40.0], ...}`, which the HAL of a phone with a
/// MediaTek-like cooling prints. `None` for other lines, and for sensors that are not in degrees.
pub(super) fn threshold(line: &str, shift: i64) -> Option<Threshold> {
    let (kind, name, hot) = if let Some(fields) = line.strip_prefix("TemperatureThreshold{") {
        let number = field(fields, "mType=").and_then(|number| number.parse::<i64>().ok()?.checked_sub(shift));
        (number.and_then(SensorKind::of), field(fields, "mName=")?, list(fields, "mHotThrottlingThresholds=[")?)
    } else {
        let fields = line.strip_prefix("{.type = ")?;
        let kind = kind_named(fields.split(',').next()?);
        (kind, field(fields, ".name = ")?, list(fields, ".hotThrottlingThresholds = [")?)
    };
    let degrees = hot.split(',').map(|number| number.trim().parse().unwrap_or(f64::NAN));
    let hot: Vec<(ThermalStatus, f64)> =
        ThermalStatus::ALL.into_iter().zip(degrees).filter(|(_, celsius)| celsius.is_finite()).collect();
    kind.is_some().then(|| Threshold { name: name.to_owned(), kind, hot })
}

/// The text of a field up to the next one. A name may contain a comma without a key after it.
fn field<'a>(fields: &'a str, key: &str) -> Option<&'a str> {
    let value = fields.split_once(key)?.1;
    let ends = [", m", ", ."].into_iter().filter_map(|next| value.find(next));
    Some(&value[..ends.min().unwrap_or(value.len())])
}

fn list<'a>(fields: &'a str, key: &str) -> Option<&'a str> {
    fields.split_once(key)?.1.split_once(']').map(|(list, _)| list)
}

fn kind_named(name: &str) -> Option<SensorKind> {
    Some(match name {
        "CPU" => SensorKind::Processor,
        "GPU" => SensorKind::Graphics,
        "BATTERY" => SensorKind::Battery,
        "SKIN" => SensorKind::Skin,
        "USB_PORT" => SensorKind::UsbPort,
        "POWER_AMPLIFIER" => SensorKind::PowerAmplifier,
        "NPU" => SensorKind::Npu,
        _ => return None,
    })
}
