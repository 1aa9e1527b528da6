//! The service of files: `adb push`, `adb pull`, `adb ls` (AOSP, `file_sync_protocol.h`).

use std::{
    ffi::OsStr,
    fs::{self, File, FileTimes, Metadata, Permissions},
    io::{self, Read, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rustix::io::Errno;

use super::{
    daemon::Daemon,
    stream::{Incoming, Stream},
};

/// The longest block of a file.
const BLOCK_BYTES: usize = 64 << 10;
const LONGEST_PATH: usize = 4096;
const KIND_OF_FILE: u32 = 0o170_000;
const LINK: u32 = 0o120_000;

/// Serves one session.
pub(super) fn serve(daemon: &Daemon, stream: &Stream) -> io::Result<()> {
    let mut session = Session { daemon, stream, incoming: stream.incoming() };
    loop {
        let (verb, length) = session.head()?;
        if length > LONGEST_PATH {
            return session.fail("path too long");
        }
        let path = session.bytes(length)?;
        match &verb {
            b"QUIT" => return Ok(()),
            b"STAT" => session.status(&path)?,
            b"STA2" | b"LST2" => session.long_status(verb, &path)?,
            b"LIST" | b"LIS2" => session.list(verb, &path)?,
            b"SEND" => session.take_file(&path)?,
            b"RECV" => session.give_file(&path)?,
            _ => return session.fail("unknown command"),
        }
    }
}

struct Session<'a> {
    daemon: &'a Daemon,
    stream: &'a Stream,
    incoming: Incoming<'a>,
}

impl Session<'_> {
    fn head(&mut self) -> io::Result<([u8; 4], usize)> {
        let head = self.bytes(8)?;
        let number = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        Ok(([head[0], head[1], head[2], head[3]], number as usize))
    }

    fn bytes(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.incoming.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn answer(&self, verb: &[u8; 4], numbers: &[u32], rest: &[u8]) -> io::Result<()> {
        let numbers = numbers.iter().flat_map(|number| number.to_le_bytes());
        self.stream.write(&verb.iter().copied().chain(numbers).chain(rest.iter().copied()).collect::<Vec<_>>())
    }

    fn fail(&self, why: &str) -> io::Result<()> {
        self.answer(b"FAIL", &[why.len() as u32], why.as_bytes())
    }

    fn path(&self, path: &[u8]) -> PathBuf {
        let path = Path::new(OsStr::from_bytes(path));
        self.daemon.system.root().join(path.strip_prefix("/").unwrap_or(path))
    }

    fn status(&self, path: &[u8]) -> io::Result<()> {
        let numbers = fs::symlink_metadata(self.path(path))
            .map_or([0; 3], |file| [file.mode(), file.size() as u32, file.mtime() as u32]);
        self.answer(b"STAT", &numbers, &[])
    }

    fn long_status(&self, verb: [u8; 4], path: &[u8]) -> io::Result<()> {
        let path = self.path(path);
        let found = if verb == *b"STA2" { fs::metadata(path) } else { fs::symlink_metadata(path) };
        self.answer(&verb, &[], &long(found))
    }

    fn list(&self, verb: [u8; 4], path: &[u8]) -> io::Result<()> {
        let is_long = verb == *b"LIS2";
        for entry in fs::read_dir(self.path(path)).into_iter().flatten().flatten() {
            let (name, found) = (entry.file_name(), entry.metadata());
            let length = name.len() as u32;
            if is_long {
                self.answer(b"DNT2", &[], &[&long(found)[..], &length.to_le_bytes(), name.as_bytes()].concat())?;
            } else if let Ok(file) = found {
                let numbers = [file.mode(), file.size() as u32, file.mtime() as u32, length];
                self.answer(b"DENT", &numbers, name.as_bytes())?;
            }
        }
        self.answer(b"DONE", &[], &vec![0; if is_long { 72 } else { 16 }])
    }

    /// `PATH,MODE`, then blocks, then the time of the file's last change.
    fn take_file(&mut self, what: &[u8]) -> io::Result<()> {
        let comma = what.iter().rposition(|byte| *byte == b',').unwrap_or(what.len());
        let mode = String::from_utf8_lossy(what.get(comma + 1..).unwrap_or_default()).parse().unwrap_or(0o644);
        let path = self.path(&what[..comma]);
        match self.store(&path, mode) {
            Ok(()) => self.answer(b"OKAY", &[0], &[]),
            Err(Trouble::Link(error)) => Err(error),
            Err(Trouble::File(error)) => {
                self.fail(&format!("couldn't create file: {}", words(&error)))?;
                // adb may go on sending until it reads that.
                while self.block()?.is_some() {}
                Ok(())
            }
        }
    }

    fn store(&mut self, path: &Path, mode: u32) -> Result<(), Trouble> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(Trouble::File)?;
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Trouble::File(error)),
            _ => {}
        }
        if mode & KIND_OF_FILE == LINK {
            let mut target = Vec::new();
            while let Some(block) = self.block().map_err(Trouble::Link)? {
                target.extend(block);
            }
            let target = target.split(|byte| *byte == 0).next().unwrap_or_default();
            return symlink(OsStr::from_bytes(target), path).map_err(Trouble::File);
        }
        let mut file = File::create(path).map_err(Trouble::File)?;
        let modified = loop {
            let (verb, number) = self.head().map_err(Trouble::Link)?;
            if verb == *b"DONE" {
                break number;
            }
            let block = self.bytes(limited(&verb, number).map_err(Trouble::Link)?).map_err(Trouble::Link)?;
            let written = if self.daemon.faults.has_room(block.len()) {
                file.write_all(&block)
            } else {
                Err(Errno::NOSPC.into())
            };
            if let Err(error) = written {
                // A phone's daemon leaves no part of a file that did not fit.
                let _ = fs::remove_file(path);
                return Err(Trouble::File(error));
            }
        };
        // Group and others get what the owner has.
        let owner = mode & 0o700;
        let permissions = Permissions::from_mode((mode & 0o777) | owner >> 3 | owner >> 6);
        file.set_permissions(permissions).map_err(Trouble::File)?;
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(modified as u64);
        file.set_times(FileTimes::new().set_modified(modified).set_accessed(modified)).map_err(Trouble::File)
    }

    /// The next block of a file, and `None` after its last.
    fn block(&mut self) -> io::Result<Option<Vec<u8>>> {
        let (verb, number) = self.head()?;
        if verb == *b"DONE" {
            return Ok(None);
        }
        self.bytes(limited(&verb, number)?).map(Some)
    }

    fn give_file(&self, path: &[u8]) -> io::Result<()> {
        let refuse = |error: &io::Error| self.fail(&format!("open failed: {}", words(error)));
        let mut file = match File::open(self.path(path)) {
            Ok(file) => file,
            Err(error) => return refuse(&error),
        };
        let mut block = vec![0; BLOCK_BYTES];
        loop {
            match file.read(&mut block) {
                Ok(0) => return self.answer(b"DONE", &[0], &[]),
                Ok(length) => self.answer(b"DATA", &[length as u32], &block[..length])?,
                Err(error) => return refuse(&error),
            }
        }
    }
}

