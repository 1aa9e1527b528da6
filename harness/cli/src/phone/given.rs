//! The options of a run that was asked for on the host, as the phone gets them: files that they name are sent, and named by their
//! places there.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::{ArgAction, ArgMatches, Command, parser::ValueSource};
use pocketwatt_files::check_name;
use pocketwatt_phone::host::Upload;
use pocketwatt_scenario::Scenario;

use crate::refusal::Refusal;

/// An option that the user wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Its name in the program.
    pub id: String,
    /// `--model`; nothing for a word without an option.
    pub option: String,
    /// Its values, at commas apart; none of a switch.
    pub values: Vec<OsString>,
}

/// The options that stand in the command line, in the order of the help.
pub fn given(command: &Command, matches: &ArgMatches) -> Vec<Given> {
    let is_given = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    let arguments = command.get_arguments().filter(|argument| is_given(argument.get_id().as_str()));
    arguments
        .map(|argument| {
            let id = argument.get_id().as_str();
            let takes_value = matches!(argument.get_action(), ArgAction::Set | ArgAction::Append);
            let raw = matches.get_raw(id).filter(|_| takes_value).into_iter().flatten();
            let values = raw.map(OsStr::to_owned).collect();
            let option = argument.get_long().map_or_else(String::new, |long| format!("--{long}"));
            Given { id: id.to_owned(), option, values }
        })
        .collect()
}

/// What becomes of an option on its way to the phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It goes with it as it is.
    Along,
    /// Its values are files or folders of the host, which are sent.
    File,
    /// The same where there is such a file; else it is a name.
    FileOrName,
    /// Its values are names of scenarios or files of them.
    Scenarios,
    /// It is the name of a stored run of the host, whose folder is sent.
    StoredRun,
    /// It is for the host alone.
    Stays,
}

/// Those that do not simply go along. A test compares the list with the options.
const WAYS: [(&str, Way); 22] = [
    ("scenario", Way::Scenarios),
    // Of a study.
    ("name", Way::FileOrName),
    ("backends", Way::File),
    ("baseline_runners", Way::File),
    ("calibration", Way::File),
    ("against", Way::StoredRun),
    // Where things are on the host, and how they are shown there.
    ("results", Way::Stays),
    ("cache", Way::Stays),
    ("format", Way::Stays),
    ("show_text", Way::Stays),
    ("show_calls", Way::Stays),
    ("turns", Way::Stays),
    // The host chooses the name: two phones may be alike.
    ("device", Way::Stays),
    ("dry_run", Way::Stays),
    // The host finds the job that goes on.
    ("resume", Way::Stays),
    ("phone", Way::Stays),
    ("detach", Way::Stays),
    ("untethered", Way::Stays),
    ("unplug_limit", Way::Stays),
    ("unplug_command", Way::Stays),
    ("plug_command", Way::Stays),
    // Files of this machine say nothing about a phone.
    ("sysfs_root", Way::Stays),
];

/// What becomes of the option with that name.
pub fn way(id: &str) -> Way {
    WAYS.iter().find(|(known, _)| *known == id).map_or(Way::Along, |(_, way)| *way)
}

/// Files that a job reads, and the options that name them.
#[derive(Debug, Default)]
pub struct Inputs {
    /// Files to send; places are below the job's folder.
    pub uploads: Vec<Upload>,
    /// The options, as the phone gets them.
    pub words: Vec<String>,
}

