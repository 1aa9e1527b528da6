//! What the headers of a program or library promise to the system's loader.

use std::{collections::BTreeSet, fs, path::Path};

const AARCH64: u64 = 183;
const LOADED: u64 = 1;
const DYNAMIC: u64 = 2;
const INTERPRETER: u64 = 3;
const HEADER_BYTES: usize = 64;

/// Keys of the dynamic section, from the System V ABI and its GNU extensions.
mod key {
    pub const NEEDED: u64 = 1;
    pub const STRINGS: u64 = 5;
    pub const RPATH: u64 = 15;
    pub const RUNPATH: u64 = 29;
    pub const DEFINED_VERSIONS: u64 = 0x6fff_fffc;
    pub const DEFINED_VERSION_COUNT: u64 = 0x6fff_fffd;
    pub const NEEDED_VERSIONS: u64 = 0x6fff_fffe;
    pub const NEEDED_VERSION_COUNT: u64 = 0x6fff_ffff;
}

/// The headers of a 64-bit file.
#[derive(Debug)]
pub struct Elf {
    bytes: Vec<u8>,
    segments: Vec<Segment>,
    dynamic: Vec<(u64, u64)>,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    kind: u64,
    offset: u64,
    address: u64,
    bytes: u64,
    alignment: u64,
}

impl Elf {
    /// Reads a file; nothing if it has another format.
    pub fn read(path: &Path) -> Option<Self> {
        let bytes = fs::read(path).unwrap();
        if bytes.len() < HEADER_BYTES || !bytes.starts_with(b"\x7fELF\x02\x01") {
            return None;
        }
        let mut elf = Self { bytes, segments: Vec::new(), dynamic: Vec::new() };
        let (table, size, count) = (elf.number(0x20, 8), elf.number(0x36, 2), elf.number(0x38, 2));
        elf.segments = (0..count).map(|index| elf.segment(table + index * size)).collect();
        if let Some(&dynamic) = elf.segments.iter().find(|segment| segment.kind == DYNAMIC) {
            let entries = (0..dynamic.bytes / 16).map(|index| dynamic.offset + index * 16);
            elf.dynamic = entries.map(|at| (elf.number(at, 8), elf.number(at + 8, 8))).collect();
        }
        Some(elf)
    }

    /// Whether it is for 64-bit ARM processors.
    pub fn is_aarch64(&self) -> bool {
        self.number(0x12, 2) == AARCH64
    }

    /// The smallest alignment of what is loaded: pages of the system may not be larger.
    pub fn alignment(&self) -> u64 {
        self.of_kind(LOADED).map(|segment| segment.alignment).min().expect("something is loaded")
    }

    /// The loader that it names.
    pub fn interpreter(&self) -> Option<String> {
        self.of_kind(INTERPRETER).next().map(|segment| self.text(segment.offset))
    }

    /// The shared libraries that it asks for.
    pub fn needed(&self) -> Vec<String> {
        self.texts(key::NEEDED)
    }

    /// Where they are searched for before the system's own folders.
    pub fn run_path(&self) -> Vec<String> {
        [self.texts(key::RPATH), self.texts(key::RUNPATH)].concat()
    }

    /// Versions of symbols that it needs, such as `GLIBC_2.34`, with the library that has to have them.
    pub fn needed_versions(&self) -> BTreeSet<(String, String)> {
        let mut found = BTreeSet::new();
        self.each_in_chain(key::NEEDED_VERSIONS, key::NEEDED_VERSION_COUNT, 12, |at| {
            let library = self.string(self.number(at + 4, 4));
            let mut version = at + self.number(at + 8, 4);
            for _ in 0..self.number(at + 2, 2) {
                found.insert((library.clone(), self.string(self.number(version + 8, 4))));
                version += self.number(version + 12, 4);
            }
        });
        found
    }

    /// Versions of symbols that a library has.
    pub fn defined_versions(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        self.each_in_chain(key::DEFINED_VERSIONS, key::DEFINED_VERSION_COUNT, 16, |at| {
            found.insert(self.string(self.number(at + self.number(at + 12, 4), 4)));
        });
        found
    }

    /// Visits a chain of records, each with the distance to the next at the offset `next`.
    fn each_in_chain(&self, first: u64, count: u64, next: u64, mut visit: impl FnMut(u64)) {
        let (Some(first), Some(count)) = (self.value(first), self.value(count)) else { return };
        let mut at = self.offset(first);
        for _ in 0..count {
            visit(at);
            at += self.number(at + next, 4);
        }
    }

    fn segment(&self, at: u64) -> Segment {
        let word = |place: u64| self.number(at + place, 8);
        let (offset, address, bytes, alignment) = (word(8), word(16), word(32), word(48));
        Segment { kind: self.number(at, 4), offset, address, bytes, alignment }
    }

    fn of_kind(&self, kind: u64) -> impl Iterator<Item = &Segment> {
        self.segments.iter().filter(move |segment| segment.kind == kind)
    }

    /// The place in the file of what is loaded to an address.
    fn offset(&self, address: u64) -> u64 {
        let holds = |segment: &&Segment| (segment.address..segment.address + segment.bytes).contains(&address);
        let segment = self.of_kind(LOADED).find(holds).expect("an address in a segment");
        segment.offset + (address - segment.address)
    }

    fn value(&self, wanted: u64) -> Option<u64> {
        self.dynamic.iter().find(|(key, _)| *key == wanted).map(|(_, value)| *value)
    }

    fn texts(&self, wanted: u64) -> Vec<String> {
        let values = self.dynamic.iter().filter(|(key, _)| *key == wanted);
        values.map(|(_, value)| self.string(*value)).collect()
    }

    /// A text of the table of strings.
    fn string(&self, place: u64) -> String {
        self.text(self.offset(self.value(key::STRINGS).expect("a table of strings")) + place)
    }

    fn text(&self, offset: u64) -> String {
        let bytes = &self.bytes[offset as usize..];
        let end = bytes.iter().position(|byte| *byte == 0).expect("an end of the text");
        String::from_utf8(bytes[..end].to_vec()).unwrap()
    }

    fn number(&self, offset: u64, length: usize) -> u64 {
        let bytes = &self.bytes[offset as usize..][..length];
        bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}
