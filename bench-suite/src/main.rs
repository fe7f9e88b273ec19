//! The command line of the bench suite.

use bench_suite::{
    compare::Compare, growth_pause::GrowthPause, instructions::Instructions, locks::Locks,
    phases::Phases, replay::Replay,
};
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Compares concurrent maps, and locks: same keys, same hasher, same loops, in turns, every answer checked
#[derive(Parser)]
#[command(version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Compare(Compare),
    Replay(Replay),
    GrowthPause(GrowthPause),
    Locks(Locks),
    Instructions(Instructions),
    Phases(Phases),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Compare(compare) => compare.run(),
        Command::Replay(replay) => replay.run(),
        Command::GrowthPause(growth_pause) => growth_pause.run(),
        Command::Locks(locks) => locks.run(),
        Command::Instructions(instructions) => instructions.run(),
        Command::Phases(phases) => phases.run(),
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