impl Inputs {
    /// Of a job whose folder is there, `jobs/ID`. `scenarios` are those of the plan; `write` is a folder for what is written on the way;
    /// `stored_run` finds the folder of a stored run.
    ///
    /// # Errors
    /// When a file cannot be read, or a value is no text.
    pub fn new(
        given: &[Given],
        job_folder: &str,
        scenarios: &[Scenario],
        write: &Path,
        stored_run: impl Fn(&str) -> Result<PathBuf>,
    ) -> Result<Self> {
        let mut inputs = Self::default();
        for option in given {
            let text = |value: &OsString| {
                let text = value.to_str().map(str::to_owned);
                text.ok_or_else(|| Refusal::error(format!("{} {value:?} is not UTF-8", option.option)))
            };
            let mut values = option.values.iter().map(text).collect::<Result<Vec<_>>>()?;
            match way(&option.id) {
                Way::Stays => continue,
                Way::Along => {}
                Way::Scenarios => {
                    values = scenarios
                        .iter()
                        .map(|scenario| inputs.scenario(scenario, job_folder, write))
                        .collect::<Result<_>>()?;
                }
                Way::File => {
                    let send = |value: &String| inputs.file(Path::new(value), job_folder);
                    values = values.iter().map(send).collect::<Result<_>>()?;
                }
                Way::FileOrName => {
                    for value in values.iter_mut().filter(|value| Path::new(value.as_str()).is_file()) {
                        *value = inputs.file(Path::new(value.as_str()), job_folder)?;
                    }
                }
                Way::StoredRun => {
                    let send = |value: &String| inputs.file(&stored_run(value)?, job_folder);
                    values = values.iter().map(send).collect::<Result<_>>()?;
                }
            }
            if values.is_empty() {
                inputs.words.push(option.option.clone());
            }
            let is_word = option.option.is_empty();
            let word = |value| if is_word { value } else { format!("{}={value}", option.option) };
            inputs.words.extend(values.into_iter().map(word));
        }
        Ok(inputs)
    }

    /// A shipped or synthetic one by its name; any other as a run stores it, with all that its file names.
    fn scenario(&mut self, scenario: &Scenario, job_folder: &str, write: &Path) -> Result<String> {
        if Scenario::find(&scenario.name).is_ok_and(|known| known.sha256() == scenario.sha256()) {
            return Ok(scenario.name.clone());
        }
        let file = write.join(format!("{}{}", scenario.name, Scenario::STORED_ENDING));
        let source = serde_json::to_string(&scenario.source())?;
        fs::write(&file, source).with_context(|| format!("cannot write {}", file.display()))?;
        self.file(&file, job_folder)
    }

    /// Sends a file, or a folder with all that is in it; returns its path on the phone.
    fn file(&mut self, from: &Path, job_folder: &str) -> Result<String> {
        let unusable = |error: &dyn std::fmt::Display| {
            Refusal::error(format!("{} cannot be sent to the phone: {error}", from.display()))
        };
        let path = from.canonicalize().map_err(|error| unusable(&error))?;
        let name = path.file_name().and_then(OsStr::to_str).ok_or_else(|| unusable(&"its name is not UTF-8"))?;
        check_name(name).map_err(|error| unusable(&error))?;
        // Each has a folder of its own, because two may have one name.
        let place = format!("{job_folder}/inputs/{}/{name}", self.words.len() + self.uploads.len());
        let before = self.uploads.len();
        self.add(&path, &place).map_err(|error| unusable(&format!("{error:#}")))?;
        if self.uploads.len() == before {
            return Err(unusable(&"the folder is empty"));
        }
        Ok(format!("{}/{place}", pocketwatt_phone::job::ROOT))
    }

    fn add(&mut self, path: &Path, place: &str) -> Result<()> {
        const DEEPEST: usize = 12;
        if path.is_dir() {
            anyhow::ensure!(place.split('/').count() < DEEPEST, "its folders are nested too deeply");
            let mut entries = fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
            entries.sort_by_key(fs::DirEntry::file_name);
            for entry in entries {
                let name = entry.file_name();
                let name = name.to_str().context("a name in it is not UTF-8")?;
                self.add(&entry.path(), &format!("{place}/{}", check_name(name)?))?;
            }
            return Ok(());
        }
        anyhow::ensure!(path.is_file(), "it is no regular file");
        let is_program = std::os::unix::fs::PermissionsExt::mode(&path.metadata()?.permissions()) & 0o111 != 0;
        self.uploads.push(Upload { from: path.to_owned(), to: place.to_owned(), is_program });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Command};

    use super::*;

