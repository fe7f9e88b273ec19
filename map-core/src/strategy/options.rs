//! What the front tells a strategy: what a builder was told, how much is noted at once, and where an operation has been.

use std::any::Any;
use std::sync::Arc;

#[expect(unused_imports, reason = "for links, in other crates' pages too")]
use super::{Selecting, Strategy};
use crate::raw::coverage::Coverage;

/// What a builder was told that only the strategy understands. Two pointers, each shared with the clones.
///
/// ```
/// use map_core::BuildError;
/// use map_core::strategy::Options;
///
/// /// A strategy's `set_up`, which has no use for a policy.
/// fn set_up(options: &Options) -> Result<(), BuildError> {
///     match options.policy::<String>() {
///         Some(policy) => Err(BuildError::Selector(format!("what shall I do with {policy}?"))),
///         None => Ok(()),
///     }
/// }
/// assert!(set_up(&Options::default()).is_ok());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Options {
    config: Option<Arc<dyn Any + Send + Sync>>,
    policy: Option<Arc<dyn Any + Send + Sync>>,
    pool: Option<usize>,
}

impl Options {
    pub(crate) fn set_config(&mut self, config: impl Any + Send + Sync) {
        self.config = Some(Arc::new(config));
    }

    pub(crate) fn set_policy(&mut self, policy: impl Any + Send + Sync) {
        self.policy = Some(Arc::new(policy));
    }

    pub(crate) fn set_pool(&mut self, nodes: usize) {
        self.pool = Some(nodes);
    }

    /// What [`Builder::pool`](crate::Builder::pool) was told, if anything.
    ///
    /// ```
    /// use map_core::strategy::Options;
    ///
    /// // Nothing was said to this builder.
    /// assert_eq!(Options::default().pool(), None);
    /// ```
    #[must_use]
    pub const fn pool(&self) -> Option<usize> {
        self.pool
    }

    /// The [`Selecting::Config`], if there is one. Compares types; a reference into it.
    ///
    /// ```
    /// use map_core::strategy::Options;
    ///
    /// // Nothing was said to this builder.
    /// assert_eq!(Options::default().config::<u32>(), None);
    /// ```
    #[must_use]
    pub fn config<C: Any>(&self) -> Option<&C> {
        self.config.as_ref()?.downcast_ref()
    }

    /// The [`Selecting::Policy`], if there is one. Compares types; a reference into it.
    ///
    /// ```
    /// use map_core::strategy::Options;
    ///
    /// // Nothing was said to this builder.
    /// assert_eq!(Options::default().policy::<u32>(), None);
    /// ```
    #[must_use]
    pub fn policy<P: Any>(&self) -> Option<&P> {
        self.policy.as_ref()?.downcast_ref()
    }
}

/// Somebody who waits for a lock for so long could have done an operation: see [`Strategy::note_contention`].
///
/// ```
/// use map_core::strategy::NANOS_A_CONTENTION;
///
/// /// What a wait counts as.
/// fn times(waited: std::time::Duration) -> u32 {
///     (1.0 + waited.as_nanos() as f64 / NANOS_A_CONTENTION) as u32
/// }
/// assert_eq!(times(std::time::Duration::from_nanos(640)), 11);
/// ```
pub const NANOS_A_CONTENTION: f64 = 64.0;

/// So many reads are run together for their cost.
///
/// ```
/// use map_core::strategy::RECALLED;
///
/// /// Hashes of reads, until there are enough to be run together.
/// #[derive(Default)]
/// struct Recent(Vec<u64>);
///
/// impl Recent {
///     fn keep(&mut self, hash: u64) -> Option<[u64; RECALLED]> {
///         self.0.push(hash);
///         let all = self.0.as_slice().try_into().ok()?;
///         self.0.clear();
///         Some(all)
///     }
/// }
/// let mut recent = Recent::default();
/// assert_eq!((0..20).filter_map(|hash| recent.keep(hash)).count(), 1);
/// ```
pub const RECALLED: usize = 16;

/// Where an operation has been.
///
/// ```
/// use map_core::strategy::{Coverage, Site};
///
/// /// How many entries there are in a map, if all shards are as full as this one.
/// fn estimate(site: Site) -> usize {
///     site.len << site.coverage.depth()
/// }
/// let site = Site { coverage: Coverage::ALL.half(true), len: 100 };
/// assert_eq!(estimate(site), 200);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// What the shard covers.
    pub coverage: Coverage,
    /// The number of its entries.
    pub len: usize,
}
