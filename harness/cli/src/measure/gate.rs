//! What has to be so before a block begins: nothing feeds the device, it has cooled down. Each gate is waited for before each block,
//! and before each case that is measured alone.

use std::{fmt::Debug, time::Duration};

use pocketwatt_protocol::{Clock, MonotonicClock, MonotonicNs};
use pocketwatt_record::{GateKind, Wait};

use super::{Mailbox, case::Interrupted};
use crate::report::output::waiting_time;

/// A condition of the device that may take a while.
pub trait Gate: Debug {
    /// Which one it is, as records name it.
    fn kind(&self) -> GateKind;

    /// Looks once. That may take a moment, but it ends by itself.
    fn look(&mut self) -> Look;

    /// The longest wait before one block: afterwards it is measured all the same, or fails where the user wants that.
    fn patience(&self) -> Duration;

    /// How long the device is left alone between two looks.
    fn pause(&self) -> Duration {
        Duration::from_secs(5)
    }

    /// A gate that was closed is open only when so many looks in a row have found it open.
    fn looks_in_a_row(&self) -> u32 {
        1
    }
}

/// What a look has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// The block may begin.
    Open,
    /// Not yet; why, for a sentence: `USB feeds the phone`.
    Closed(String),
}

/// All gates of a run, in the order in which they are waited for.
#[derive(Debug, Default)]
pub struct Gates {
    gates: Vec<Watched>,
    /// Whether a block fails before which a gate stays closed.
    strict: bool,
}

/// What came of waiting before a block.
#[derive(Debug, Default)]
pub struct Passage {
    /// One for each gate that was closed.
    pub waits: Vec<Wait>,
    /// Why the block must not be measured.
    pub refused: Option<String>,
}

impl Gates {
    /// With `strict`, a block fails before which one of them stays closed.
    pub fn new(gates: Vec<Box<dyn Gate>>, strict: bool) -> Self {
        Self { gates: gates.into_iter().map(|gate| Watched { gate, was_open: false }).collect(), strict }
    }

    /// Waits until all of them are open, each for as long as its patience lasts; says so when it has to wait.
    ///
    /// # Errors
    /// When the user wants to stop.
    pub(super) fn wait(&mut self, before_block: Option<u32>, mailbox: &mut Mailbox) -> Result<Passage, Interrupted> {
        let mut waits: Vec<Option<Wait>> = vec![None; self.gates.len()];
        // While one is waited for, another may close: that one is waited for again, as long as its patience lasts.
        loop {
            let mut has_waited = false;
            for (watched, wait) in self.gates.iter_mut().zip(&mut waits) {
                if wait.as_ref().is_none_or(|wait| wait.still_closed.is_none()) {
                    has_waited |= watched.wait(before_block, wait, mailbox)?;
                }
            }
            if !has_waited || self.gates.len() == 1 {
                break;
            }
        }
        let waits: Vec<Wait> = waits.into_iter().flatten().collect();
        let closed = waits.iter().find_map(|wait| Some((wait.gate, wait.still_closed.as_ref()?)));
        let refused = closed.filter(|_| self.strict).map(|(gate, why)| {
            format!("not measured, because of --strict: it was waited until {}, but {why}", gate.until())
        });
        Ok(Passage { waits, refused })
    }
}

/// A gate, and how it was found before.
#[derive(Debug)]
struct Watched {
    gate: Box<dyn Gate>,
    /// Whether it was open at the end of the wait before.
    was_open: bool,
}

impl Watched {
    /// Waits until it is open or its patience is over, and adds that to `wait`. Returns whether it was closed.
    fn wait(
        &mut self,
        before_block: Option<u32>,
        wait: &mut Option<Wait>,
        mailbox: &mut Mailbox,
    ) -> Result<bool, Interrupted> {
        let kind = self.gate.kind();
        let patience = self.gate.patience();
        let before = Duration::from_millis(wait.as_ref().map_or(0, |wait| wait.waited_ms));
        let begun = MonotonicClock.now();
        let mut open_in_a_row = 0;
        let mut was_closed = false;
        loop {
            let why = match self.gate.look() {
                Look::Open => {
                    open_in_a_row += 1;
                    // A gate that has stayed open needs no second look.
                    if self.was_open || open_in_a_row >= self.gate.looks_in_a_row() {
                        break;
                    }
                    None
                }
                Look::Closed(why) => {
                    (open_in_a_row, self.was_open) = (0, false);
                    Some(why)
                }
            };
            let spent = before + since(begun);
            if let Some(why) = why {
                was_closed = true;
                let is_new = wait.is_none();
                let wait = wait.get_or_insert_with(|| Wait {
                    gate: kind,
                    before_block,
                    waited_ms: 0,
                    because: why.clone(),
                    still_closed: None,
                });
                if spent >= patience {
                    wait.waited_ms = milliseconds(spent);
                    notice!("after {} it is so that {why}: {}", waiting_time(spent.as_secs_f64()), kind.otherwise());
                    wait.still_closed = Some(why);
                    return Ok(true);
                }
                if is_new {
                    let most = waiting_time(patience.as_secs_f64());
                    notice!("waiting until {}, for {most} at most: {why}", kind.until());
                }
            }
            // A gate that was open at the last look gets the second look that it needs.
            let rest = if open_in_a_row > 0 { self.gate.pause() } else { self.gate.pause().min(patience - spent) };
            if mailbox.pause(rest) {
                return Err(Interrupted);
            }
        }
        self.was_open = true;
        if let Some(wait) = wait.as_mut().filter(|_| was_closed) {
            let spent = before + since(begun);
            wait.waited_ms = milliseconds(spent);
            notice!("waited {}, going on", waiting_time(spent.as_secs_f64()));
        }
        Ok(was_closed)
    }
}

