//! A map that meets one load after the other, and says what it made of each.
//!
//! ```sh
//! cargo run --release -p map-adaptive --example adapts
//! ```

use std::error::Error;
use std::time::Duration;

use map_adaptive::policy::Canary;
use map_adaptive::{AdaptiveMap, SelectorConfig};

const KEYS: u64 = 10_000;
const OPERATIONS: u64 = 2_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    println!(
        "As it comes, a map tries on one shard what its policy proposes, and goes by what that costs here:\n"
    );
    let map: AdaptiveMap<u64, u64> = AdaptiveMap::new();
    live(&map);
    println!("{}", map.explain());

    println!("\nWithout a trial, it does what the policy says:\n");
    let config = SelectorConfig {
        canary: Canary {
            skip: true,
            ..Canary::default()
        },
        budget: 100,
        budget_period: Duration::from_secs(1),
        ..SelectorConfig::default()
    };
    let map = AdaptiveMap::builder().selector(config).build()?;
    live(&map);
    println!("{}", map.explain());
    Ok(())
}

/// Three phases of a map's life.
fn live(map: &AdaptiveMap<u64, u64>) {
    for key in 0..KEYS {
        map.insert(key, key);
    }
    phase(map, "reads", |map, number| {
        assert!(map.contains_key(&(number % KEYS)));
    });
    phase(map, "writes", |map, number| {
        assert!(map.insert(number % KEYS, number).is_some());
    });
    phase(map, "reads again", |map, number| {
        assert!(map.contains_key(&(number % KEYS)));
    });
    println!();
}

fn phase(map: &AdaptiveMap<u64, u64>, name: &str, operation: impl Fn(&AdaptiveMap<u64, u64>, u64)) {
    for number in 0..OPERATIONS {
        operation(map, number);
    }
    println!("after {OPERATIONS} {name}: {}", map.strategy());
}
