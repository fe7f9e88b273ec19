//! Having a cache line fetched before it is wanted.

/// Whether [`fetch_to_read`] and [`fetch_to_write`] do anything here: on x86-64 and 64-bit Arm, and not in Miri.
///
/// ```
/// use map_core::strategy::{FETCHES, fetch_to_read};
///
/// let entries = [1, 2, 3];
/// if FETCHES {
///     fetch_to_read(&raw const entries[2]);
/// }
/// ```
pub const FETCHES: bool = cfg!(all(
    any(
        all(target_arch = "x86_64", target_feature = "sse2"),
        target_arch = "aarch64"
    ),
    not(miri)
));

/// Has a cache line fetched, to be read from, if there is anything at that address: it may be any. One instruction.
///
/// ```
/// // Nothing is read.
/// map_core::strategy::fetch_to_read(std::ptr::null::<u64>());
/// ```
#[inline(always)]
pub fn fetch_to_read<T>(place: *const T) {
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(miri)))]
    // SAFETY: it may be any address: nothing is read, nor is anything wrong if nothing can be. This is compiled where all
    // processors have SSE, which SSE2 contains.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(place.cast());
    }
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    // SAFETY: as above.
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{}]", in(reg) place.addr(), options(nostack, nomem, preserves_flags));
    }
    let _ = place;
}

/// The same, to be written to: other cores lose it.
///
/// ```
/// // Nothing is written.
/// map_core::strategy::fetch_to_write(std::ptr::null::<u64>());
/// ```
#[inline(always)]
pub fn fetch_to_write<T>(place: *const T) {
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(miri)))]
    // SAFETY: as above. The manuals of either maker know no exception of it (but with a lock prefix), and a processor that does
    // not know it takes it for a NOP.
    unsafe {
        std::arch::asm!("prefetchw [{}]", in(reg) place.addr(), options(nostack, nomem, preserves_flags));
    }
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    // SAFETY: as above.
    unsafe {
        std::arch::asm!("prfm pstl1keep, [{}]", in(reg) place.addr(), options(nostack, nomem, preserves_flags));
    }
    let _ = place;
}
