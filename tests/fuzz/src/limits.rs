//! Limits of an input: processor time and memory. libFuzzer's own limits use the clock, which a busy machine would
//! exceed without a fault, and count allocations that only a sanitizer sees.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    process::abort,
    sync::atomic::{AtomicUsize, Ordering},
};

use pocketwatt_protocol::process_cpu_ns;

/// Most bytes that are held at a time.
const MOST_BYTES: usize = 256 << 20;
/// Most processor time of an input, in nanoseconds.
const MOST_NS: u64 = 2_000_000_000;

/// Reads an input, and panics if that took too long.
pub fn within<T>(read: impl FnOnce() -> T) -> T {
    within_times(1, read).0
}

/// Reads an input with a multiple of the time limit, and returns how long it took, in nanoseconds.
pub fn within_times<T>(times: u64, read: impl FnOnce() -> T) -> (T, u64) {
    let begun = process_cpu_ns();
    let outcome = read();
    let took = process_cpu_ns() - begun;
    assert!(took < times * MOST_NS, "it took {} ms of processor time", took / 1_000_000);
    (outcome, took)
}

/// The system's allocator with a counter.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);

fn take(bytes: usize) {
    let held = HELD.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
    if held > MOST_BYTES {
        // Reported once, because the report takes memory, too.
        HELD.store(0, Ordering::Relaxed);
        eprintln!("it holds {} MiB, of which {bytes} bytes were asked for at once", held >> 20);
        abort();
    }
}

fn give_back(bytes: usize) {
    HELD.fetch_sub(bytes, Ordering::Relaxed);
}

#[expect(unsafe_code, reason = "an allocator is unsafe by its nature; all work is handed on to the system's")]
// SAFETY: every call is passed on unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        give_back(layout.size());
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        give_back(layout.size());
        take(size);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
