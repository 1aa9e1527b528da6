//! Phones that lie: about which files they have, what is in them, what they are called, and how a job is. Nothing is written outside the
//! results, nothing is executed that the user did not name, and nothing that they say acts on a terminal.
#![cfg(test)]

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use pocketwatt_model::sha256_of_file;
use pocketwatt_phone::job::{
    JobId, JobLife, JobReport, JobState, Manifest, ManifestFile, RestoreLine, Stage, WaitLine,
};
use pocketwatt_tests::{
    Finished,
    phone::{
        Desk,
        desk::{SHORT, measured},
    },
};

const ID: &str = "20260101-000000-bad";
const ROOT: &str = "/data/local/tmp/pocketwatt";
/// Clears the screen, sets the window's title, and begins a line that looks like ours.
const ESCAPES: &str = "\u{1b}[2J\u{1b}]0;title\u{7}\rerror: all is well\u{9b}31m\u{202e}";

/// A phone whose program answers what lies in a folder, after a sound one measured on it.
struct Liar {
    desk: Desk,
}

impl Liar {
    fn new() -> Option<Self> {
        let desk = Desk::new(&[])?;
        desk.run(&[]).expect_code(0);
        let liar = Self { desk };
        let script = "#!/system/bin/sh\n[ \"$2\" = stop ] && exit 1\n[ -e /lies/$2 ] && . /lies/$2\n";
        // A file that is written while it is executed cannot be.
        let place = liar.desk.phone.path(&format!("{ROOT}/bin/pocketwatt"));
        fs::remove_file(&place).unwrap();
        fs::write(&place, script).unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
        liar.says("jobs", &report("words", JobLife::Ended));
        Some(liar)
    }

    /// What `pocketwatt on-phone WORD` prints.
    fn says(&self, word: &str, text: &str) {
        self.desk.phone.write(&format!("lies/{word}.text"), &format!("{text}\n"));
        self.does(word, &format!("cat /lies/{word}.text"));
    }

    /// What it does.
    fn does(&self, word: &str, script: &str) {
        self.desk.phone.write(&format!("lies/{word}"), &format!("{script}\n"));
    }

    fn lists(&self, files: &[ManifestFile]) {
        self.says("manifest", &serde_json::to_string(&Manifest { files: files.to_vec() }).unwrap());
    }

    /// The folder of the job's results on the phone.
    fn results(&self) -> PathBuf {
        self.desk.phone.path(&format!("{ROOT}/jobs/{ID}/results"))
    }

    /// Fetches into a new folder, in which nothing may be then but what a test names.
    fn fetch(&self) -> (Finished, Vec<PathBuf>) {
        let home = self.desk.bench.path("home");
        let _ = fs::remove_dir_all(&home);
        let fetched = self.desk.phone(&["fetch", "--results", home.to_str().unwrap()]);
        inert(&fetched);
        (fetched, files_below(&home))
    }
}

/// Nothing in it acts on a terminal.
#[track_caller]
fn inert(finished: &Finished) {
    for text in [&finished.stdout, &finished.stderr] {
        let bad =
            text.chars().find(|&character| (character.is_control() && character != '\n') || character == '\u{202e}');
        assert_eq!(bad, None, "{text:?}");
        assert!(!text.lines().any(|line| line.starts_with("error: all is well")), "{text}");
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() && !path.is_symlink() { files_below(&path) } else { vec![path] }).collect()
}

fn state(words: &str) -> JobState {
    JobState {
        id: JobId::try_from(ID.to_owned()).unwrap(),
        stage: Stage::Ended { status: 0 },
        since_unix_ms: 1,
        boot_id: None,
        stored: 1,
        cases: Some(1),
        words: Some(words.into()),
    }
}

fn report(words: &str, life: JobLife) -> String {
    let report = JobReport { state: state(words), life, has_changed_settings: false, bytes: 1 };
    serde_json::to_string(&report).unwrap()
}

fn listed(path: &str) -> ManifestFile {
    ManifestFile { path: path.into(), bytes: 3, sha256: "0".repeat(64) }
}

