//! The programs for a phone: a bundle that is there, or one that is made from this source tree.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::{measure::source_checkout, plan::Backend, refusal::Refusal};

/// A folder with programs for phones, as `scripts/package phone` makes it.
const VARIABLE: &str = "POCKETWATT_PHONE_PROGRAMS";
/// What that script makes, in the folder that it is told.
const BUNDLES: &str = "phone-bundles";

/// A bundle for phones.
#[derive(Clone, Debug)]
pub struct PhonePrograms {
    /// Its folder: `bin`, `lib` and `backends.toml` are in it.
    pub folder: PathBuf,
}

impl PhonePrograms {
    /// Those that the user names, else those of this source tree, which are built if they are not there: what is missing for that is said by
    /// the script that builds them. `cache` is the user's.
    ///
    /// # Errors
    /// When there are none, or they cannot be built.
    pub fn find(backends: &[&Backend], cache: &Path) -> Result<Self> {
        if let Some(folder) = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) {
            return Self::ready(&folder);
        }
        let Some(source) = source_checkout() else {
            return Err(Refusal::error(format!(
                "the programs for phones are not here: unpack a bundle for phones, or make one with `scripts/package phone` in the source, and name \
                 its folder in {VARIABLE}"
            )));
        };
        let output = cache.join(BUNDLES);
        let runners: Vec<&str> = backends.iter().filter_map(|backend| backend.own_runner()).collect();
        notice!(
            "programs for the phone ({}): scripts/package phone builds what has changed; the first time takes as long as the first run",
            runners.join(", ")
        );
        let mut script = Command::new(source.join("scripts/package"));
        script.args(["phone", "--runners", &runners.join(","), "--output"]).arg(&output);
        let output = script.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).output();
        let output = output.context("cannot start scripts/package")?;
        if !output.status.success() {
            bail!("scripts/package phone failed; what it said is above. {VARIABLE} names a folder with ready programs");
        }
        let archive = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let folder = archive.strip_suffix(".tar.gz").context("scripts/package named no archive")?;
        Self::checked(folder.into())
    }

    fn ready(folder: &OsString) -> Result<Self> {
        Self::checked(folder.into())
    }

    fn checked(folder: PathBuf) -> Result<Self> {
        for file in ["bin/pocketwatt", "backends.toml"] {
            if !folder.join(file).is_file() {
                return Err(Refusal::error(format!(
                    "{} is no bundle for phones, because there is no {file} in it: `scripts/package phone` makes one, and {VARIABLE} names it",
                    folder.display()
                )));
            }
        }
        Ok(Self { folder })
    }
}
