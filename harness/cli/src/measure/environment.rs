//! The part of the user's environment that child processes get: engines are other people's code, and do not need
//! secrets.

use std::{
    env,
    ffi::{OsStr, OsString},
    process::Command,
};

/// Variables that runners inherit, in addition to those that their table in `backends.toml` names: paths, language and
/// time, and settings of engines and their libraries. A star stands for any ending.
const INHERITED: &[&str] = &[
    // Paths.
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "TMP",
    "TEMP",
    "XDG_*",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "DYLD_*",
    "ANDROID_*",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONUNBUFFERED",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "JAVA_HOME",
    "QEMU_*",
    // Language, time and terminal.
    "LANG",
    "LANGUAGE",
    "LC_*",
    "TZ",
    "TZDIR",
    "TERM",
    "NO_COLOR",
    // Threads, memory and instructions.
    "OMP_*",
    "GOMP_*",
    "KMP_*",
    "RAYON_*",
    "TBB_*",
    "MKL_*",
    "OPENBLAS_*",
    "BLIS_*",
    "GOTO_*",
    "DNNL_*",
    "ONEDNN_*",
    "NUMEXPR_*",
    "VECLIB_*",
    "MALLOC_*",
    "GLIBC_TUNABLES",
    "CUDA_*",
    "NVIDIA_*",
    "HIP_*",
    "ROCR_*",
    "HSA_*",
    // Engines and ourselves.
    "ORT_*",
    "TRACT_*",
    "CANDLE_*",
    "GGML_*",
    "LLAMA_*",
    "TVM_*",
    "MLC_*",
    "RUST_*",
    "ASAN_*",
    "LLVM_PROFILE_FILE",
    "POCKETWATT_*",
];

/// Names of secrets. None is inherited unless a table of `backends.toml` names it in full.
const SECRETS: &[&str] =
    &["TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "AUTH", "KEY", "COOKIE", "SESSION"];

/// Clears the environment of a runner except for what it inherits; `more` are the names that its table adds.
pub(super) fn inherit(command: &mut Command, more: &[String]) {
    command.env_clear();
    command.envs(env::vars_os().filter(|(name, _)| is_inherited(name, more)));
}

fn is_inherited(name: &OsStr, more: &[String]) -> bool {
    // A name that is not text is nobody's setting. Values may be anything.
    let Some(name) = name.to_str() else { return false };
    if more.iter().any(|wanted| wanted == name) {
        return true;
    }
    let allowed = INHERITED.iter().copied().chain(more.iter().map(String::as_str)).any(|pattern| fits(pattern, name));
    allowed && !is_secret(name)
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_uppercase();
    SECRETS.iter().any(|word| name.contains(word))
}

/// Removes secrets from the environment of a compiler or a script, which otherwise gets all of it. Those of cargo and pip stay,
/// because they may need them for their registries.
pub(super) fn without_secrets(command: &mut Command) {
    for (name, _) in env::vars_os() {
        if is_kept_from_tools(&name) {
            command.env_remove(name);
        }
    }
}

fn is_kept_from_tools(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    is_secret(&name) && !["CARGO_", "PIP_"].iter().any(|own| name.starts_with(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_get_their_settings_and_no_keys() {
        let more = ["MY_ENGINE_*".to_owned(), "MY_LICENCE_KEY".to_owned()];
        let inherited = |name: &str| is_inherited(OsStr::new(name), &more);
        for name in ["PATH", "LC_ALL", "OMP_NUM_THREADS", "ORT_DYLIB_PATH", "MY_ENGINE_MODE", "MY_LICENCE_KEY"] {
            assert!(inherited(name), "{name}");
        }
        for name in [
            "HF_TOKEN",
            "HUGGING_FACE_HUB_TOKEN",
            "AWS_ACCESS_KEY_ID",
            "AWS_PROFILE",
            "GITHUB_TOKEN",
            "SSH_AUTH_SOCK",
            "OPENAI_API_KEY",
            "LLAMA_API_KEY",
            "ORT_SECRET",
            "MY_ENGINE_TOKEN",
            "PATHS",
            "DBUS_SESSION_BUS_ADDRESS",
            "XDG_SESSION_COOKIE",
            "POCKETWATT_password",
        ] {
            assert!(!inherited(name), "{name}");
        }
    }

    #[test]
    fn tools_keep_what_opens_their_registries() {
        let kept = |name: &str| is_kept_from_tools(&OsString::from(name));
        assert!(kept("HF_TOKEN") && kept("aws_secret_access_key") && kept("SSH_AUTH_SOCK"));
        assert!(!kept("CARGO_REGISTRIES_MINE_TOKEN") && !kept("PIP_PASSWORD") && !kept("PATH"));
    }
}