#[test]
fn files_are_only_taken_where_a_run_has_them_and_as_they_were_listed() {
    let Some(liar) = Liar::new() else { return };
    for path in
        ["../../evil", "/tmp/evil", "d/../../evil", "d/a b", "d/it's", "d/\"x\"", "d/a\nb", "d/$(touch evil)", ESCAPES]
    {
        liar.lists(&[listed("d/r/run.json"), listed(path)]);
        let (fetched, files) = liar.fetch();
        assert_eq!((fetched.code, files.len()), (Some(1), 0), "{path:?}: {}", fetched.stderr);
        assert!(fetched.stderr.contains("which is no file of a run"), "{}", fetched.stderr);
    }
    // What lies there is a link to a file of the phone, a folder, a pipe, longer than listed, or something else.
    let run = liar.results().join("d/r");
    fs::create_dir_all(run.join("folder/in/it")).unwrap();
    fs::write(run.join("folder/in/it/evil"), "evil").unwrap();
    symlink("/nothing/there", run.join("link")).unwrap();
    symlink("/dev/zero", run.join("endless")).unwrap();
    fs::write(run.join("other"), "evil").unwrap();
    fs::File::create(run.join("long")).unwrap().set_len(3 << 30).unwrap();
    for name in ["folder", "link", "endless", "long", "other", "absent"] {
        liar.lists(&[listed(&format!("d/r/{name}"))]);
        let (fetched, files) = liar.fetch();
        assert_eq!((fetched.code, files), (Some(1), vec![]), "{name}: {}", fetched.stderr);
        assert!(fetched.stderr.contains("did not arrive as it was sent"), "{name}: {}", fetched.stderr);
    }
    // Names of the host's links are not followed.
    let outside = liar.desk.bench.path("outside");
    fs::create_dir_all(&outside).unwrap();
    let (bytes, sha256) = (4, sha256_of_file(&run.join("other")).unwrap());
    liar.lists(&[ManifestFile { path: "d/r/other".into(), bytes, sha256: sha256.to_string() }]);
    let home = liar.desk.bench.path("linked");
    fs::create_dir_all(&home).unwrap();
    symlink(&outside, home.join("d")).unwrap();
    let fetched = liar.desk.phone(&["fetch", "--results", home.to_str().unwrap()]);
    assert!(fetched.code == Some(1) && fetched.stderr.contains("a link is in its place"), "{fetched:?}");
    assert!(files_below(&outside).is_empty());
}

#[test]
fn answers_that_do_not_end_or_make_no_sense_are_refused() {
    let Some(liar) = Liar::new() else { return };
    let many: Vec<_> = (0..30_000).map(|number| listed(&format!("d/{number}"))).collect();
    liar.lists(&many);
    let (fetched, _) = liar.fetch();
    assert!(fetched.code == Some(1) && fetched.stderr.contains("no run has so many"), "{}", fetched.stderr);
    liar.does("manifest", "yes '{\"files\":['");
    let (fetched, _) = liar.fetch();
    assert!(fetched.code == Some(1) && fetched.stderr.contains("the answer is longer than"), "{}", fetched.stderr);
    for nonsense in [ESCAPES, "", "{\"files\":[{\"path\":7}]}", "[[[[[[", "{\"files\":[]}\n{\"files\":[]}"] {
        liar.says("manifest", nonsense);
        let (fetched, files) = liar.fetch();
        assert_eq!((fetched.code, files.len()), (Some(1), 0), "{nonsense:?}: {}", fetched.stderr);
        assert!(fetched.stderr.contains("cannot be read"), "{}", fetched.stderr);
    }
    // A job of a name that leads elsewhere.
    liar.says("jobs", &report("", JobLife::Ended).replace(ID, "../../$(touch evil)"));
    let (fetched, _) = liar.fetch();
    assert!(fetched.code == Some(1) && fetched.stderr.contains("is no name of a job"), "{}", fetched.stderr);
    liar.does("jobs", &format!("printf '%s\\n' '{}' >&2; exit 3", ESCAPES));
    let (fetched, _) = liar.fetch();
    assert!(fetched.code == Some(1) && fetched.stderr.contains("could not list its jobs"), "{}", fetched.stderr);
}

