//! The account of a story: every check said as it is made, counted at the end.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::{Duration, Instant};

use texts::{Arg, Texts};

/// Says and counts checks.
pub struct Account {
    texts: Texts,
    begun: Instant,
    held: usize,
    failed: Vec<String>,
    times: Vec<(String, Duration)>,
    verdicts: BTreeMap<String, bool>,
}

impl Account {
    /// An empty account in a language.
    pub fn new(texts: Texts) -> Self {
        Self { texts, begun: Instant::now(), held: 0, failed: Vec::new(), times: Vec::new(), verdicts: BTreeMap::new() }
    }

    /// The texts it speaks with.
    pub fn texts(&self) -> &Texts {
        &self.texts
    }

    /// A heading.
    pub fn chapter(&self, key: &str) {
        println!("\n{}", self.texts.say(key, &[]));
    }

    /// A heading whose text is no key.
    pub fn heading(&self, text: &str) {
        println!("\n{text}");
    }

    /// A sentence.
    pub fn say(&self, text: &str) {
        println!("      {text}");
    }

    /// Something is going on that takes a moment.
    pub fn progress(&self, key: &str, args: &[(&str, Arg)]) {
        println!("      {}", self.texts.say(key, args));
    }

    /// A line of what a command printed.
    pub fn quote(&self, text: &str) {
        for line in text.lines() {
            println!("      │ {line}");
        }
    }

    /// A check: `Ok` holds; `Err` says what was seen instead.
    pub fn check<E: Display>(&mut self, key: &str, args: &[(&str, Arg)], outcome: Result<(), E>) {
        let said = self.texts.say(key, args);
        // A check that is made several times holds if it holds each time.
        let held = self.verdicts.entry(key.to_owned()).or_insert(true);
        *held &= outcome.is_ok();
        match outcome {
            Ok(()) => {
                self.held += 1;
                println!("  ✓   {said}");
            }
            Err(seen) => {
                println!("  ✗   {said}\n      {seen}");
                self.failed.push(said);
            }
        }
    }

    /// A time worth telling at the end. Nothing is judged by it.
    pub fn time(&mut self, key: &str, took: Duration) {
        self.times.push((self.texts.say(key, &[]), took));
    }

    /// A part begins: verdicts are of this part.
    pub fn begin_part(&mut self) {
        self.verdicts.clear();
    }

    /// Every check that was made in this part, by its key: did it hold each time?
    pub fn verdicts(&self) -> &BTreeMap<String, bool> {
        &self.verdicts
    }

    /// Prints the times and the last line; true if every check held.
    pub fn close(&self) -> bool {
        self.close_as("demo")
    }

    /// The same under another name.
    pub fn close_as(&self, name: &str) -> bool {
        println!();
        if !self.times.is_empty() {
            println!("{}", self.texts.say("demo-times", &[]));
        }
        for (what, took) in &self.times {
            println!("      {:>9.1} ms  {what}", took.as_secs_f64() * 1000.0);
        }
        println!("      {:>9.1} s   {}", self.begun.elapsed().as_secs_f64(), self.texts.say("demo-whole-story", &[]));
        if !self.failed.is_empty() {
            println!("\n{}", self.texts.say("demo-failed", &[]));
            for what in &self.failed {
                println!("  ✗   {what}");
            }
        }
        println!("\n{name}: {} checks held, {} failed", self.held, self.failed.len());
        self.failed.is_empty()
    }

    /// What did not hold.
    pub fn failed(&self) -> &[String] {
        &self.failed
    }
}
