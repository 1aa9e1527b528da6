use std::{
    env,
    fs::{self, File},
    io::Write,
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};

use crate::fault::Fault;

/// The environment variable that holds the script.
pub const VARIABLE: &str = "POCKETWATT_FAKE";

const WORDS: &str = "name, load, prefill, decode, fault, iteration, starts, start";

/// What the fake does. See the crate's documentation for the words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The name in its greeting, so that it can take the part of several backends.
    pub name: String,
    /// How long loading takes.
    pub load: Duration,
    /// Duration of each token of a prompt.
    pub prefill: Duration,
    /// Duration of each output token after the first.
    pub decode: Duration,
    /// What goes wrong.
    pub fault: Option<Fault>,
    /// The iteration of the fault, counted from 1, warm-up included.
    pub iteration: u32,
    /// The file in which starts are noted.
    pub starts: Option<PathBuf>,
    /// The start with the fault, counted from 1; all of them by default.
    pub start: Option<usize>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            name: "fake".into(),
            load: Duration::ZERO,
            prefill: Duration::ZERO,
            decode: Duration::ZERO,
            fault: None,
            iteration: 1,
            starts: None,
            start: None,
        }
    }
}

impl Script {
    /// Reads the script from the environment for this start, and notes the start.
    pub fn from_environment() -> Result<Self> {
        let text = match env::var(VARIABLE) {
            Ok(text) => text,
            Err(env::VarError::NotPresent) => String::new(),
            Err(error) => return Err(error).context(VARIABLE),
        };
        let script: Script = text.parse().with_context(|| format!("{VARIABLE}={text:?}"))?;
        script.note_start()
    }

    /// Notes this start, and leaves the fault out if it is meant for another one.
    fn note_start(mut self) -> Result<Self> {
        if let Some(path) = &self.starts {
            let context = || format!("cannot note the start in {}", path.display());
            let mut file = File::options().create(true).append(true).open(path).with_context(context)?;
            writeln!(file, "{}", std::process::id()).with_context(context)?;
            let count = fs::read_to_string(path).with_context(context)?.lines().count();
            if self.start.is_some_and(|start| start != count) {
                self.fault = None;
            }
        }
        Ok(self)
    }
}

impl FromStr for Script {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut script = Script::default();
        let mut seen = Vec::new();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let (key, value) =
                word.split_once('=').with_context(|| format!("{word:?} is not of the form word=value"))?;
            ensure!(!seen.contains(&key), "{key} is given twice");
            seen.push(key);
            match key {
                "name" => script.name = value.into(),
                "load" => script.load = duration(value)?,
                "prefill" => script.prefill = duration(value)?,
                "decode" => script.decode = duration(value)?,
                "fault" => script.fault = Some(fault(value)?),
                "iteration" => script.iteration = count(key, value)?,
                "starts" => script.starts = Some(value.into()),
                "start" => script.start = Some(count(key, value)? as usize),
                _ => bail!("there is no word {key:?}, only {WORDS}"),
            }
        }
        ensure!(script.start.is_none() || script.starts.is_some(), "start needs starts=PATH, where starts are counted");
        Ok(script)
    }
}

fn fault(word: &str) -> Result<Fault> {
    let known = Fault::ALL.iter().find(|(name, _)| *name == word);
    known.map(|(_, fault)| *fault).with_context(|| {
        let names: Vec<&str> = Fault::ALL.iter().map(|(name, _)| *name).collect();
        format!("there is no fault {word:?}, only {}", names.join(", "))
    })
}

fn count(key: &str, value: &str) -> Result<u32> {
    match value.parse() {
        Ok(number @ 1..) => Ok(number),
        _ => bail!("{key}={value}: it is counted from 1"),
    }
}

fn duration(text: &str) -> Result<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit_ns = match unit {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        _ => bail!("{text:?} is not a duration: give a whole number followed by ns, us, ms or s"),
    };
    let number: u64 = number.parse().with_context(|| format!("{text:?} is not a duration"))?;
    let nanoseconds = number.checked_mul(unit_ns).with_context(|| format!("{text:?} is too long"))?;
    Ok(Duration::from_nanos(nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Moment;

    #[test]
    fn an_empty_script_does_nothing_special() {
        assert_eq!("".parse::<Script>().unwrap(), Script::default());
    }

    #[test]
    fn all_words_are_understood() {
        let text = "name=other,load=20ms, prefill=50us,decode=1s,fault=hang@decode,iteration=3,starts=/tmp/a b,start=2";
        let script = Script {
            name: "other".into(),
            load: Duration::from_millis(20),
            prefill: Duration::from_micros(50),
            decode: Duration::from_secs(1),
            fault: Some(Fault::Hang(Moment::Decode)),
            iteration: 3,
            starts: Some("/tmp/a b".into()),
            start: Some(2),
        };
        assert_eq!(text.parse::<Script>().unwrap(), script);
    }

    #[test]
    fn faults_have_words_of_their_own() {
        for (index, (word, right)) in Fault::ALL.iter().enumerate() {
            assert_eq!(fault(word).unwrap(), *right);
            assert!(Fault::ALL[..index].iter().all(|(_, other)| other != right), "{word} stands for another's fault");
        }
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let error = |text: &str| format!("{:#}", text.parse::<Script>().unwrap_err());
        insta::assert_snapshot!(error("loda=1ms"), @r#"there is no word "loda", only name, load, prefill, decode, fault, iteration, starts, start"#);
        insta::assert_snapshot!(error("hang"), @r#""hang" is not of the form word=value"#);
        insta::assert_snapshot!(error("load=20"), @r#""20" is not a duration: give a whole number followed by ns, us, ms or s"#);
        insta::assert_snapshot!(error("load=ms"), @r#""ms" is not a duration: cannot parse integer from empty string"#);
        insta::assert_snapshot!(error("load=99999999999s"), @r#""99999999999s" is too long"#);
        insta::assert_snapshot!(error("iteration=0"), @"iteration=0: it is counted from 1");
        insta::assert_snapshot!(error("start=1"), @"start needs starts=PATH, where starts are counted");
        insta::assert_snapshot!(error("load=1ms,load=2ms"), @"load is given twice");
        assert!(
            error("fault=crash@noon").starts_with("there is no fault \"crash@noon\", only crash@start, crash@load,")
        );
    }

    #[test]
    fn a_fault_can_be_kept_for_one_start() {
        let folder = tempfile::tempdir().unwrap();
        let starts = folder.path().join("starts");
        let script: Script = format!("fault=quit,start=2,starts={}", starts.display()).parse().unwrap();
        let faults: Vec<bool> = (0..3).map(|_| script.clone().note_start().unwrap().fault.is_some()).collect();
        assert_eq!(faults, [false, true, false]);
        let own = format!("{}\n", std::process::id());
        assert_eq!(fs::read_to_string(starts).unwrap(), own.repeat(3));
    }
}
