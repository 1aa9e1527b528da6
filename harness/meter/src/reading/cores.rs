use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The cores of a runner, by their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunnerCores {
    /// Those on which it might run when it was first read, as in `0-3,6`.
    pub allowed: Option<String>,
    /// The same at its end, where that is another list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_at_end: Option<String>,
    /// Those on which its threads ran last (`processor` in proc_pid_stat(5)), in order.
    pub last_ran_on: Vec<u32>,
}

impl RunnerCores {
    /// Adds those of a later runner of the same case.
    pub(super) fn append(&mut self, later: Self) {
        let end = later.allowed_at_end.or(later.allowed).or_else(|| self.allowed_at_end.take());
        self.allowed_at_end = end.filter(|end| Some(end) != self.allowed.as_ref());
        self.last_ran_on.extend(later.last_ran_on);
        self.last_ran_on.sort_unstable();
        self.last_ran_on.dedup();
    }
}

/// A process that was moved to other control groups, as `/proc/self/cgroup` names them; its lines are joined by blanks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Regrouped {
    /// At the beginning.
    pub before: String,
    /// At the end.
    pub after: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runners_of_later_blocks_add_their_cores() {
        let of = |allowed: &str, last_ran_on: Vec<u32>| RunnerCores {
            allowed: Some(allowed.into()),
            allowed_at_end: None,
            last_ran_on,
        };
        let mut cores = of("0-3", vec![2]);
        cores.append(of("0-3", vec![1, 2]));
        assert_eq!((cores.allowed_at_end.as_deref(), &*cores.last_ran_on), (None, &[1, 2][..]));
        cores.append(of("0-1", vec![]));
        assert_eq!(cores.allowed_at_end.as_deref(), Some("0-1"));
    }
}
