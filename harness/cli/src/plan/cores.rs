//! The cores on which runners compute, as `--cores` names them.

use std::str::FromStr;

use anyhow::Result;
use pocketwatt_meter::{CoreList, SystemRoot, core_clusters};
use pocketwatt_record::PinnedCores;

use crate::refusal::Refusal;

/// What the user wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CoreChoice {
    /// The fastest cluster.
    Big,
    /// Every core on which this process may run.
    All,
    /// These.
    List(CoreList),
}

impl FromStr for CoreChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "big" => Ok(Self::Big),
            "all" => Ok(Self::All),
            list => CoreList::parse(list)
                .map(Self::List)
                .ok_or_else(|| "expected big, all or a list of cores such as 4-7 or 0,4".to_owned()),
        }
    }
}

impl CoreChoice {
    /// As the user wrote it.
    fn asked(&self) -> String {
        match self {
            Self::Big => "big".into(),
            Self::All => "all".into(),
            Self::List(list) => list.to_string(),
        }
    }

    /// The cores on this device.
    ///
    /// # Errors
    /// When one of them does not exist, is switched off, or may not be used; or when it is not known which ones are fast.
    pub fn resolve(&self, root: &SystemRoot) -> Result<PinnedCores> {
        let list = self.cores(&Cores::of(root))?;
        Ok(PinnedCores { asked: self.asked(), list: list.to_string() })
    }

    fn cores(&self, here: &Cores) -> Result<CoreList> {
        let usable = here.usable();
        let list = match self {
            Self::List(list) => {
                here.ensure_usable(list)?;
                return Ok(list.clone());
            }
            Self::All => usable,
            Self::Big => {
                let Some(big) = &here.big else {
                    return Err(refused(
                        "--cores big: this device does not report how fast its cores are, neither by cpu_capacity nor \
                                        by cpuinfo_max_freq: name the cores, as in --cores 4-7",
                    ));
                };
                // Phones switch some cores off while nobody needs them.
                usable.as_ref().map_or_else(|| Some(big.clone()), |usable| Some(big.common(usable)))
            }
        };
        match list {
            Some(list) if !list.is_empty() => Ok(list),
            Some(_) => Err(refused(
                "--cores big: this process may run on none of the fastest cores now: name others, as in --cores 0-3",
            )),
            None => Err(refused("--cores all: this device does not report its cores: name them, as in --cores 0-3")),
        }
    }
}

/// The cores of a device, as far as it reports them.
#[derive(Debug, Default)]
struct Cores {
    present: Option<CoreList>,
    online: Option<CoreList>,
    allowed: Option<CoreList>,
    /// Those of the fastest cluster.
    big: Option<CoreList>,
}

impl Cores {
    fn of(root: &SystemRoot) -> Self {
        let clusters = core_clusters(root).unwrap_or_default();
        Self {
            present: CoreList::present(root),
            online: CoreList::online(root),
            allowed: CoreList::allowed(root),
            big: clusters.last().map(|fastest| fastest.cores.iter().copied().collect()),
        }
    }

    /// Those that are switched on, and on which this process may run.
    fn usable(&self) -> Option<CoreList> {
        match (&self.online, &self.allowed) {
            (Some(online), Some(allowed)) => Some(online.common(allowed)),
            (one, other) => one.as_ref().or(other.as_ref()).cloned(),
        }
    }

    fn ensure_usable(&self, wanted: &CoreList) -> Result<()> {
        let outside = |list: &Option<CoreList>, say: &dyn Fn(u32, &CoreList) -> String| match list {
            Some(list) => wanted.first_outside(list).map_or(Ok(()), |core| Err(refused(&say(core, list)))),
            None => Ok(()),
        };
        outside(&self.present, &|core, list| format!("--cores: there is no core {core}: this device has {list}"))?;
        outside(&self.online, &|core, list| format!("--cores: core {core} is switched off now: {list} are on"))?;
        outside(&self.allowed, &|core, list| {
            format!("--cores: this process may not run on core {core}, only on {list}")
        })
    }
}

fn refused(words: &str) -> anyhow::Error {
    Refusal::error(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> CoreList {
        CoreList::parse(text).unwrap()
    }

    fn chosen(text: &str, here: &Cores) -> Result<String, String> {
        let choice: CoreChoice = text.parse()?;
        choice.cores(here).map(|list| list.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn cores_that_cannot_be_used_are_refused_by_name() {
        let here = Cores {
            present: Some(list("0-7")),
            online: Some(list("0-6")),
            allowed: Some(list("0-5")),
            big: Some(list("4-7")),
        };
        assert_eq!(chosen("0,4", &here).unwrap(), "0,4");
        assert_eq!(chosen("all", &here).unwrap(), "0-5");
        assert_eq!(chosen("big", &here).unwrap(), "4-5");
        assert_eq!(chosen("4-8", &here).unwrap_err(), "--cores: there is no core 8: this device has 0-7");
        assert_eq!(chosen("7", &here).unwrap_err(), "--cores: core 7 is switched off now: 0-6 are on");
        assert_eq!(chosen("5-6", &here).unwrap_err(), "--cores: this process may not run on core 6, only on 0-5");
        for text in ["", "fast", "4-", "-1"] {
            assert!(chosen(text, &here).unwrap_err().contains("expected big, all or a list"), "{text:?}");
        }
    }

    #[test]
    fn a_device_that_says_nothing_gets_what_is_named_and_no_guess() {
        let here = Cores::default();
        assert_eq!(chosen("4-7", &here).unwrap(), "4-7", "the kernel decides");
        assert!(chosen("big", &here).unwrap_err().contains("does not report how fast its cores are"));
        assert!(chosen("all", &here).unwrap_err().contains("does not report its cores"));
        let background = Cores { allowed: Some(list("0-3")), big: Some(list("4-7")), ..Cores::default() };
        assert!(chosen("big", &background).unwrap_err().contains("none of the fastest cores"));
    }
}
