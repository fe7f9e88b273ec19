//! Which strategy suits which load: policies, what they are shown, and what they say.
//!
//! A selector samples the operations on a map and shows a [`Policy`] what it saw, as [`Window`]s. The
//! policy may make a [`Proposal`]: another [`Kind`] of shard, and why. The selector tries it out on
//! one shard and keeps a [`Decision`] of what came of it; an [`Explanation`] tells a person all that.
//!
//! Nothing here is shared between threads or looks at a clock. The same windows always get the same answer, so a
//! policy can be tried against windows that were written down yesterday.
//!
//! ```
//! use map_adaptive::policy::{DocumentPolicy, Kind, Policy, Window};
//!
//! let window = Window {
//!     kind: Kind::ReadDirty,
//!     samples: 256,
//!     hits: 8_192,
//!     updates: 8_192,
//!     ..Window::default()
//! };
//! let proposal = DocumentPolicy::default().propose(&[window]).expect("half of it is writes");
//! assert_eq!(proposal.to, Kind::Lock);
//! assert_eq!(proposal.rule, "write cliff");
//! assert_eq!(
//!     proposal.reason,
//!     "50.0 % of 16,384 operations were writes, 35 % or more",
//! );
//! ```
//!
//! # Which policy
//!
//! | policy | goes by |
//! |---|---|
//! | [`DocumentPolicy`], the default | thresholds on the mix of operations: what share is writes, how many keys come and go |
//! | [`CostPolicy`] | nanoseconds: what the mix has cost so far, what it would have cost elsewhere, and what a switch costs |
//! | [`Pinned`] | nothing: one kind, whatever happens |
//! | your own | implement [`Policy`]: it has one function to write |
//!
//! All three can be written in a configuration file, as a [`PolicyConfig`]; how often and how carefully proposals are
//! carried out is the [`SelectorConfig`]'s.

mod config;
mod cost;
mod decision;
mod document;
mod error;
mod explanation;
mod figures;
mod history;
mod kind;
mod log;
mod page;
mod proposal;
#[cfg(feature = "serde")]
mod seconds;
mod selector;
mod window;

pub use config::PolicyConfig;
pub use cost::{CostModel, CostPolicy, KindCosts};
pub use decision::{Decision, Outcome, Scope};
pub use document::DocumentPolicy;
pub use error::PolicyError;
pub use explanation::Explanation;
pub use history::{HISTORY, History};
pub use kind::Kind;
pub use log::Log;
pub use proposal::{Pinned, Policy, Proposal};
pub use selector::{Canary, SelectorConfig};
pub use window::{Costs, Window};
