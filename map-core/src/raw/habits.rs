//! What those who use a map do, and so which way they come in: see the [directory](super::directory).

/// What those who use a map do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Habits(pub(crate) u8);

impl Habits {
    /// Readers announce themselves.
    pub(crate) const ANNOUNCES: Self = Self(1);
    /// Writers meet others, so that who takes a lock prefetches.
    pub(crate) const WRITERS_MEET: Self = Self(2);

    #[inline]
    pub(crate) fn has(self, habit: Self) -> bool {
        self.0 & habit.0 != 0
    }

    pub(crate) fn set(&mut self, habit: Self, has: bool) {
        self.0 = self.0 & !habit.0 | if has { habit.0 } else { 0 };
    }
}