#[test]
fn what_a_job_says_and_stores_is_shown_and_does_nothing() {
    let Some(liar) = Liar::new() else { return };
    liar.says("jobs", &report(ESCAPES, JobLife::Running));
    let line = RestoreLine {
        job: JobId::try_from(ID.to_owned()).unwrap(),
        what: format!("global {ESCAPES}"),
        is_restored: false,
        words: Some(ESCAPES.into()),
    };
    liar.says("restore", &serde_json::to_string(&line).unwrap());
    let status = liar.desk.phone(&["status"]).expect_code(0);
    inert(&status);
    assert!(status.stdout.contains("error: all is well"), "it is shown: {}", status.stdout);
    inert(&liar.desk.phone(&["restore"]));
    let log = format!("{ESCAPES}\n{ESCAPES}\n");
    let beat = WaitLine::Beat { state: state(ESCAPES), log: log.clone(), log_bytes: 1 };
    let ended: JobReport = serde_json::from_str(&report(ESCAPES, JobLife::Ended)).unwrap();
    let end = WaitLine::End { report: ended, log, log_bytes: 2 };
    liar.says("wait", &[beat, end].map(|line| serde_json::to_string(&line).unwrap()).join("\n"));
    liar.lists(&[]);
    let waited = liar.desk.bench.pocketwatt(&["run", "--phone", "--resume"]);
    inert(&waited);
    assert!(waited.stderr.contains("error: all is well"), "{}", waited.stderr);
    // A run whose files are damaged, or full of what a terminal obeys.
    let own = files_below(&liar.desk.phone.path(&format!("{ROOT}/jobs"))).into_iter();
    let own: Vec<_> = own.filter(|path| path.components().any(|part| part.as_os_str() == "results")).collect();
    let run = own.iter().find(|path| path.ends_with("run.json")).expect("a stored run").parent().unwrap().to_owned();
    for damage in ["{", "null", "escapes"] {
        let copy = liar.results().join("d/r");
        let _ = fs::remove_dir_all(&copy);
        let mut files = Vec::new();
        for from in
            own.iter().filter(|path| path.starts_with(&run) && path.extension().is_some_and(|end| end == "json"))
        {
            let within = from.strip_prefix(&run).unwrap();
            let text = fs::read_to_string(from).unwrap();
            let json_escapes = serde_json::to_string(ESCAPES).unwrap();
            let text = match damage {
                "escapes" => text.replace("\"tiny", &format!("{}tiny", json_escapes.trim_end_matches('"'))),
                other if within.starts_with("cases") => other.to_owned(),
                _ => text,
            };
            let to = copy.join(within);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(&to, &text).unwrap();
            let sha256 = sha256_of_file(&to).unwrap().to_string();
            files.push(ManifestFile { path: format!("d/r/{}", within.display()), bytes: text.len() as u64, sha256 });
        }
        liar.says("jobs", &report("", JobLife::Ended));
        liar.lists(&files);
        let (fetched, home) = liar.fetch();
        assert_eq!(home.len(), files.len(), "what it has is brought home: {}", fetched.stderr);
        let is_told = fetched.code != Some(0) || damage == "escapes";
        assert!(is_told, "{damage}: {} {}", fetched.stdout, fetched.stderr);
    }
}

#[test]
fn what_a_phone_is_called_and_what_it_prints_is_inert() {
    let Some(desk) = Desk::new(&[]) else { return };
    desk.phone
        .property("ro.product.model", &format!("Evil {ESCAPES} $(touch /evil) ../../x\n[ro.build.version.sdk]: [1]"));
    desk.phone.property("ro.product.manufacturer", &format!("'; touch /evil; '{ESCAPES}"));
    desk.phone.property("ro.build.version.release", ESCAPES);
    desk.phone.dumpsys(
        "thermalservice",
        &format!(
            "IsStatusOverride: false\nThermal Status: 0\nCurrent temperatures from HAL:\n\tTemperature{{mValue=31.0, mType=3, mName={ESCAPES}, mStatus=0}}\n"
        ),
    );
    inert(&desk.bench.pocketwatt(&["phones"]));
    let doctor = desk.bench.pocketwatt(&["doctor", "--phone"]);
    inert(&doctor);
    let run = desk.run(&[]).expect_code(0);
    inert(&run);
    assert_eq!(measured(&desk.bench.folder()), 1);
    inert(&desk.phone(&["status"]));
    let device = fs::read_dir(desk.bench.path("results")).unwrap().next().unwrap().unwrap().file_name();
    let device = device.into_string().unwrap();
    assert!(device.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{device}");
    assert!(!desk.phone.path("/evil").exists() && !desk.bench.path("evil").exists());
}

#[test]
fn words_of_the_user_arrive_as_they_are() {
    let Some(desk) = Desk::new(&[]) else { return };
    let refused = desk.run(&["--device", "a b$(touch /evil)'; touch /evil; '"]);
    assert!(refused.code.is_some());
    let refused = desk.bench.pocketwatt(&["run", "--phone", "--backend", "fake", "--model", "a b$(touch evil)"]);
    assert_ne!(refused.code, Some(0));
    let shipped = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../backends/backends.toml")).unwrap();
    for name in ["back ends.toml", "it's $(touch evil) `touch evil`.toml", "\"; touch evil; \".toml", "two\nlines.toml"]
    {
        let file = desk.bench.write(name, &shipped);
        let run = desk.bench.pocketwatt(&[&["run", "--phone", "--backends", &file], SHORT].concat());
        let is_refused = run.code == Some(3) && run.stderr.contains("cannot be sent to the phone");
        assert!(run.code == Some(0) || is_refused, "{name:?}: {run:?}");
        assert_eq!(is_refused, name.contains('\n'), "{name:?}: {}", run.stderr);
    }
    let evil = desk.shell("find / -name evil -not -path '/proc/*'");
    assert_eq!(evil.trim(), "");
    assert!(!desk.bench.path("evil").exists() && !Path::new("evil").exists());
}
