//! Tells the crate what it is compiled for and with: that becomes a part of every record's passport.

use std::{env, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let known = [
        ("POCKETWATT_TARGET", env::var("TARGET").ok()),
        ("POCKETWATT_RUST_COMPILER", env::var("RUSTC").ok().and_then(|rustc| version(&mut Command::new(rustc)))),
        ("POCKETWATT_C_COMPILER", c_compiler()),
    ];
    for (name, value) in known {
        if let Some(value) = value {
            println!("cargo::rustc-env={name}={value}");
        }
    }
}

/// The compiler that the build scripts of other crates use for C and assembly: this crate finds it for them, too. It prints which
/// variables decide that, so that Cargo asks again when one changes.
fn c_compiler() -> Option<String> {
    let compiler = cc::Build::new().try_get_compiler().ok()?;
    let version = version(&mut Command::new(compiler.path()))?;
    // `cc (Debian 12.2.0-14) 12.2.0`: gcc says the name under which it was called.
    let renamed = version.split_once(' ').map(|(_, rest)| format!("gcc {rest}"));
    if compiler.is_like_gnu() { renamed } else { Some(version) }
}

/// The first line of what it says about its version.
fn version(command: &mut Command) -> Option<String> {
    let output = command.arg("--version").output().ok()?;
    let line = String::from_utf8(output.stdout).ok()?.lines().next()?.trim().to_owned();
    (output.status.success() && !line.is_empty()).then_some(line)
}
