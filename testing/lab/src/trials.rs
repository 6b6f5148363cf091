//! Tests that need a lab: `harness = false`, `lab::enter()`, then trials one after the other.

use libtest_mimic::{Arguments, Failed};

/// One named test.
pub struct Trial {
    inner: libtest_mimic::Trial,
}

impl Trial {
    /// A test that fails by panic or by an error.
    pub fn new<F, E>(name: impl Into<String>, body: F) -> Self
    where
        F: FnOnce() -> Result<(), E> + Send + 'static,
        E: std::fmt::Display,
    {
        let body = move || body().map_err(|error| Failed::from(error.to_string()));
        Self { inner: libtest_mimic::Trial::test(name, body) }
    }
}

/// Runs the trials in order, one at a time (namespace names are fixed), and exits as `cargo test` expects.
pub fn trials(trials: Vec<Trial>) -> ! {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, trials.into_iter().map(|trial| trial.inner).collect()).exit()
}
