use std::{
    fs::{File, OpenOptions},
    io::{self, ErrorKind, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::{fs::OFlags, io::Errno};

/// Opens a file for reading if it is a regular one; links are followed. Reading a pipe could wait for ever, and a
/// device may have no end.
///
/// # Errors
/// When it cannot be opened, or is not a regular file ([`ErrorKind::InvalidInput`]).
pub fn open_regular(path: &Path) -> io::Result<File> {
    open(path, OFlags::empty())
}

/// As [`open_regular`], but refuses a link at the path: where other users can create links, one may lead to a file that
/// they must not reach.
///
/// # Errors
/// As [`open_regular`].
pub fn open_regular_in_place(path: &Path) -> io::Result<File> {
    open(path, OFlags::NOFOLLOW).map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::LOOP) => io::Error::new(ErrorKind::InvalidInput, "it is a link, which is not followed here"),
        _ => error,
    })
}

fn open(path: &Path, more: OFlags) -> io::Result<File> {
    // Non-blocking, because opening a pipe without a writer would block.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY | more).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_file() {
        return Ok(file);
    }
    let what = if kind.is_dir() { "a folder" } else { "a pipe, socket or device" };
    Err(io::Error::new(ErrorKind::InvalidInput, format!("it is {what}, not a file")))
}

/// The content of a regular file that has at most `most_bytes`.
///
/// # Errors
/// As [`open_regular`], and [`ErrorKind::FileTooLarge`] for a longer one.
pub fn read_bounded(path: &Path, most_bytes: u64) -> io::Result<Vec<u8>> {
    read(open_regular(path)?, most_bytes)
}

/// As [`read_bounded`], but refuses a link at the path.
///
/// # Errors
/// As [`read_bounded`].
pub fn read_bounded_in_place(path: &Path, most_bytes: u64) -> io::Result<Vec<u8>> {
    read(open_regular_in_place(path)?, most_bytes)
}

fn read(file: File, most_bytes: u64) -> io::Result<Vec<u8>> {
    let too_large = |bytes: u64| {
        io::Error::new(
            ErrorKind::FileTooLarge,
            format!("it has {bytes} bytes, more than the {most_bytes} that are read at most"),
        )
    };
    let bytes = file.metadata()?.len();
    if bytes > most_bytes {
        return Err(too_large(bytes));
    }
    let mut contents = Vec::with_capacity(usize::try_from(bytes).unwrap_or(0));
    // The file may have grown since then, and files below /proc and /sys report no length.
    let read = file.take(most_bytes.saturating_add(1)).read_to_end(&mut contents)? as u64;
    if read > most_bytes { Err(too_large(read)) } else { Ok(contents) }
}

/// As [`read_bounded`], for text.
///
/// # Errors
/// As [`read_bounded`], and [`ErrorKind::InvalidData`] when it is not UTF-8.
pub fn read_text_bounded(path: &Path, most_bytes: u64) -> io::Result<String> {
    String::from_utf8(read_bounded(path, most_bytes)?)
        .map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8 text"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_regular_files_are_read_and_only_so_much() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        fs::write(&path, "seven b").unwrap();
        assert_eq!(read_text_bounded(&path, 7).unwrap(), "seven b");
        assert_eq!(read_bounded(&path, 6).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(open_regular(Path::new("/dev/zero")).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(open_regular(root.path()).unwrap_err().to_string(), "it is a folder, not a file");
        let pipe = root.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        assert!(open_regular(&pipe).unwrap_err().to_string().contains("pipe"));
        assert!(!read_text_bounded(Path::new("/proc/self/status"), 1 << 20).unwrap().is_empty());
        let link = root.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(read_bounded(&link, 7).unwrap(), b"seven b");
        assert!(read_bounded_in_place(&link, 7).unwrap_err().to_string().contains("link"));
        assert_eq!(read_bounded_in_place(&path, 7).unwrap(), b"seven b");
        fs::write(&path, [0xff]).unwrap();
        assert_eq!(read_text_bounded(&path, 7).unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
