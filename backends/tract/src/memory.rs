//! What the allocator does with freed memory. Only glibc's needs settings.
#![expect(unsafe_code, reason = "mallopt is the only way to configure glibc's allocator, and no safe crate wraps it")]

/// While loading: every weight gets pages of its own, which return to the system as soon as it is freed.
///
/// By default, glibc raises this threshold when the first large block is freed, and takes the next weights from
/// its heap. There they leave gaps between packed ones that nothing fits into: a peak of 770 MiB for the 475 MiB of 125M,
/// instead of 570.
pub fn free_weights_at_once() {
    set_mmap_threshold(128 << 10);
}

/// While running: intermediate results come from the heap and stay there. With pages of their own, the system would
/// supply zeroed ones at every operation: a fifth of the prefill of a long prompt.
pub fn keep_intermediate_results() {
    give_back();
    set_mmap_threshold(32 << 20);
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn set_mmap_threshold(bytes: i32) {
    // SAFETY: mallopt takes two integers, is thread-safe since glibc 2.26, and a refused value changes nothing.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, bytes);
        // Above this size, free memory at the top of the heap is returned; the threshold above stops adapting it.
        libc::mallopt(libc::M_TRIM_THRESHOLD, bytes.saturating_mul(2));
    }
}

/// Returns what loading left free in the middle of the heap.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn give_back() {
    // SAFETY: malloc_trim is thread-safe since glibc 2.8 and only touches free memory.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_back() {}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn set_mmap_threshold(_: i32) {}
