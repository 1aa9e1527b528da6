//! A whole phone as a process of its own.
//!
//! The program starts itself again, each time further inside: the *machine* has namespaces of its own for users, mounts and
//! processes, and may be given power or not; *init* is the first process of each start of the phone, and has the phone's files as its
//! root; the *daemon* is its child, which adb talks to. When the outermost process is killed, everything ends, as in a power cut.
//! Nothing of this needs root, and nothing outside of the phone's folder is changed.

mod board;
pub(super) mod files;
mod init;
mod mounts;
mod sleep;

use std::{
    env,
    ffi::OsString,
    fs, io,
    io::{Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use super::{
    daemon::{Daemon, System},
    faults::FaultSource,
};

/// How often the outer processes look around.
const STEP: Duration = Duration::from_millis(20);
/// What the phone has from Debian: Android's own shell and its tools, and what starts programs.
const NEEDED: [(&str, &str); 6] = [
    ("/usr/bin/mksh", "mksh"),
    ("/usr/bin/toybox", "toybox"),
    ("/usr/bin/setsid", "util-linux"),
    ("/usr/bin/setpriv", "util-linux"),
    ("/usr/bin/unshare", "util-linux"),
    ("/usr/bin/mount", "mount"),
];

/// A stand-in phone: the real adb connects to it, and programs run on it.
///
/// It runs until it is killed, and everything on it ends with it; started again on the same folder, it is the same phone after a
/// reboot. See docs/phones.md.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "stand-in-phone")]
pub struct Options {
    /// The phone's files; the folder is made if it is not there
    pub dir: PathBuf,
    /// On which port of 127.0.0.1 it listens; adb itself looks for emulators on 5555 to 5585
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Its model
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Says what a real phone said: a folder of harness/phone/fixtures
    #[arg(long, value_name = "NAME")]
    pub capture: Option<String>,
    /// What goes wrong, as JSON; it may change at any time [default: DIR/standin/faults.json]
    #[arg(long, value_name = "FILE")]
    pub control: Option<PathBuf>,
    /// What its daemon can do
    #[arg(long, value_name = "LIST", default_value = super::FEATURES)]
    pub features: String,
    /// Bytes of its disk; its files then last only as long as this process [default: those of the folder's disk]
    #[arg(long, value_name = "BYTES")]
    pub room: Option<u64>,
    /// Ends when standard input does
    #[arg(long)]
    pub until_stdin_ends: bool,
    /// How far inside this process is
    #[arg(long, value_enum, default_value_t = Stage::Start, hide = true)]
    pub stage: Stage,
}

/// How far inside a process of the phone is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Stage {
    /// Outside.
    Start,
    /// Between two starts of the phone, too.
    Machine,
    /// The first process after a start of the phone.
    Init,
    /// What adb talks to.
    Daemon,
}

/// Does what that stage does. It returns when it fails.
///
/// # Errors
/// Everything that a phone cannot be made without, in words.
pub fn run_stage(options: Options) -> Result<()> {
    match options.stage {
        Stage::Start => start(options),
        Stage::Machine => machine(&options),
        Stage::Init => init::run(&options),
        Stage::Daemon => daemon(&options),
    }
}

impl Options {
    /// This program again, further inside.
    fn arguments(&self, stage: &str) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec![self.dir.clone().into(), "--stage".into(), stage.into()];
        let mut option = |name: &str, value: Option<OsString>| {
            words.extend(value.into_iter().flat_map(|value| [OsString::from(name), value]));
        };
        option("--port", Some(self.port.to_string().into()));
        option("--model", self.model.clone().map(Into::into));
        option("--capture", self.capture.clone().map(Into::into));
        option("--control", self.control.clone().map(Into::into));
        option("--features", Some(self.features.clone().into()));
        option("--room", self.room.map(|bytes| bytes.to_string().into()));
        if self.until_stdin_ends {
            words.push("--until-stdin-ends".into());
        }
        words
    }
}

