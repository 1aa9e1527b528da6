//! A program that is downloaded.

use std::process::Command;

use crate::job::{HOSTILE, Job, refused, succeeded};

/// Downloads what is in the folder `release`.
const GH: &str = r#"echo "$*" >>"$WROTE"
while [ $# -gt 0 ]; do case $1 in --dir) dir=$2 ;; --pattern) pattern=$2 ;; esac; shift; done
cd "$RELEASE" && for file in $pattern; do [ ! -f "$file" ] || cp "$file" "$dir"; done"#;
const TARBALL: &str = "pocketwatt-0.1.0-x86_64-unknown-linux-gnu.tar.gz";

/// Makes a release; returns the digest of its tarball.
fn release(job: &Job) -> String {
    job.stand_in("gh", GH);
    let script = format!(
        "mkdir -p release made/pocketwatt-0.1.0/bin && cp programs/gh made/pocketwatt-0.1.0/bin/pocketwatt && \
         tar -czf release/{TARBALL} -C made pocketwatt-0.1.0 && cd release && \
         sha256sum {TARBALL} >{TARBALL}.sha256 && cut -d ' ' -f 1 {TARBALL}.sha256"
    );
    let output = Command::new("bash").args(["-c", &script]).current_dir(job.path("")).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

#[test]
fn a_bundle_is_downloaded_checked_and_unpacked() {
    let job = Job::new();
    let (digest, folder) = (release(&job), job.text("release"));
    let step = |tag: &str, architecture: &str, sha256: &str| {
        job.forget();
        let machine = [("RUNNER_OS", "Linux"), ("RUNNER_ARCH", architecture), ("RELEASE", &folder)];
        let of = [("BUNDLE", tag), ("BUNDLE_SHA256", sha256), ("REPOSITORY", "us/it")];
        job.step("bundle", &[machine, of].concat())
    };
    for sha256 in ["", &digest] {
        succeeded(&step("v0.1.0", "X64", sha256));
        let program = job.handed("bundle/unpacked/bin/pocketwatt");
        assert!(program.is_file());
        assert_eq!(job.outputs(), format!("program={}\n", program.display()));
        assert!(job.wrote().starts_with("release download v0.1.0 --repo us/it --pattern pocketwatt-*-x86_64-"));
    }
    refused(&step("v0.1.0", "X64", &"0".repeat(64)), "is another one");
    refused(&step("v0.1.0", "X64", "latest"), "not a sha256");
    refused(&step("v0.1.0", "ARM64", ""), "has no bundle for aarch64-unknown-linux-gnu");
    refused(&step("v0.1.0", "X86", ""), "there is no bundle for Linux on X86");
    for hostile in ["--x", "v1/../x", "latest", HOSTILE] {
        refused(&step(hostile, "X64", ""), "no release has such a tag");
        assert_eq!(job.wrote(), "", "nothing is asked for");
    }
    std::fs::write(job.path("release").join(TARBALL), "damaged").unwrap();
    refused(&step("v0.1.0", "X64", ""), "is damaged");
    assert_eq!(job.outputs(), "");
    std::fs::remove_file(job.path("release").join(format!("{TARBALL}.sha256"))).unwrap();
    refused(&step("v0.1.0", "X64", ""), "has no sha256 beside its bundle");
}