    fn option(id: &str, option: &str, values: &[&str]) -> Given {
        Given { id: id.into(), option: option.into(), values: values.iter().map(OsString::from).collect() }
    }

    fn sent(given: &[Given], scenarios: &[Scenario], write: &Path) -> Result<Inputs> {
        Inputs::new(given, "jobs/a", scenarios, write, |name| Ok(write.join(name)))
    }

    #[test]
    fn what_stands_in_the_command_line_is_told_and_defaults_are_not() {
        let command = Command::new("run")
            .arg(Arg::new("name"))
            .arg(Arg::new("model").long("model").value_delimiter(',').action(ArgAction::Append))
            .arg(Arg::new("no_probe").long("no-probe").action(ArgAction::SetTrue))
            .arg(Arg::new("results").long("results").default_value("results"))
            .arg(Arg::new("phone").long("phone").num_args(0..=1).default_missing_value("").action(ArgAction::Append));
        let words = ["run", "depth", "--model=a,b", "--model", "c", "--no-probe", "--phone"];
        let matches = command.clone().get_matches_from(words);
        assert_eq!(
            given(&command, &matches),
            [
                option("name", "", &["depth"]),
                option("model", "--model", &["a", "b", "c"]),
                option("no_probe", "--no-probe", &[]),
                option("phone", "--phone", &[""]),
            ]
        );
    }

    #[test]
    fn files_are_sent_and_named_by_their_places_there() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("with blanks and 'quotes'");
        fs::create_dir_all(folder.join("deep")).unwrap();
        fs::write(folder.join("deep/b"), "").unwrap();
        let file = root.path().join("own.toml");
        fs::write(&file, "").unwrap();
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        let all = [
            option("name", "", &["depth"]),
            option("model", "--model", &["tiny", "b$(id)"]),
            option("no_probe", "--no-probe", &[]),
            option("backends", "--backends", &[&path(&file)]),
            option("baseline_runners", "--baseline-runners", &[&path(&folder)]),
            option("results", "--results", &["/somewhere"]),
        ];
        let inputs = sent(&all, &[], root.path()).unwrap();
        assert_eq!(
            inputs.words,
            [
                "depth",
                "--model=tiny",
                "--model=b$(id)",
                "--no-probe",
                "--backends=/data/local/tmp/pocketwatt/jobs/a/inputs/4/own.toml",
                "--baseline-runners=/data/local/tmp/pocketwatt/jobs/a/inputs/6/with blanks and 'quotes'",
            ]
        );
        let places: Vec<&str> = inputs.uploads.iter().map(|upload| upload.to.as_str()).collect();
        assert_eq!(places, ["jobs/a/inputs/4/own.toml", "jobs/a/inputs/6/with blanks and 'quotes'/deep/b"]);
        let gone = sent(&[option("backends", "--backends", &["/not/there.toml"])], &[], root.path()).unwrap_err();
        assert!(gone.to_string().starts_with("/not/there.toml cannot be sent to the phone: "), "{gone}");
    }

    #[test]
    fn a_scenario_of_a_file_arrives_with_all_that_its_file_names() {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("mine.jsonl");
        fs::write(&data, "{\"messages\": [{\"role\": \"user\", \"content\": \"hello\"}, {\"role\": \"assistant\", \"content\": \"hi\"}]}\n").unwrap();
        let mine = Scenario::find(data.to_str().unwrap()).unwrap();
        let scenarios = [Scenario::find("chat").unwrap(), Scenario::find("prefill-16-decode-4").unwrap(), mine.clone()];
        let inputs = sent(&[option("scenario", "--scenario", &["as", "written"])], &scenarios, root.path()).unwrap();
        assert_eq!(inputs.words[..2], ["--scenario=chat", "--scenario=prefill-16-decode-4"]);
        assert!(inputs.words[2].ends_with("/mine.scenario.json"), "{:?}", inputs.words);
        let arrived = Scenario::find(inputs.uploads[0].from.to_str().unwrap()).unwrap();
        assert_eq!((arrived.sha256(), arrived.name), (mine.sha256(), mine.name));
    }
}
