//! What this program was compiled for and with, and what it runs on: a part of the passport.

use pocketwatt_protocol::Platform;

/// That of the calling program.
pub fn platform() -> Platform {
    Platform {
        target: env!("POCKETWATT_TARGET").into(),
        rust_compiler: option_env!("POCKETWATT_RUST_COMPILER").map(str::to_owned),
        c_compiler: option_env!("POCKETWATT_C_COMPILER").map(str::to_owned),
        c_library: c_library(),
        page_bytes: Some(rustix::param::page_size() as u64),
    }
}

#[cfg(target_env = "gnu")]
#[expect(
    unsafe_code,
    reason = "no safe interface tells which C library was loaded; the program may meet another than it was linked with"
)]
fn c_library() -> Option<String> {
    // SAFETY: glibc returns a static text that ends in a null byte.
    let version = unsafe { std::ffi::CStr::from_ptr(libc::gnu_get_libc_version()) };
    Some(format!("glibc {}", version.to_string_lossy()))
}

#[cfg(not(target_env = "gnu"))]
fn c_library() -> Option<String> {
    if cfg!(target_env = "musl") {
        Some("musl".into())
    } else if cfg!(target_os = "android") {
        Some("bionic".into())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compilers_and_the_c_library_have_versions() {
        let platform = platform();
        assert!(platform.target.starts_with(std::env::consts::ARCH), "{platform:?}");
        let rust_compiler = platform.rust_compiler.as_deref().unwrap();
        assert!(rust_compiler.starts_with("rustc 1."), "{rust_compiler}");
        let has_version = |text: &Option<String>| text.as_ref().is_none_or(|text| text.contains(char::is_numeric));
        assert!(has_version(&platform.c_compiler), "{platform:?}");
        if cfg!(target_env = "gnu") {
            assert!(platform.c_library.as_ref().is_some_and(|library| library.starts_with("glibc 2.")), "{platform:?}");
        }
        let page_bytes = platform.page_bytes.unwrap();
        assert!(page_bytes.is_power_of_two() && page_bytes >= 4096, "{page_bytes}");
    }
}
