//! What those who use a map do, and so which way they come in: see the [directory](super::directory).

/// What those who use a map do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Habits(pub(crate) u8);

/// How readers keep writers out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// They count themselves in the lock.
    Count,
    /// They announce themselves in slots of their threads.
    Announce,
    /// They sit in lanes of the shard, where there are any, and else count themselves.
    Sit,
}

impl Habits {
    /// Readers announce themselves.
    pub(crate) const ANNOUNCES: Self = Self(1);
    /// Readers sit in lanes. Not if they announce themselves.
    const SITS: Self = Self(4);
    /// Writers meet others, so that who takes a lock prefetches.
    pub(crate) const WRITERS_MEET: Self = Self(2);
    /// They have met some again and again, if only once: see [`Sizes::WholeUntilWritersMeet`](super::limits::Sizes).
    pub(crate) const HAVE_MET: Self = Self(8);

    pub(crate) fn readers(self) -> Readers {
        match (self.has(Self::ANNOUNCES), self.has(Self::SITS)) {
            (true, _) => Readers::Announce,
            (false, true) => Readers::Sit,
            (false, false) => Readers::Count,
        }
    }

    pub(crate) fn set_readers(&mut self, readers: Readers) {
        self.set(Self::ANNOUNCES, readers == Readers::Announce);
        self.set(Self::SITS, readers == Readers::Sit);
    }

    #[inline]
    pub(crate) fn has(self, habit: Self) -> bool {
        self.0 & habit.0 != 0
    }

    pub(crate) fn set(&mut self, habit: Self, has: bool) {
        self.0 = self.0 & !habit.0 | if has { habit.0 } else { 0 };
    }
}
