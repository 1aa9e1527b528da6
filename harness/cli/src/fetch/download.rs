//! Downloads files of one commit, and checks them.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::Path,
};

use anyhow::{Context, Result};

use super::{
    client::{Client, Found},
    is_hexadecimal,
};
use crate::refusal::Refusal;

/// How often an interrupted download is resumed.
const RETRIES: usize = 3;
/// Characters of a SHA-256 in hexadecimal, the hub's mark for large files.
const SHA256_CHARACTERS: usize = 64;
/// Ending of incomplete files.
const PART: &str = "part";

/// The files of one commit, and where they go.
pub struct Downloads<'a> {
    pub client: &'a Client,
    pub repository: &'a str,
    pub commit: &'a str,
    pub folder: &'a Path,
}

impl Downloads<'_> {
    /// Downloads a file unless it exists.
    ///
    /// # Errors
    /// When it cannot be downloaded or stored, or does not match the hub's hash.
    pub fn get(&self, file: &str) -> Result<()> {
        let complete = self.folder.join(file);
        if complete.is_file() {
            notice!("{file}, there already");
            return Ok(());
        }
        let part = self.folder.join(format!("{file}.{PART}"));
        let mut tries = 0;
        let etag = loop {
            match self.go_on(file, &part) {
                Ok(etag) => break etag,
                // What the user has to change does not change by retrying.
                Err(Broken::Ended(error)) => return Err(error),
                Err(Broken::Off(error)) if tries == RETRIES => {
                    let whose = format!("{file} of {}", self.repository);
                    return Err(error).with_context(|| format!("cannot fetch {whose}: continue with the same command"));
                }
                Err(Broken::Off(_)) => tries += 1,
            }
        };
        self.check(&part, &etag, file)?;
        fs::rename(&part, &complete).with_context(|| format!("cannot store {}", complete.display()))
    }

    /// Appends what is missing to `part`, and returns the hub's mark for the whole file.
    fn go_on(&self, file: &str, part: &Path) -> Result<String, Broken> {
        let have = fs::metadata(part).map_or(0, |data| data.len());
        let start = (have > 0).then_some(have);
        let Found { mut response, etag, size } =
            self.client.file(self.repository, self.commit, file, start).map_err(Broken::Ended)?;
        let goes_on = start.filter(|start| continues_at(&response, *start));
        if goes_on.is_none() {
            let size = size.or_else(|| response.body().content_length());
            notice!("{file}{}", size.map_or_else(String::new, |size| format!(", {}", words(size))));
        } else {
            notice!("{file}, from {} on", words(have));
        }
        // A server that cannot continue sends everything again.
        let opened = OpenOptions::new()
            .create(true)
            .append(goes_on.is_some())
            .write(true)
            .truncate(goes_on.is_none())
            .open(part);
        let mut to: File = opened.map_err(|error| self.unstored(file, error))?;
        io::copy(&mut response.body_mut().as_reader(), &mut to).map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => self.unstored(file, error),
            _ => Broken::Off(error.into()),
        })?;
        match size {
            Some(size) if fs::metadata(part).map_or(0, |data| data.len()) < size => {
                Err(Broken::Off(anyhow::Error::msg("the connection was closed early")))
            }
            _ => Ok(etag),
        }
    }

    fn unstored(&self, file: &str, error: io::Error) -> Broken {
        let whose = format!("{file} of {}", self.repository);
        Broken::Ended(
            anyhow::Error::from(error).context(format!("cannot store {whose}: continue with the same command")),
        )
    }

    fn check(&self, part: &Path, etag: &str, file: &str) -> Result<()> {
        if !is_hexadecimal(etag, SHA256_CHARACTERS) {
            return Ok(());
        }
        let found = pocketwatt_model::sha256_of_file(part)?;
        if found == etag {
            return Ok(());
        }
        fs::remove_file(part).with_context(|| format!("cannot remove {}", part.display()))?;
        Err(Refusal::error(format!(
            "{file} of {} has the sha256 {found}, the hub says {etag}: it was removed, fetch it again",
            self.repository
        )))
    }
}

/// Why a download did not finish.
enum Broken {
    /// The connection failed: the download may continue.
    Off(anyhow::Error),
    /// Something else.
    Ended(anyhow::Error),
}

/// Whether an answer contains exactly what follows the first `start` bytes.
fn continues_at<T>(response: &ureq::http::Response<T>, start: u64) -> bool {
    let range = response.headers().get("content-range").and_then(|range| range.to_str().ok());
    response.status() == 206 && range.is_some_and(|range| range.starts_with(&format!("bytes {start}-")))
}

fn words(bytes: u64) -> String {
    const MEBIBYTE: f64 = 1_048_576.0;
    match bytes as f64 {
        bytes if bytes < MEBIBYTE => format!("{:.0} KiB", (bytes / 1024.0).ceil()),
        bytes => format!("{:.0} MiB", bytes / MEBIBYTE),
    }
}
