//! The bundles of `scripts/package`: they run from any folder, on a machine without Rust, and their programs promise the system's
//! loader what they should.
//!
//! Without anything else, a bundle for this machine is made from the programs of these tests, with the fake runner.
//! `POCKETWATT_BUNDLES` names tarballs that were made before, separated by colons: those are run, if they are for this machine, and their
//! programs looked into.
#![cfg(test)]

mod elf;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

use elf::Elf;
use pocketwatt_model::sha256_of_file;
use pocketwatt_record::{Outcome, latest_run};
use pocketwatt_tests::programs;
use tempfile::TempDir;

/// Where a phone's programs look for their loader.
const LOADER_ON_PHONES: &str = "/data/local/tmp/pocketwatt/lib/ld-linux-aarch64.so.1";
/// Android's largest page.
const LARGEST_PAGE_BYTES: u64 = 16 << 10;
const RUN: &[&str] =
    &["run", "--model", "tiny", "--scenario", "decode-2", "--blocks", "1", "--iterations", "1", "--no-probe"];

fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn host() -> String {
    format!("{}-unknown-linux-gnu", env::consts::ARCH)
}

/// `scripts/package`, and what it writes.
fn package(target: &str, options: &[&str], change: impl FnOnce(&mut Command)) -> Output {
    let mut script = Command::new(checkout().join("scripts/package"));
    script.arg(target).args(options).stdin(Stdio::null());
    change(&mut script);
    script.output().unwrap()
}

/// A bundle of the programs of these tests.
fn make(output: &Path) -> PathBuf {
    let (programs, output) = (programs().to_str().unwrap(), output.to_str().unwrap());
    let options = ["--programs", programs, "--runners", "fake", "--output", output];
    let made = package(&host(), &options, |_| {});
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let tarball = String::from_utf8(made.stdout).unwrap();
    PathBuf::from(tarball.trim_end())
}

/// The bundle of the programs of these tests.
fn own() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| make(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("bundles")))
}

/// The tarballs that are tested in full.
fn bundles() -> Vec<PathBuf> {
    match env::var_os("POCKETWATT_BUNDLES") {
        Some(tarballs) => env::split_paths(&tarballs).collect(),
        None => vec![own().to_owned()],
    }
}

/// A bundle that was unpacked somewhere, with a home without anything in it.
struct Unpacked {
    root: TempDir,
    bundle: PathBuf,
}

impl Unpacked {
    fn new(tarball: &Path) -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["home", "elsewhere", "a folder"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(tarball).arg("-C").arg(root.path().join("a folder"));
        assert!(tar.status().unwrap().success());
        let bundle = fs::read_dir(root.path().join("a folder")).unwrap().next().unwrap().unwrap().path();
        Self { root, bundle }
    }

    /// Whether its programs are for this machine, and their loader is where they look for it.
    fn runs_here(&self) -> bool {
        let program = Elf::read(&self.bundle.join("bin/pocketwatt")).expect("a program");
        program.is_aarch64() == cfg!(target_arch = "aarch64") && Path::new(&program.interpreter().unwrap()).exists()
    }

    fn files(&self, folder: &str) -> impl Iterator<Item = PathBuf> {
        fs::read_dir(self.bundle.join(folder)).unwrap().map(|entry| entry.unwrap().path())
    }

    /// The backends whose runners it has.
    fn runners(&self) -> Vec<String> {
        let programs = self.files("bin").map(|path| name(&path));
        programs.filter_map(|program| Some(program.strip_prefix("pocketwatt-")?.to_owned())).collect()
    }

