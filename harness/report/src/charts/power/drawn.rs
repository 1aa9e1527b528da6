//! The course of a power, as it is drawn.

use pocketwatt_record::{Course, PowerCurve};

use crate::{
    charts::power::line::{Step, many_readings, steps},
    output::inert::one_line,
};

/// A curve with few enough points.
pub struct Drawn {
    /// What the meter told.
    pub curve: PowerCurve,
    /// Mean powers, if it is not drawn as a plain line.
    pub steps: Vec<Step>,
    /// Seconds and watts.
    pub line: Vec<(f64, f64)>,
}

impl Drawn {
    /// Steps and points at least `shortest` seconds apart.
    pub fn of(curve: PowerCurve, shortest: f64) -> Self {
        let steps = match &curve.course {
            Course::Counted(points) => steps(points, shortest),
            Course::Shown(points) => many_readings(points, shortest),
            Course::Unknown(_) => Vec::new(),
        };
        let line = match &curve.course {
            Course::Shown(points) if steps.is_empty() => points.iter().map(|point| (point.at, point.watts)).collect(),
            _ => steps.iter().flat_map(|step| [(step.from, step.watts), (step.to, step.watts)]).collect(),
        };
        Self { curve, steps, line }
    }

    /// The part of the device whose power it is.
    pub fn name(&self) -> String {
        let part = self.curve.part.as_deref().map_or_else(String::new, |part| format!(" {}", one_line(part)));
        format!("{}{part}", self.curve.scope.name())
    }

    /// The largest number that is drawn, in watts.
    pub fn highest(&self) -> f64 {
        let steps = self.steps.iter().map(|step| step.highest);
        steps.chain(self.line.iter().map(|(_, watts)| *watts)).fold(0.0, f64::max)
    }
}
