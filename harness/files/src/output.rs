use std::{
    fs::{self, File, Metadata, OpenOptions, Permissions},
    io::{self, ErrorKind},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
};

use rustix::fs::{OFlags, PROC_SUPER_MAGIC, statfs};

use crate::{folder::folder_of, write::replace};

/// Links that are followed, as the kernel does.
const MOST_LINKS: u32 = 40;
/// Who may read, write and execute; nothing that makes a program run as somebody else.
const ACCESS: u32 = 0o777;
/// What its group may do.
const ACCESS_OF_GROUP: u32 = 0o070;

/// Writes to a place that the user named, which may be anything. A file is replaced as a whole, as by
/// [`write_atomically`](crate::write_atomically), and keeps its permissions; where a link leads, its file is replaced. What can only be
/// written through is: a pipe, a device, and the open files of a process (`/proc/self/fd/3`), to whose end is written.
///
/// # Errors
/// When the place is a folder, or cannot be written, or `write` fails. Then a file is unchanged.
pub fn write_output<R>(path: &Path, write: impl FnOnce(&mut File) -> io::Result<R>) -> io::Result<R> {
    let there = match fs::metadata(path) {
        Ok(there) => Some(there),
        // A link may lead to a file that does not exist yet.
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if there.as_ref().is_some_and(Metadata::is_dir) {
        return Err(io::Error::new(ErrorKind::IsADirectory, "it is a folder: name a file"));
    }
    if there.as_ref().is_some_and(|there| !there.is_file()) {
        return write(&mut open_as_it_is(path)?);
    }
    let Some(target) = target(path)? else { return write(&mut open_as_it_is(path)?) };
    let prepare = |file: &File| there.as_ref().map_or(Ok(()), |old| give_access_of(old, file));
    replace(&target, prepare, write)
}

fn open_as_it_is(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOCTTY.bits().cast_signed();
    OpenOptions::new().append(true).custom_flags(flags).open(path)
}

/// The file to which a path leads, which may not exist; `None` where it leads to the open file of a process.
fn target(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        if !path.symlink_metadata().is_ok_and(|there| there.is_symlink()) {
            return Ok(Some(path));
        }
        if statfs(folder_of(&path))?.f_type == PROC_SUPER_MAGIC {
            return Ok(None);
        }
        path = folder_of(&path).join(fs::read_link(&path)?);
    }
    Err(rustix::io::Errno::LOOP.into())
}

/// Whoever could read a file can read the new one, and nobody else; the owner and the group are kept where the system allows it.
fn give_access_of(old: &Metadata, new: &File) -> io::Result<()> {
    let found = new.metadata()?;
    let is_same = (found.uid(), found.gid()) == (old.uid(), old.gid());
    let has_group = is_same || fchown(new, Some(old.uid()), Some(old.gid())).is_ok();
    let access = old.permissions().mode() & if has_group { ACCESS } else { ACCESS & !ACCESS_OF_GROUP };
    new.set_permissions(Permissions::from_mode(access))
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        os::{
            fd::AsRawFd,
            unix::fs::{FileTypeExt, symlink},
        },
    };

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    fn write(path: &Path, text: &str) -> io::Result<()> {
        write_output(path, |file| file.write_all(text.as_bytes()))
    }

    #[test]
    fn a_pipe_stays_one_and_its_reader_gets_the_text() {
        let root = tempfile::tempdir().unwrap();
        let pipe = root.path().join("pipe");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read_to_string(pipe).unwrap()
        });
        write(&pipe, "new").unwrap();
        assert_eq!(reader.join().unwrap(), "new");
        assert!(pipe.symlink_metadata().unwrap().file_type().is_fifo());
    }

    #[test]
    fn links_are_followed_also_to_what_is_not_there_yet() {
        let root = tempfile::tempdir().unwrap();
        let place = |name: &str| root.path().join(name);
        fs::create_dir(place("folder")).unwrap();
        symlink("folder/file", place("link")).unwrap();
        symlink("link", place("another")).unwrap();
        for text in ["first", "second"] {
            write(&place("another"), text).unwrap();
            assert_eq!(fs::read_to_string(place("folder/file")).unwrap(), text);
            assert!(["another", "link"].iter().all(|name| place(name).is_symlink()));
        }
        assert_eq!(fs::read_dir(place("folder")).unwrap().count(), 1);
        symlink("round", place("round")).unwrap();
        assert!(write(&place("round"), "").is_err());
        assert_eq!(write(&place("folder"), "").unwrap_err().kind(), ErrorKind::IsADirectory);
    }

    #[test]
    fn a_file_keeps_its_permissions_and_is_replaced_as_a_whole() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        fs::write(&path, "old").unwrap();
        for (mode, kept) in [(0o600, 0o600), (0o664, 0o664), (0o4755, 0o755)] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            write(&path, "new").unwrap();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, kept);
        }
        let failed = write_output(&path, |file| {
            file.write_all(b"half")?;
            Err::<(), _>(io::Error::other("stopped"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "stopped");
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn to_the_open_file_of_a_process_is_written() {
        let mut opened = tempfile::tempfile().unwrap();
        opened.write_all(b"before ").unwrap();
        write(Path::new(&format!("/proc/self/fd/{}", opened.as_raw_fd())), "after").unwrap();
        let mut text = String::new();
        io::Seek::rewind(&mut opened).unwrap();
        opened.read_to_string(&mut text).unwrap();
        assert_eq!(text, "before after");
    }
}
