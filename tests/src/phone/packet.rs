//! Messages between a server of adb and a phone's daemon (AOSP, `packages/modules/adb/protocol.txt`).

use std::io::{self, Read, Write};

/// Longest payload of a packet that is sent here.
pub(super) const MOST_BYTES: usize = 64 << 10;
/// Longest that is taken: no version of adb sends more.
const MOST_TAKEN: usize = 4 << 20;
const HEAD_BYTES: usize = 24;

/// A message.
#[derive(Debug)]
pub(super) struct Packet {
    pub command: [u8; 4],
    pub arguments: [u32; 2],
    pub payload: Vec<u8>,
}

impl Packet {
    /// Reads one. An error is also what is no packet.
    pub fn read(link: &mut impl Read) -> io::Result<Self> {
        let mut head = [0; HEAD_BYTES];
        link.read_exact(&mut head)?;
        let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let length = word(12) as usize;
        if word(0) ^ word(20) != u32::MAX || length > MOST_TAKEN {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut payload = vec![0; length];
        link.read_exact(&mut payload)?;
        Ok(Self { command: [head[0], head[1], head[2], head[3]], arguments: [word(4), word(8)], payload })
    }

    /// Writes the head of a packet, and the first `taken` bytes of its payload: fewer than all where the connection breaks.
    pub fn write(
        link: &mut impl Write,
        command: &[u8; 4],
        arguments: [u32; 2],
        payload: &[u8],
        taken: usize,
    ) -> io::Result<()> {
        // Both sides agree at the beginning that later packets have no checksum.
        let is_checked = matches!(command, b"CNXN" | b"AUTH");
        let check = if is_checked { payload.iter().map(|byte| u32::from(*byte)).sum() } else { 0_u32 };
        let magic = u32::from_le_bytes(*command) ^ u32::MAX;
        let mut packet = command.to_vec();
        for word in [arguments[0], arguments[1], payload.len() as u32, check, magic] {
            packet.extend(word.to_le_bytes());
        }
        packet.extend(&payload[..taken.min(payload.len())]);
        link.write_all(&packet)
    }
}