fn start(mut options: Options) -> Result<()> {
    let missing: Vec<&str> =
        NEEDED.iter().filter(|(path, _)| !Path::new(path).exists()).map(|(_, package)| *package).collect();
    if !missing.is_empty() {
        bail!("a stand-in phone needs {}; Debian: apt-get install {}", missing.join(", "), missing.join(" "));
    }
    fs::create_dir_all(&options.dir).with_context(|| format!("cannot make {}", options.dir.display()))?;
    options.dir = options.dir.canonicalize()?;
    if let Some(control) = &mut options.control {
        *control = std::path::absolute(&control)?;
    }
    // unshare ends when this process does, in whatever way, and all else with it. By itself it ignores Ctrl-C.
    let mut inside = Command::new("/usr/bin/setpriv");
    inside.args(["--pdeathsig", "KILL", "/usr/bin/unshare"]);
    inside.args(["--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "--"]);
    let status = inside.arg(env::current_exe()?).args(options.arguments("machine")).status();
    bail!("the phone has ended ({})", status.context("cannot start setpriv")?)
}

/// Gives power to the phone, and takes it away.
fn machine(options: &Options) -> Result<()> {
    files::prepare(options)?;
    mounts::emulate_aarch64(&options.dir);
    if let Some(bytes) = options.room {
        mounts::limit_room(&options.dir, bytes)?;
    }
    // As long as this process lives, nobody else gets the port, and it accepts connections only while the daemon lives.
    let reserved = board::reserve(options.port)?;
    let options = Options { port: reserved.port, ..options.clone() };
    if options.until_stdin_ends {
        thread::spawn(|| {
            let _ = io::copy(&mut io::stdin(), &mut io::sink());
            process::exit(0);
        });
    }
    board::run(&options)
}

/// What adb talks to.
fn daemon(options: &Options) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", options.port))
        .with_context(|| format!("cannot listen on port {}", options.port))?;
    let model = fs::read_to_string(files::PROPERTIES.to_owned() + "/ro.product.model").unwrap_or_default();
    let faults = FaultSource::of_file(files::FAULTS.into());
    let daemon = Arc::new(Daemon::new(Programs, model.trim(), &options.features, faults));
    let watched = Arc::clone(&daemon);
    thread::spawn(move || {
        loop {
            if watched.faults.now().gone {
                watched.disconnect();
            }
            thread::sleep(STEP);
        }
    });
    // Nobody need be there to read it.
    let _ = writeln!(io::stdout(), "listening on 127.0.0.1:{}", options.port);
    daemon.serve(&listener);
    bail!("the daemon ended")
}

/// The phone's shell, from inside.
struct Programs;

impl System for Programs {
    fn command(&self, line: &str) -> Command {
        // A session of its own, as a phone's daemon gives to each command.
        let mut command = Command::new("/usr/bin/setsid");
        command.arg("/system/bin/sh");
        if !line.is_empty() {
            command.args(["-c", line]);
        }
        command.current_dir("/").env_clear().envs([
            ("PATH", "/product/bin:/system/bin:/vendor/bin"),
            ("HOME", "/"),
            ("TMPDIR", "/data/local/tmp"),
            ("ANDROID_ROOT", "/system"),
            ("ANDROID_DATA", "/data"),
            ("SHELL", "/system/bin/sh"),
            ("USER", "shell"),
            ("LOGNAME", "shell"),
            ("HOSTNAME", "standin"),
        ]);
        command
    }

    fn root(&self) -> &Path {
        Path::new("/")
    }
}

/// A child that shares the outputs of this process and has no input.
fn inner(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    command
}

/// Takes the line of a file that asks for something; `None` if there is none.
fn take_request(path: &Path) -> Option<String> {
    let mut text = String::new();
    fs::File::open(path).ok()?.read_to_string(&mut text).ok()?;
    Some(text.trim().to_owned())
}

/// The number of seconds behind a request.
fn seconds(text: &str) -> Duration {
    Duration::try_from_secs_f64(text.parse().unwrap_or(1.0)).unwrap_or(Duration::from_secs(1))
}