    /// The sha256 of each of its libraries.
    fn libraries(&self) -> BTreeSet<String> {
        self.files("lib").map(|path| sha256_of_file(&path).unwrap()).collect()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Runs its `pocketwatt` in another folder: nothing of the caller's environment, no cargo, no cache.
    fn run(&self, arguments: &[&str], change: impl FnOnce(&mut Command)) -> Output {
        let mut program = Command::new(self.bundle.join("bin/pocketwatt"));
        program.args(arguments).env_clear().env("HOME", self.path("home")).current_dir(self.path("elsewhere"));
        // Tests run in parallel, and each is alone on a device of its own.
        program.env("POCKETWATT_DEVICE_LOCK", self.path("device.lock")).stdin(Stdio::null());
        change(&mut program);
        program.output().unwrap()
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

#[track_caller]
fn text(output: &Output, code: i32) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{}{errors}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(if code == 0 { output.stdout.clone() } else { output.stderr.clone() }).unwrap()
}

#[test]
fn a_bundle_runs_from_any_folder_with_nothing_around_it() {
    for tarball in bundles() {
        let unpacked = Unpacked::new(&tarball);
        if !unpacked.runs_here() {
            println!("{} is for other machines", tarball.display());
            continue;
        }
        let backends = text(&unpacked.run(&["backends"], |_| {}), 0);
        assert!(backends.contains("\nonnxruntime ") && backends.contains("\nfake "), "{backends}");

        let runners = unpacked.runners();
        let backends = runners.join(",");
        let run = [RUN, &["--backend", &backends]].concat();
        text(&unpacked.run(&run, |_| {}), 0);
        let records = latest_run(&unpacked.path("elsewhere/results")).expect("a stored run").folder.records().unwrap();
        assert_eq!(records.intact.len(), runners.len());
        for record in records.intact {
            let (name, passport) = (&record.case.backend, &record.passport);
            assert_eq!(record.outcome, Outcome::Measured, "{name}");
            let runner = sha256_of_file(&unpacked.bundle.join(format!("bin/pocketwatt-{name}"))).unwrap();
            assert_eq!(
                passport.runner_sha256.as_deref(),
                Some(runner.as_str()),
                "another runner than the bundle's {name}"
            );
            let of_bundle =
                passport.library_sha256.as_ref().is_none_or(|library| unpacked.libraries().contains(library));
            assert!(of_bundle, "another library than the bundle's for {name}");
            let platform = passport.backend.clone().unwrap().platform.unwrap();
            assert_eq!(platform.target, host(), "{name}");
            assert!(platform.rust_compiler.is_some() && platform.page_bytes.is_some(), "{name}: {platform:?}");
        }
        let homeless = text(
            &unpacked.run(&run, |program| {
                program.env_remove("HOME");
            }),
            3,
        );
        assert!(homeless.contains("set POCKETWATT_CACHE"), "{homeless}");
        let doctor = unpacked.run(&["doctor"], |_| {});
        let doctor = String::from_utf8(doctor.stdout).unwrap();
        assert!(!doctor.contains("cargo"), "{doctor}");
    }
}

/// Its list of backends is a file that people see, so what they write there has an effect.
#[test]
fn the_backends_of_a_bundle_can_be_edited() {
    let unpacked = Unpacked::new(own());
    let list = unpacked.bundle.join("backends.toml");
    let shipped = fs::read_to_string(&list).unwrap();
    let mine = "[mine]\nbinary = \"mine\"\nsummary = \"an engine of my own\"\nprecisions = [\"f32\"]\n";
    fs::write(&list, format!("{shipped}\n{mine}")).unwrap();
    let backends = text(&unpacked.run(&["backends"], |_| {}), 0);
    assert!(backends.contains("\nmine "), "{backends}");
    fs::write(&list, "mine").unwrap();
    let error = text(&unpacked.run(&["backends"], |_| {}), 3);
    assert!(error.contains(&format!("{} lists no backends", list.display())), "{error}");
}

#[test]
fn the_library_of_an_engine_is_found_in_the_bundle_and_hashed() {
    let unpacked = Unpacked::new(own());
    let list = unpacked.bundle.join("backends.toml");
    let table = "\n[fake.library]\nvariable = \"FAKE_LIBRARY\"\nfile = \"libfake.so\"\ncached = \"fake/libfake.so\"\nfetch = \"-\"\n";
    fs::write(&list, fs::read_to_string(&list).unwrap() + table).unwrap();
    let run = [RUN, &["--backend", "fake"]].concat();
    let missing = text(&unpacked.run(&run, |_| {}), 5);
    assert!(missing.contains("libfake.so was not found"), "{missing}");
    // Any complete file of this format: the fake opens nothing.
    fs::copy(unpacked.bundle.join("bin/pocketwatt-fake"), unpacked.bundle.join("lib/libfake.so.1")).unwrap();
    text(&unpacked.run(&run, |_| {}), 0);
    let records = latest_run(&unpacked.path("elsewhere/results")).unwrap().folder.records().unwrap();
    let passport = &records.intact[0].passport;
    assert_eq!(passport.library_sha256, passport.runner_sha256);
}

#[test]
fn a_bundle_holds_what_people_and_package_managers_expect() {
    let unpacked = Unpacked::new(own());
    let read =
        |path: &str| fs::read_to_string(unpacked.bundle.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    for shell in [
        "share/bash-completion/completions/pocketwatt",
        "share/zsh/site-functions/_pocketwatt",
        "share/fish/vendor_completions.d/pocketwatt.fish",
    ] {
        assert!(read(shell).contains("target-interval"), "{shell}");
    }
    assert!(read("share/man/man1/pocketwatt.1").contains("pocketwatt\\-run(1)"));
    assert!(read("share/man/man1/pocketwatt-run.1").contains("\\-\\-blocks"));
    assert!(read("README.txt").contains("\n    bin/pocketwatt run\n"));
    assert!(read("licences/crates.txt").contains("\nserde "));
    assert!(read("LICENSE-MIT").contains("MIT"));
    assert_eq!(read("scenarios/chat.toml"), fs::read_to_string(checkout().join("scenarios/chat.toml")).unwrap());
    for program in ["pocketwatt", "pocketwatt-fake"] {
        let mode = fs::metadata(unpacked.bundle.join("bin").join(program)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755, "{program}");
    }
}

#[test]
fn the_same_programs_make_the_same_tarball() {
    let folder = tempfile::tempdir().unwrap();
    let again = make(folder.path());
    assert_eq!(sha256_of_file(&again).unwrap(), sha256_of_file(own()).unwrap());
    let mut sha256sum = Command::new("sha256sum");
    sha256sum.args(["--check", "--quiet"]).arg(again.with_extension("gz.sha256").file_name().unwrap());
    let checked = sha256sum.current_dir(folder.path()).status();
    assert!(checked.unwrap().success());
}

#[test]
fn what_is_missing_is_named_with_the_command_that_installs_it() {
    let other = if cfg!(target_arch = "x86_64") { "aarch64" } else { "x86_64" };
    let target = format!("{other}-unknown-linux-gnu");
    let linker = format!("CARGO_TARGET_{}_UNKNOWN_LINUX_GNU_LINKER", other.to_uppercase());
    let tools = tempfile::tempdir().unwrap();
    // A compiler without a standard library for other targets.
    let rustc = tools.path().join("rustc");
    fs::write(&rustc, format!("#!/bin/sh\ncase $1 in -vV) echo 'host: {}';; *) echo /nowhere;; esac\n", host()))
        .unwrap();
    fs::set_permissions(&rustc, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", tools.path().display(), env::var("PATH").unwrap());
    let refused = package(&target, &[], |script| {
        script.env(&linker, "no-such-gcc").env("PATH", path);
    });
    let said = text(&refused, 1);
    assert!(said.contains(&format!("rustup target add {target}")), "{said}");
    assert!(
        said.contains(&format!("(no-such-gcc): apt-get install gcc-{}-linux-gnu", other.replace('_', "-"))),
        "{said}"
    );
    for (target, options, expected) in [
        ("riscv64gc-unknown-linux-gnu", &[][..], "there are no bundles for riscv64gc-unknown-linux-gnu"),
        ("phone", &["--runners", "gguf"][..], "there is no runner gguf"),
        ("phone", &["--output"][..], "--output needs a value"),
    ] {
        let said = text(&package(target, options, |_| {}), 2);
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn the_loader_finds_what_the_programs_promise() {
    for tarball in bundles() {
        let unpacked = Unpacked::new(&tarball);
        let headers = |folder: &str| -> BTreeMap<String, Elf> {
            unpacked.files(folder).map(|path| (name(&path), Elf::read(&path).expect("a program or library"))).collect()
        };
        let (programs, libraries) = (headers("bin"), headers("lib"));
        assert!(programs.contains_key("pocketwatt") && programs.len() > 1, "{:?}", programs.keys());
        let brings_libraries = libraries.contains_key("libc.so.6");
        for (name, program) in &programs {
            let interpreter = program.interpreter().expect("a loader");
            if brings_libraries {
                assert_eq!(interpreter, LOADER_ON_PHONES, "{name}");
                assert_eq!(program.run_path(), ["$ORIGIN/../lib"], "{name}");
            } else {
                assert!(interpreter.starts_with("/lib"), "{name}: {interpreter}");
                assert_eq!(program.run_path(), Vec::<String>::new(), "{name}");
            }
        }
        let defined: BTreeMap<&str, BTreeSet<String>> =
            libraries.iter().map(|(name, library)| (name.as_str(), library.defined_versions())).collect();
        for (name, file) in programs.iter().chain(&libraries) {
            if file.is_aarch64() {
                assert!(file.alignment() >= LARGEST_PAGE_BYTES, "{name}: {}", file.alignment());
            }
            if !brings_libraries {
                continue;
            }
            for library in file.needed() {
                assert!(libraries.contains_key(&library), "{name} needs {library}, which is not in the bundle");
            }
            for (library, version) in file.needed_versions() {
                assert!(defined[library.as_str()].contains(&version), "{name} needs {version} of {library}");
            }
        }
        if !brings_libraries {
            let versions = programs["pocketwatt"].needed_versions();
            assert!(versions.iter().any(|(_, version)| version.starts_with("GLIBC_2.")), "{versions:?}");
        }
    }
}
