//! What the allocator does with freed memory. Only glibc's has to be told.
#![expect(unsafe_code, reason = "mallopt is the only way to tell glibc's allocator, and no safe crate wraps it")]

/// While loading: every weight gets pages of its own, which the system has back as soon as it is freed.
///
/// Left alone, glibc raises this threshold with the first large block that is freed, and takes the next weights out of
/// its heap. There they leave gaps between packed ones that nothing fits into: 770 MiB at most for the 475 MiB of 125M,
/// instead of 570.
pub fn free_weights_at_once() {
    set_mmap_threshold(128 << 10);
}

/// While running: intermediate results come out of the heap and stay there. With pages of their own, the system would
/// hand out zeroed ones at every operation: a fifth of the prefill of a long prompt.
pub fn keep_intermediate_results() {
    give_back();
    set_mmap_threshold(32 << 20);
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn set_mmap_threshold(bytes: i32) {
    // SAFETY: mallopt takes two integers, is thread-safe since glibc 2.26, and a refused value changes nothing.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, bytes);
        // What is freed at the top of the heap is given back above this size; the threshold above stops adapting it.
        libc::mallopt(libc::M_TRIM_THRESHOLD, bytes.saturating_mul(2));
    }
}

/// What loading left free in the middle of the heap.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn give_back() {
    // SAFETY: malloc_trim is thread-safe since glibc 2.8 and touches free memory alone.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_back() {}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn set_mmap_threshold(_: i32) {}
