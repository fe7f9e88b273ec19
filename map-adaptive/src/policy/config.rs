//! Policies as they are written in a file.

use std::sync::Arc;

use super::cost::CostPolicy;
use super::document::DocumentPolicy;
use super::error::PolicyError;
use super::kind::Kind;
use super::proposal::{Pinned, Policy};

/// One of the policies that come with the crate.
///
/// ```
/// use map_adaptive::policy::{Kind, PolicyConfig};
///
/// let policy = PolicyConfig::Pinned(Kind::Lock).into_policy()?;
/// assert_eq!(policy.name(), "pinned");
/// assert_eq!(PolicyConfig::default().into_policy()?.name(), "document");
/// # Ok::<(), map_adaptive::policy::PolicyError>(())
/// ```
///
/// In a file, what is not there is as in the policy's [`Default`], and a name that is none of its fields is an error:
///
/// ```
/// # #[cfg(feature = "serde")] {
/// use map_adaptive::policy::{DocumentPolicy, Kind, PolicyConfig};
///
/// let config: PolicyConfig = serde_json::from_str(r#"{ "document": { "random_writes": 0.2 } }"#)?;
/// let expected = DocumentPolicy { random_writes: 0.2, ..DocumentPolicy::default() };
/// assert_eq!(config, PolicyConfig::Document(expected));
///
/// let config: PolicyConfig = serde_json::from_str(r#"{ "pinned": "read_dirty" }"#)?;
/// assert_eq!(config, PolicyConfig::Pinned(Kind::ReadDirty));
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum PolicyConfig {
    /// Thresholds on the mix of operations.
    Document(DocumentPolicy),
    /// Regret, in nanoseconds.
    Cost(CostPolicy),
    /// One kind, whatever happens.
    Pinned(Kind),
}

impl PolicyConfig {
    /// `Ok` if it makes sense.
    ///
    /// # Errors
    ///
    /// Names the first field that does not, what it is and what it may be.
    ///
    /// ```
    /// use map_adaptive::policy::{DocumentPolicy, PolicyConfig};
    ///
    /// let policy = DocumentPolicy { churn: f64::NAN, ..DocumentPolicy::default() };
    /// let error = PolicyConfig::Document(policy).validate().expect_err("it is no share");
    /// assert_eq!(error.to_string(), "churn is a share from 0 to 1, NaN was asked for");
    /// ```
    pub fn validate(&self) -> Result<(), PolicyError> {
        match self {
            Self::Document(policy) => policy.validate(),
            Self::Cost(policy) => policy.validate(),
            Self::Pinned(_) => Ok(()),
        }
    }

    /// The policy, for a selector. Allocates once.
    ///
    /// # Errors
    ///
    /// [`validate`](Self::validate)'s.
    ///
    /// ```
    /// use map_adaptive::policy::{CostPolicy, PolicyConfig};
    ///
    /// let policy = PolicyConfig::Cost(CostPolicy::default()).into_policy()?;
    /// assert_eq!(policy.name(), "cost");
    /// # Ok::<(), map_adaptive::policy::PolicyError>(())
    /// ```
    pub fn into_policy(self) -> Result<Arc<dyn Policy>, PolicyError> {
        self.validate()?;
        Ok(match self {
            Self::Document(policy) => Arc::new(policy),
            Self::Cost(policy) => Arc::new(policy),
            Self::Pinned(kind) => Arc::new(Pinned(kind)),
        })
    }
}

impl Default for PolicyConfig {
    fn default() -> Self {
        Self::Document(DocumentPolicy::default())
    }
}
