//! ONNX Runtime itself: one library and one environment in a process.

#![expect(unsafe_code, reason = "the version of the loaded library comes from a C function that `ort` does not expose")]

use std::{
    ffi::CStr,
    path::Path,
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result, ensure};
use ort::environment::Environment;

use crate::library::Places;

/// The loaded library.
#[derive(Clone)]
pub(crate) struct Engine {
    /// The library's own version, for example `1.32.0`.
    pub(crate) version: String,
    /// The SHA-256 of its file: a user's own build may have the same version as the published one.
    pub(crate) sha256: String,
    /// What sessions are created in.
    pub(crate) environment: Environment,
}

impl Engine {
    /// Loads the library on the first call.
    ///
    /// # Errors
    /// When it is not found, cannot be opened, or is too old.
    pub(crate) fn get() -> Result<Self> {
        static LOADED: Mutex<Option<Engine>> = Mutex::new(None);
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = &*loaded {
            return Ok(engine.clone());
        }
        // `ort` resolves relative paths against the program's folder; ours are relative to the working directory.
        let path = std::path::absolute(Places::of_process().find()?)?;
        // This comes first, because it rejects a library that is too old, or not a library, with a clear error.
        let builder = ort::init_from(&path).with_context(|| {
            format!("{} is not a library of ONNX Runtime that this program can use", path.display())
        })?;
        let environment = builder.with_name("pocketwatt").with_telemetry(false).build()?;
        let sha256 = pocketwatt_model::sha256_of_file(&path)?;
        let engine = Engine { version: version(&path)?, sha256, environment };
        *loaded = Some(engine.clone());
        Ok(engine)
    }
}

/// The version that the library at `path`, already loaded by `ort`, reports.
fn version(path: &Path) -> Result<String> {
    // SAFETY: the library is loaded, so opening it again runs no initialiser and gives the same library. The function
    // has this signature in every release since 1.0; `ort::init_from` has called it before.
    let text = unsafe {
        let library = libloading::Library::new(path)?;
        let base = library.get::<unsafe extern "C" fn() -> *const ort::sys::OrtApiBase>(b"OrtGetApiBase\0")?();
        ensure!(!base.is_null(), "{} has no programming interface", path.display());
        // A static string of the library, which stays loaded; copied nonetheless.
        CStr::from_ptr(((*base).GetVersionString)()).to_string_lossy().into_owned()
    };
    Ok(text)
}
