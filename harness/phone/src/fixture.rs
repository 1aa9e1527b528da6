//! What real phones print: see `fixtures/SOURCES.md`.

use std::{fs, path::Path};

/// A text below `fixtures`.
pub fn capture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The part of a capture below the line that begins with `#name`.
pub fn section<'a>(text: &'a str, name: &str) -> &'a str {
    let start = text.find(&format!("#{name}")).unwrap_or_else(|| panic!("no section {name} in {text}"));
    let below = text[start..].split_once('\n').map_or("", |(_, below)| below);
    &below[..below.find("\n#").map_or(below.len(), |end| end + 1)]
}

/// All texts below `fixtures` whose file name begins so.
pub fn captures(beginning: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    for phone in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for file in fs::read_dir(phone).unwrap().map(|entry| entry.unwrap().path()) {
            if file.file_name().unwrap().to_str().unwrap().starts_with(beginning) {
                let name = file.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
                found.push((name.clone(), capture(&name)));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no capture {beginning}");
    found
}
