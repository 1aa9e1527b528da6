use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A time that was spent waiting for the device to become fit, before a block or a case began; since format 1.11.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Wait {
    /// What was waited for.
    pub gate: GateKind,
    /// The block that began afterwards, counted from 1; absent for a case that is measured alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_block: Option<u32>,
    /// How long, in milliseconds.
    pub waited_ms: u64,
    /// Why the gate was closed when it was first looked at.
    pub because: String,
    /// Why it was still closed at the end, where the longest wait was over before it opened: the block was measured all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub still_closed: Option<String>,
}

/// What a run may wait for before each block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GateKind {
    /// That nothing but the battery feeds the device.
    OnBattery,
    /// That the device has cooled down.
    CoolDown,
    /// Something that only a later version knows.
    #[serde(other)]
    Other,
}

impl GateKind {
    /// What is waited for, after "until".
    pub fn until(self) -> &'static str {
        match self {
            Self::OnBattery => "the battery alone feeds the device",
            Self::CoolDown => "the device has cooled down",
            Self::Other => "the device is fit",
        }
    }

    /// What happens where it stays closed.
    pub fn otherwise(self) -> &'static str {
        match self {
            Self::OnBattery => "times are measured, and the energy of the battery is not",
            Self::CoolDown | Self::Other => "it is measured all the same",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_of_later_versions_are_read() {
        let wait: Wait =
            serde_json::from_str(r#"{"gate": "full-moon", "waited_ms": 5, "because": "new moon"}"#).unwrap();
        assert_eq!((wait.gate, wait.still_closed), (GateKind::Other, None));
    }
}