fn since(begun: MonotonicNs) -> Duration {
    Duration::from_nanos(MonotonicClock.now().since(begun))
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers with these looks, and the last one again and again.
    #[derive(Debug)]
    struct Scripted {
        looks: Vec<&'static str>,
        patience_ms: u64,
        in_a_row: u32,
    }

    impl Gate for Scripted {
        fn kind(&self) -> GateKind {
            GateKind::OnBattery
        }

        fn look(&mut self) -> Look {
            let look = if self.looks.len() > 1 { self.looks.remove(0) } else { self.looks[0] };
            if look.is_empty() { Look::Open } else { Look::Closed(look.to_owned()) }
        }

        fn patience(&self) -> Duration {
            Duration::from_millis(self.patience_ms)
        }

        fn pause(&self) -> Duration {
            Duration::from_millis(2)
        }

        fn looks_in_a_row(&self) -> u32 {
            self.in_a_row
        }
    }

    fn gates(strict: bool, patience_ms: u64, looks: &[&'static str]) -> Gates {
        Gates::new(vec![Box::new(Scripted { looks: looks.to_vec(), patience_ms, in_a_row: 2 })], strict)
    }

    const PATIENT: u64 = 60_000;

    #[test]
    fn a_gate_is_open_only_after_two_looks_in_a_row_that_found_it_open() {
        let mut mailbox = Mailbox::without_signals();
        let mut gates = gates(false, PATIENT, &["a charger", "", "USB", "", "", "USB", "", ""]);
        let passage = gates.wait(Some(1), &mut mailbox).unwrap();
        let [wait] = &passage.waits[..] else { panic!("{passage:?}") };
        assert_eq!((&*wait.because, wait.before_block, &wait.still_closed), ("a charger", Some(1), &None));
        assert!(wait.waited_ms >= 8 && passage.refused.is_none(), "{wait:?}");
        let again = gates.wait(Some(2), &mut mailbox).unwrap();
        assert_eq!(again.waits[0].because, "USB", "each block waits again");
    }

    #[test]
    fn an_open_gate_is_no_wait() {
        let passage = gates(true, 0, &["", ""]).wait(None, &mut Mailbox::without_signals()).unwrap();
        assert!(passage.waits.is_empty() && passage.refused.is_none());
    }

    #[test]
    fn a_gate_that_stays_closed_is_told_and_refuses_only_where_the_user_is_strict() {
        let closed =
            |strict| gates(strict, 5, &["USB feeds the phone"]).wait(None, &mut Mailbox::without_signals()).unwrap();
        let lenient = closed(false);
        assert_eq!(lenient.waits[0].still_closed.as_deref(), Some("USB feeds the phone"));
        assert_eq!(lenient.refused, None);
        assert_eq!(
            closed(true).refused.unwrap(),
            "not measured, because of --strict: it was waited until the battery alone feeds the device, but USB feeds the phone"
        );
    }

    #[test]
    fn a_gate_that_closes_while_another_is_waited_for_is_waited_for_again() {
        let gate =
            |looks: &[&'static str]| Box::new(Scripted { looks: looks.to_vec(), patience_ms: PATIENT, in_a_row: 1 });
        let mut gates = Gates::new(vec![gate(&["", "USB", ""]), gate(&["hot", ""])], false);
        let waits = gates.wait(None, &mut Mailbox::without_signals()).unwrap().waits;
        let because: Vec<&str> = waits.iter().map(|wait| &*wait.because).collect();
        assert_eq!(because, ["USB", "hot"]);
    }
}
