//! The client of the Android Debug Bridge: the user's own program `adb`, started once for each question.
//!
//! The program speaks to a server that it starts when needed, at the port that `ANDROID_ADB_SERVER_PORT` names if the user set
//! it. It has no time limits, reports success when a connection ends in the middle of an answer, and calls a phone that does not
//! answer "device". So each call has its own limit here, and each answer of a phone's shell ends with a marker.

mod call;
mod error;
mod listed;
mod program;
mod shell;
mod stream;
mod transfer;

pub use error::AdbError;
pub use listed::{Listed, Serial, State};
pub use program::{find_adb, install_command};
pub use shell::{Answer, command_line, quoted};
pub use stream::{LineStream, Streamed};

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use self::call::call;

/// The server starts within this time, and lists what it has.
const SERVER: Duration = Duration::from_secs(10);
/// A phone that can tell the exit status of a command, and keeps its error messages apart.
const SHELL_V2: &str = "shell_v2";

/// The program.
#[derive(Clone, Debug)]
pub struct Adb {
    program: PathBuf,
}

impl Adb {
    /// The program at that path.
    pub fn at(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into() }
    }

    /// Where it is.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Starts the server unless it runs.
    ///
    /// # Errors
    /// When the program or the server does not start.
    pub fn start_server(&self) -> Result<(), AdbError> {
        self.ask("start its server", &["start-server"], SERVER).map(drop)
    }

    /// The phones that the server knows, in whatever state.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn devices(&self) -> Result<Vec<Listed>, AdbError> {
        self.ask("list the phones", &["devices", "-l"], SERVER).map(|text| Listed::read(&text))
    }

    /// Connects a phone in the network anew. Whether that worked shows when it is asked.
    pub fn connect_again(&self, phone: &Serial) {
        for word in ["disconnect", "connect"] {
            // An error of the first says that it was not connected.
            let _ = call(&self.program, &[word, phone.as_argument()], SERVER, "connect the phone");
        }
    }

    /// Whether the phone tells the exit status of a command.
    ///
    /// # Errors
    /// When it does not answer within the limit.
    pub fn has_shell_v2(&self, phone: &Serial, limit: Duration) -> Result<bool, AdbError> {
        let text = self.ask("ask for features", &["-s", phone.as_argument(), "features"], limit);
        Ok(text.map_err(|error| error.without(phone))?.lines().any(|line| line.trim() == SHELL_V2))
    }

    /// Runs a command line in the phone's shell. A command that fails there is an answer; see [`command_line`] for words that must
    /// arrive as they are.
    ///
    /// # Errors
    /// [`AdbError::Silent`] after the limit, [`AdbError::Lost`] when the connection ends before the end of the answer.
    pub fn shell(&self, phone: &Serial, command: &str, limit: Duration) -> Result<Answer, AdbError> {
        let marked = shell::Marked::new(command);
        let doing = "run a command on the phone";
        let output = call(&self.program, &["-s", phone.as_argument(), "shell", marked.command()], limit, doing)?;
        marked.answer(&output.stdout, &output.stderr).ok_or_else(|| {
            let words = output.last_words();
            let words = if words.is_empty() { "without a message".to_owned() } else { words };
            AdbError::Lost { words }.without(phone)
        })
    }

    /// What adb itself answers, unless it reports a failure.
    fn ask(&self, doing: &'static str, arguments: &[&str], limit: Duration) -> Result<String, AdbError> {
        let output = call(&self.program, arguments, limit, doing)?;
        if output.code == Some(0) {
            return Ok(output.stdout);
        }
        Err(AdbError::Failed { doing, words: output.last_words() })
    }
}
