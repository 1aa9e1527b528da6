use pocketwatt_protocol::{Clock, LoadStage, LoadStageTime, MonotonicNs};

/// Notes when each part of loading began and ended.
pub struct LoadStages<'a> {
    clock: &'a dyn Clock,
    open: Option<(LoadStage, MonotonicNs)>,
    closed: Vec<LoadStageTime>,
}

impl<'a> LoadStages<'a> {
    /// Starts before the first part.
    pub fn new(clock: &'a dyn Clock) -> Self {
        Self { clock, open: None, closed: Vec::new() }
    }

    /// Notes that a part begins, and that the one before it has ended.
    pub fn begin(&mut self, stage: LoadStage) {
        let now = self.clock.now();
        self.close(now);
        self.open = Some((stage, now));
    }

    /// Notes the end of loading.
    pub(crate) fn finish(mut self, end: MonotonicNs) -> Vec<LoadStageTime> {
        self.close(end);
        self.closed
    }

    fn close(&mut self, end: MonotonicNs) {
        if let Some((stage, start)) = self.open.take() {
            self.closed.push(LoadStageTime { stage, start, end });
        }
    }
}