/// What ended the storing of a file.
enum Trouble {
    /// The connection.
    Link(io::Error),
    /// The file.
    File(io::Error),
}

fn limited(verb: &[u8; 4], number: usize) -> io::Result<usize> {
    if verb == b"DATA" && number <= BLOCK_BYTES { Ok(number) } else { Err(io::ErrorKind::InvalidData.into()) }
}

/// The text of C's `strerror`.
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// The long form of a status: an error number, or what there is.
fn long(found: io::Result<Metadata>) -> Vec<u8> {
    let (error, short, long) = match found {
        Ok(file) => {
            let times = [file.atime() as u64, file.mtime() as u64, file.ctime() as u64];
            let short = [file.mode(), file.nlink() as u32, file.uid(), file.gid()];
            (0, short, [file.dev(), file.ino(), file.size(), times[0], times[1], times[2]])
        }
        Err(error) => (error.raw_os_error().unwrap_or(Errno::IO.raw_os_error()) as u32, [0; 4], [0; 6]),
    };
    let mut bytes = error.to_le_bytes().to_vec();
    long[..2].iter().for_each(|number| bytes.extend(number.to_le_bytes()));
    short.iter().for_each(|number| bytes.extend(number.to_le_bytes()));
    long[2..].iter().for_each(|number| bytes.extend(number.to_le_bytes()));
    bytes
}
