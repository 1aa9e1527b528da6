//! Commands that users are advised to type, quoted for a shell.

use std::{
    ffi::{OsStr, OsString},
    fmt::{self, Display, Formatter, Write},
    os::unix::ffi::OsStrExt,
    path::Path,
};

use pocketwatt_model::ModelLibrary;

use super::{selection::RegistryArguments, stored_run};
use crate::inert;

/// A command of this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice(Vec<OsString>);

impl Advice {
    /// `pocketwatt` followed by fixed words.
    pub fn new(words: &[&str]) -> Self {
        Self(["pocketwatt"].iter().chain(words).map(OsString::from).collect())
    }

    /// Adds an option without a value.
    pub fn flag(mut self, option: &str) -> Self {
        self.0.push(option.into());
        self
    }

    /// Adds a path.
    pub fn word(mut self, path: &Path) -> Self {
        self.0.push(path_word(path));
        self
    }

    /// Adds an option with a path.
    pub fn option(mut self, option: &str, path: &Path) -> Self {
        self.0.extend([option.into(), path_word(path)]);
        self
    }

    /// Adds a run: its name and the results folder, or its own folder where the name does not lead to it.
    pub fn run(mut self, folder: &Path) -> Self {
        let name = folder.file_name().and_then(OsStr::to_str);
        let results = folder.parent().and_then(Path::parent).filter(|path| !path.as_os_str().is_empty());
        if let (Some(name), Some(results)) = (name, results)
            && stored_run::find(results, name).is_ok_and(|found| found.path() == folder)
        {
            self.0.push(name.into());
            return self.option("--results", results);
        }
        self.0.push(path_word(folder));
        self
    }

    /// Adds the models' folder, where it is not the usual one.
    pub fn cache(self, root: &Path) -> Self {
        if ModelLibrary::default_root().is_ok_and(|usual| usual == root) { self } else { self.option("--cache", root) }
    }

    /// Adds the user's own backends, if any.
    pub fn registry(self, registry: &RegistryArguments) -> Self {
        match registry.file() {
            Some(file) => self.option("--backends", file),
            None => self,
        }
    }
}

impl Display for Advice {
    fn fmt(&self, formatter: &mut Formatter) -> fmt::Result {
        let words: Vec<String> = self.0.iter().map(|word| quoted(word)).collect();
        formatter.write_str(&words.join(" "))
    }
}

/// Writes a path so that it is not taken for an option, whatever it begins with.
fn path_word(path: &Path) -> OsString {
    if path.as_os_str().as_bytes().starts_with(b"-") { Path::new(".").join(path).into() } else { path.into() }
}

/// Quotes a word for shells. Invisible characters are written in a form that bash, zsh and busybox read (`$'...'`).
fn quoted(word: &OsStr) -> String {
    match word.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(is_plain) => text.to_owned(),
        Some(text) if !text.contains(|character| inert::is_active(character) || character == '`') => {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
        _ => {
            let mut quoted = String::from("$'");
            for chunk in word.as_bytes().utf8_chunks() {
                for character in chunk.valid().chars() {
                    if matches!(character, '\'' | '\\') {
                        quoted.push('\\');
                        quoted.push(character);
                    } else if inert::is_active(character) || character == '`' {
                        character.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| push_byte(byte, &mut quoted));
                    } else {
                        quoted.push(character);
                    }
                }
                chunk.invalid().iter().for_each(|&byte| push_byte(byte, &mut quoted));
            }
            quoted + "'"
        }
    }
}

fn push_byte(byte: u8, text: &mut String) {
    // All octal digits are written, so that no following digit is taken for one. Writing to a string cannot fail.
    let _ = write!(text, "\\{byte:03o}");
}

fn is_plain(character: char) -> bool {
    character.is_alphanumeric() || "-_./=:,+@%".contains(character)
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt, process::Command};

    use super::*;

    #[test]
    fn a_shell_reads_every_word_as_it_is() {
        let words: Vec<OsString> = [
            b"plain/path-1.2".as_slice(),
            b"",
            b"two words",
            b"it's \"quoted\" $HOME \\ * ~",
            "Gr\u{fc}\u{df}e \u{202e} \u{1b}[31m".as_bytes(),
            b"a`b`\xff'\x01\n2",
        ]
        .into_iter()
        .map(|bytes| OsString::from_vec(bytes.to_vec()))
        .collect();
        let quoted: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        assert!(quoted.iter().all(|word| !word.contains(|c| inert::is_active(c) || c == '`')), "{quoted:?}");
        let script = format!("printf '%s\\0' {}", quoted.join(" "));
        let output = Command::new("bash").arg("-c").arg(script).output().unwrap();
        let read: Vec<&[u8]> = output.stdout.strip_suffix(b"\0").unwrap().split(|byte| *byte == 0).collect();
        assert_eq!(read, words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>());
    }

    #[test]
    fn a_path_is_no_option() {
        let advice = Advice::new(&["show"]).option("--results", Path::new("-x y"));
        assert_eq!(advice.to_string(), "pocketwatt show --results './-x y'");
    }
}
