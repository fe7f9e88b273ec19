//! Policies, from windows to proposals, and what is told of them. There is nothing concurrent in it: windows
//! go in, and what comes out is compared.

mod config;
mod cost;
mod document;
mod explanation;
mod flapping;
mod log;
mod window;
#[cfg(feature = "serde")]
mod written;

use map_adaptive::policy::{Kind, Window};

/// Of so many samples, with an interval of 64, that share are updates and the others hits.
fn mix(kind: Kind, samples: u64, writes: f64) -> Window {
    let operations = samples * 64;
    let updates = (operations as f64 * writes).round() as u64;
    Window {
        samples,
        hits: operations - updates,
        updates,
        shards: 1,
        ..Window::empty(kind)
    }
}
