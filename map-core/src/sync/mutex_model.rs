//! parking_lot's mutex, as far as it is used, over the one of a model.

use loom::sync::{Mutex as Modelled, MutexGuard};

/// As `parking_lot::Mutex`.
#[derive(Debug)]
pub struct Mutex<T>(Modelled<T>);

impl<T> Mutex<T> {
    /// Makes one that nobody holds.
    pub fn new(value: T) -> Self {
        Self(Modelled::new(value))
    }

    /// Waits for it.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().expect("a model that panicked has ended")
    }

    /// Takes it if nobody has it.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok()
    }

    /// The value, which nobody else can see.
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().expect("a model that panicked has ended")
    }
}
