//! Where adb is, and how to get it.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// Names the program, as in Android's own tools.
const VARIABLE: &str = "ADB";
const PROGRAM: &str = "adb";

/// The program that `ADB` names, else the one in `PATH`; `None` if there is neither.
pub fn find_adb() -> Option<PathBuf> {
    let named = env::var_os(VARIABLE).filter(|path| !path.is_empty());
    let folders = env::var_os("PATH").unwrap_or_default();
    match named {
        Some(path) => Some(path.into()),
        None => in_path(&folders, PROGRAM),
    }
}

fn in_path(folders: &OsStr, program: &str) -> Option<PathBuf> {
    let place = |folder: PathBuf| folder.join(program);
    env::split_paths(folders).filter(|folder| folder.is_absolute()).map(place).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// The command that installs adb, by the package manager that is here; a web page if there is none that is known.
pub fn install_command() -> &'static str {
    install_command_in(&env::var_os("PATH").unwrap_or_default())
}

fn install_command_in(folders: &OsStr) -> &'static str {
    const MANAGERS: [(&str, &str); 7] = [
        ("apt-get", "sudo apt-get install adb"),
        ("dnf", "sudo dnf install android-tools"),
        ("pacman", "sudo pacman -S android-tools"),
        ("zypper", "sudo zypper install android-tools"),
        ("apk", "sudo apk add android-tools"),
        ("nix-env", "nix-env -iA nixpkgs.android-tools"),
        ("brew", "brew install --cask android-platform-tools"),
    ];
    let here = MANAGERS.iter().find(|(manager, _)| in_path(folders, manager).is_some());
    here.map_or("download it from https://developer.android.com/tools/releases/platform-tools", |(_, command)| command)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn a_program_is_an_executable_file_in_a_folder_of_the_path() {
        let folders: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
        let write = |folder: usize, name: &str, mode: u32| {
            let path = folders[folder].path().join(name);
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        };
        fs::create_dir(folders[0].path().join(PROGRAM)).unwrap();
        write(1, PROGRAM, 0o644);
        write(2, PROGRAM, 0o755);
        write(1, "dnf", 0o755);
        let path = env::join_paths(folders.iter().map(|folder| folder.path())).unwrap();
        assert_eq!(in_path(&path, PROGRAM), Some(folders[2].path().join(PROGRAM)));
        assert_eq!(install_command_in(&path), "sudo dnf install android-tools");
        assert!(install_command_in(OsStr::new("")).contains("https://"));
    }
}
