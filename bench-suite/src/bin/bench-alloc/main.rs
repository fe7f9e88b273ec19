//! What the subjects take from the allocator. A program of its own, because counting every allocation would slow down what the
//! other one times.

mod counting;
mod memory;
mod ops;

use bench_suite::{
    args::Party,
    fail::Fail,
    subject::Role,
    subjects::{Entry, ROSTER},
};
use clap::{Parser, Subcommand};
use std::{process::ExitCode, thread};

/// Counts what concurrent maps take from the allocator: bytes as asked for, without the allocator's own overhead
#[derive(Parser)]
#[command(name = "bench-alloc", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Memory(memory::Memory),
    Ops(ops::Ops),
}

/// Runs something on a thread of its own, so that what a map leaves to its thread is gone before the next map is measured.
fn alone<R: Send>(body: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| {
        scope
            .spawn(body)
            .join()
            .expect("a measurement does not panic")
    })
}

/// Who takes part: every map.
fn chosen(party: &Party) -> Vec<Entry> {
    let mut subjects = party.chosen(ROSTER);
    subjects.retain(|entry| entry.role != Role::Driver);
    subjects
}

fn main() -> ExitCode {
    let result: Result<(), Fail> = match Cli::parse().command {
        Command::Memory(memory) => memory.run(),
        Command::Ops(ops) => ops.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(fail) => {
            if fail.code() > 0 {
                eprintln!("error: {fail}");
            }
            ExitCode::from(fail.code())
        }
    }
}
