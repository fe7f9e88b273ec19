//! What is wrong with a configuration.

use std::borrow::Cow;
use std::fmt;

/// A configuration that makes no sense. It names the field, the value and what is allowed.
///
/// ```
/// use map_adaptive::policy::DocumentPolicy;
///
/// let policy = DocumentPolicy { patience: 0, ..DocumentPolicy::default() };
/// let error = policy.validate().expect_err("patience is at least one window");
/// assert_eq!((error.field(), error.value()), ("patience", "0"));
/// assert_eq!(
///     error.to_string(),
///     "patience is a number of windows from 1 to 32, 0 was asked for",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    field: Cow<'static, str>,
    value: String,
    allowed: Cow<'static, str>,
}

impl PolicyError {
    /// The field, by its path from the top: `random_writes`, `canary.min_gain`.
    ///
    /// ```
    /// use map_adaptive::policy::CostPolicy;
    ///
    /// let policy = CostPolicy { caution: -1.0, ..CostPolicy::default() };
    /// let error = policy.validate().expect_err("caution is more than 0");
    /// assert_eq!(error.field(), "caution");
    /// ```
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What was asked for.
    ///
    /// ```
    /// use map_adaptive::policy::CostPolicy;
    ///
    /// let policy = CostPolicy { caution: -1.0, ..CostPolicy::default() };
    /// let error = policy.validate().expect_err("caution is more than 0");
    /// assert_eq!(error.value(), "-1.0");
    /// ```
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// What is allowed.
    ///
    /// ```
    /// use map_adaptive::policy::CostPolicy;
    ///
    /// let policy = CostPolicy { caution: -1.0, ..CostPolicy::default() };
    /// let error = policy.validate().expect_err("caution is more than 0");
    /// assert_eq!(error.allowed(), "a multiple greater than 0");
    /// ```
    #[must_use]
    pub fn allowed(&self) -> &str {
        &self.allowed
    }

    pub(super) fn new(
        field: impl Into<Cow<'static, str>>,
        value: impl fmt::Debug,
        allowed: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            field: field.into(),
            value: format!("{value:?}"),
            allowed: allowed.into(),
        }
    }

    /// The same, seen from the struct that has its struct in a field.
    pub(super) fn within(mut self, outer: &str) -> Self {
        self.field = format!("{outer}.{}", self.field).into();
        self
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            field,
            value,
            allowed,
        } = self;
        write!(f, "{field} is {allowed}, {value} was asked for")
    }
}

impl std::error::Error for PolicyError {}

/// `Ok` if the value will do.
pub(super) fn check(
    will_do: bool,
    field: impl Into<Cow<'static, str>>,
    value: impl fmt::Debug,
    allowed: impl Into<Cow<'static, str>>,
) -> Result<(), PolicyError> {
    if will_do {
        return Ok(());
    }
    Err(PolicyError::new(field, value, allowed))
}
