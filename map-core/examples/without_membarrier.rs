//! Runs a command in which the system call membarrier(2) is refused, as some sandboxes do: for the tests of what the maps and
//! locks do instead.
//!
//! ```text
//! cargo run -p map-core --example without_membarrier -- cargo test -p map-readdirty
//! ```

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    use std::os::unix::process::CommandExt;
    use std::process::{Command, ExitCode};

    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        eprintln!("usage: without_membarrier COMMAND [ARGUMENT]...");
        return ExitCode::from(2);
    };
    if let Err(error) = linux::forbid_membarrier() {
        eprintln!("membarrier cannot be forbidden here: {error}");
        return ExitCode::from(2);
    }
    let error = Command::new(&program).args(arguments).exec();
    eprintln!("{}: {error}", program.display());
    ExitCode::from(2)
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "system calls")]
mod linux {
    use std::io::{Error, Result};

    /// Of this process from now on, and of all that it becomes or starts: a filter of system calls (seccomp(2)).
    pub(super) fn forbid_membarrier() -> Result<()> {
        let [load, jump, give_back] = [
            libc::BPF_LD | libc::BPF_W | libc::BPF_ABS,
            libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
            libc::BPF_RET | libc::BPF_K,
        ]
        .map(|code| u16::try_from(code).expect("codes have 16 bits"));
        let step = |code, k, jt, jf| libc::sock_filter { code, jt, jf, k };
        let number = u32::try_from(libc::SYS_membarrier).expect("a small number");
        let refused = libc::SECCOMP_RET_ERRNO | libc::EPERM.cast_unsigned();
        let mut filter = [
            // The number of the call, with which the data begins.
            step(load, 0, 0, 0),
            step(jump, number, 0, 1),
            step(give_back, refused, 0, 0),
            step(give_back, libc::SECCOMP_RET_ALLOW, 0, 0),
        ];
        let program = libc::sock_fprog {
            len: 4,
            filter: filter.as_mut_ptr(),
        };
        let (on, off): (libc::c_ulong, libc::c_ulong) = (1, 0);
        // SAFETY: both take long integers, and the second the address of a program of that length, which the kernel copies.
        let done = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, on, off, off, off) == 0
                && libc::prctl(
                    libc::PR_SET_SECCOMP,
                    libc::c_ulong::from(libc::SECCOMP_MODE_FILTER),
                    &raw const program,
                ) == 0
        };
        if !done {
            return Err(Error::last_os_error());
        }
        // SAFETY: it takes three integers; 0 asks what there is, and does nothing.
        match unsafe { libc::syscall(libc::SYS_membarrier, 0, 0, 0) } {
            -1 => Ok(()),
            _ => Err(Error::other("the filter lets it through")),
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("there is no membarrier here: the tests are without it anyway");
}
