use std::{
    hint::black_box,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use pocketwatt_protocol::{Clock, MonotonicClock};

use crate::{Bandwidth, Memory, MeterError, SystemRoot};

/// Bytes that are read in a pass: the weights of a small model, and many times any cache.
const BUFFER_BYTES: u64 = 512 << 20;
/// Smallest buffer that is still far larger than caches.
const LEAST_BUFFER_BYTES: u64 = 64 << 20;
/// The buffer takes at most the free memory divided by this.
const MEMORY_SHARE: u64 = 4;
/// The probe makes at least this many passes, and takes at least this long: a noisy machine has quiet moments.
const LEAST_PASSES: usize = 12;
const LEAST_NS: u64 = 2_000_000_000;
/// Slow devices stop here.
const MOST_NS: u64 = 10_000_000_000;
/// Partial sums in flight: enough that additions never wait for each other.
const LANES: usize = 32;
/// A thread takes this many words at a time: 4 MiB, long enough for prefetching to reach full speed.
const CHUNK_WORDS: usize = 1 << 19;

/// Measures how fast `threads` threads together read memory: a buffer from front to back in chunks, adding up 8-byte
/// words. Each thread takes the next chunk when it has done one, so that none waits for a slower one.
///
/// Decoding reads weights in the same way and computes little besides, so no decoding that reads all its weights from
/// memory can be faster. Writing is not measured, since decoding hardly writes.
///
/// # Errors
/// When there is too little free memory, or `threads` is 0 or absurd.
pub fn measure_bandwidth(threads: u32) -> Result<Bandwidth, MeterError> {
    if !(1..=1024).contains(&threads) {
        return Err(MeterError::Threads(threads));
    }
    let available = Memory::look(&SystemRoot::real()).available_bytes.unwrap_or(BUFFER_BYTES * MEMORY_SHARE);
    let buffer_bytes = BUFFER_BYTES.min(available / MEMORY_SHARE);
    let short_of_memory = || MeterError::Memory { wanted: LEAST_BUFFER_BYTES, available };
    if buffer_bytes < LEAST_BUFFER_BYTES {
        return Err(short_of_memory());
    }
    let words = buffer_bytes as usize / 8 / CHUNK_WORDS * CHUNK_WORDS;
    let mut buffer: Vec<u64> = Vec::new();
    buffer.try_reserve_exact(words).map_err(|_| short_of_memory())?;
    // Each page must be written: all untouched pages are the kernel's one page of zeros, which stays in the cache.
    buffer.extend(0..words as u64);

    let (mut passes, mut spent) = (Vec::new(), 0);
    while (passes.len() < LEAST_PASSES || spent < LEAST_NS) && spent < MOST_NS {
        let nanoseconds = read_all(&buffer, threads);
        spent += nanoseconds;
        passes.push((words * 8) as f64 * 1e9 / nanoseconds as f64);
    }
    passes.sort_by(f64::total_cmp);
    Ok(Bandwidth {
        threads,
        buffer_bytes: (words * 8) as u64,
        best_bytes_per_second: passes[passes.len() - 1],
        median_bytes_per_second: passes[passes.len() / 2],
        passes: passes.len() as u32,
    })
}

/// Nanoseconds of one pass over the buffer by all threads at once.
fn read_all(buffer: &[u64], threads: u32) -> u64 {
    let next_chunk = AtomicUsize::new(0);
    let read_chunks = || {
        let mut total = 0_u64;
        while let Some(chunk) = buffer.chunks(CHUNK_WORDS).nth(next_chunk.fetch_add(1, Ordering::Relaxed)) {
            total = total.wrapping_add(sum(chunk));
        }
        black_box(total)
    };
    let start = MonotonicClock.now();
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(read_chunks);
        }
        read_chunks();
    });
    MonotonicClock.now().since(start).max(1)
}

fn sum(words: &[u64]) -> u64 {
    let mut sums = [0_u64; LANES];
    for chunk in words.as_chunks::<LANES>().0 {
        for (sum, word) in sums.iter_mut().zip(chunk) {
            *sum = sum.wrapping_add(*word);
        }
    }
    sums.into_iter().fold(0, u64::wrapping_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read() {
        let words: Vec<u64> = (0..LANES as u64 * 1000).collect();
        assert_eq!(sum(&words), words.iter().sum::<u64>());
    }

    #[test]
    fn impossible_numbers_of_threads_are_refused() {
        for threads in [0, 5000] {
            assert!(
                measure_bandwidth(threads).unwrap_err().to_string().contains(&format!("cannot use {threads} threads"))
            );
        }
    }
}
