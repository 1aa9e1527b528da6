//! Runners, and the libraries that they open. Nothing is built or fetched here.

use std::{env, path::Path};

use super::{Check, Status};
use crate::{
    measure::{LibraryPlace, Whereabouts, source_checkout},
    plan::{Backend, Library},
};

/// One check for each runner, and one for each library.
pub fn checks(backends: &[&Backend], cache: &Path) -> Vec<Check> {
    let found: Vec<_> = backends.iter().map(|backend| (*backend, Whereabouts::of(backend))).collect();
    let mut runners: Vec<Check> = found
        .iter()
        .map(|(backend, whereabouts)| match whereabouts {
            Ok(whereabouts) => runner(backend, whereabouts),
            Err(error) => missing(backend, &format!("{error:#}")),
        })
        .collect();
    // Without one backend, the comparison is smaller; without any, there is no measurement.
    if runners.iter().all(|check| check.status != Status::Ok) {
        runners.iter_mut().for_each(|check| check.status = Status::Unfit);
    }
    let libraries = found.iter().filter_map(|(backend, whereabouts)| {
        let program = whereabouts.as_ref().ok()?.path();
        Some(library(backend, backend.library.as_ref()?, &program, cache))
    });
    runners.extend(libraries);
    runners
}

fn name(backend: &Backend) -> String {
    format!("runner {}", backend.name)
}

fn runner(backend: &Backend, whereabouts: &Whereabouts) -> Check {
    let path = whereabouts.path();
    match whereabouts {
        Whereabouts::At(_) => Check::ok(name(backend), path.display().to_string()),
        Whereabouts::Source { .. } if !has_cargo() => {
            Check::new(name(backend), Status::Warning, "it is built from source, and there is no cargo in PATH")
                .fix("install Rust: https://rustup.rs")
        }
        Whereabouts::Source { .. } if path.is_file() => {
            Check::ok(name(backend), format!("{}; a run builds it again if the source has changed", path.display()))
        }
        Whereabouts::Source { package, .. } => Check::ok(
            name(backend),
            format!("not built yet; the first run builds it: cargo build --release -p {package}"),
        ),
    }
}

/// The text says what is missing and, after a colon, what to do.
fn missing(backend: &Backend, text: &str) -> Check {
    let (seen, fix) = text.split_once(": ").unwrap_or((text, ""));
    let check = Check::new(name(backend), Status::Warning, seen);
    if fix.is_empty() { check } else { check.fix(fix) }
}

fn library(backend: &Backend, library: &Library, program: &Path, cache: &Path) -> Check {
    let name = format!("library of {}", backend.name);
    match LibraryPlace::find(library, program, cache) {
        Some(place) => match place.open(library, backend) {
            Ok(_) => Check::ok(name, format!("{}: {place}", library.file)),
            Err(reason) => Check::new(name, Status::Warning, reason).fix(place.remedy(library)),
        },
        None if source_checkout().is_some() => {
            Check::new(name, Status::Warning, format!("{} is missing; the first run fetches it", library.file))
                .fix(format!("to fetch it now: {}", library.fetch))
        }
        None => Check::new(name, Status::Warning, format!("{} was not found", library.file))
            .fix(format!("set {} to its path", library.variable)),
    }
}

fn has_cargo() -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(format!("cargo{}", env::consts::EXE_SUFFIX)).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Registry;

    #[test]
    fn no_runner_at_all_is_unfit_and_the_reason_ends_in_what_to_do() {
        let registry = Registry::open(None).unwrap();
        let backend = registry.find("tract").unwrap();
        let check = missing(backend, "there is no /opt/pocketwatt-tract: install it there");
        assert_eq!((check.name.as_str(), check.seen.as_str()), ("runner tract", "there is no /opt/pocketwatt-tract"));
        assert_eq!(check.fix.as_deref(), Some("install it there"));
        // A foreign engine, whose name no build produces.
        let mut foreign = backend.clone();
        foreign.binary = "no-such-runner".into();
        foreign.package = None;
        let checks = checks(&[&foreign], Path::new("/nowhere"));
        assert_eq!(checks.iter().map(|check| check.status).collect::<Vec<_>>(), [Status::Unfit]);
    }
}
