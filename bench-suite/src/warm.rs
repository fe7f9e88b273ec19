//! Memory that has been touched before it is needed.
//!
//! Memory is mapped when it is first touched. On a virtual machine that can stall a thread for hundreds of microseconds, because the
//! host maps the guest's memory in the same way; and whichever map touches fresh memory seems to be slow. So the
//! process touches as much as it will need, and its allocator keeps it.
#![cfg_attr(
    all(target_os = "linux", target_env = "gnu"),
    expect(unsafe_code, reason = "mallopt and getrusage are foreign functions")
)]

use std::hint::black_box;

/// Touches so many bytes and frees them into an allocator that keeps them. False, and nothing is done, if this cannot be had:
/// it needs glibc, and a process with one thread. Threads must not have ended before either: others inherit their memory.
pub fn warm(bytes: usize) -> bool {
    let kept = platform::keep();
    if kept {
        drop(black_box(vec![1u8; bytes]));
    }
    kept
}

/// Page faults of the process so far, but for those that read from a disk; zero where they are not counted.
pub fn faults() -> u64 {
    platform::faults()
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod platform {
    use std::{fs, mem::MaybeUninit};

    /// Lets the allocator keep all memory that it has ever had, in one place for all threads. It would otherwise give back what is
    /// free at the end, map large blocks one by one, and give threads arenas of their own, too small for large blocks.
    pub(super) fn keep() -> bool {
        let alone = fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1);
        let options = [
            // As the largest size there is: nothing is trimmed.
            (libc::M_TRIM_THRESHOLD, -1),
            (libc::M_MMAP_MAX, 0),
            (libc::M_ARENA_MAX, 1),
        ];
        alone
            && options.into_iter().all(|(option, value)| {
                // SAFETY: mallopt must not run while other threads allocate; there is no other thread, and nobody else to start one.
                unsafe { libc::mallopt(option, value) == 1 }
            })
    }

    pub(super) fn faults() -> u64 {
        let mut usage = MaybeUninit::<libc::rusage>::uninit();
        // SAFETY: the pointer is good for writing one `rusage`.
        let result = unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) };
        if result != 0 {
            return 0;
        }
        // SAFETY: getrusage has succeeded, so it has filled it in.
        unsafe { usage.assume_init() }.ru_minflt as u64
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod platform {
    pub(super) fn keep() -> bool {
        false
    }

    pub(super) fn faults() -> u64 {
        0
    }
}
