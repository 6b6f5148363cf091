//! Commit latency, printed; no bound is asserted, the machine is not ours alone. Run with
//! `cargo test --release -p registry -- --ignored --nocapture commit_latency`.

use std::time::Instant;

use super::Place;
use super::world::World;
use crate::{Durability, Settings};

async fn measure(what: &str, place: Place, rounds: u64) {
    let registry = place.open().await;
    let mut world = World::default();
    world.apply(&registry).await;
    let mut times = Vec::new();
    for id in 1..=rounds {
        let start = Instant::now();
        world.open(&registry, id).await.unwrap();
        times.push(start.elapsed().as_micros());
    }
    let share = |times: &[u128], percent: usize| {
        let mut sorted = times.to_vec();
        sorted.sort_unstable();
        sorted[(sorted.len() - 1) * percent / 100]
    };
    let (first, last) = times.split_at(times.len() / 2);
    println!(
        "{what}: commit of an open, {rounds} rounds: p50 {} us, p99 {} us; first half p50 {} us, second half p50 {} us",
        share(&times, 50),
        share(&times, 99),
        share(first, 50),
        share(last, 50)
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn commit_latency() {
    measure("sqlite, process", Place::sqlite(), 4000).await;
    let mut power = Place::sqlite();
    power.settings = Settings { durability: Durability::Power, ..power.settings };
    measure("sqlite, power", power, 300).await;
    measure("postgres (fsync off)", Place::postgres().await, 2000).await;
}
