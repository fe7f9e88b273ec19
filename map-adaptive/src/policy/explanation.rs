//! What a map is doing and why, as a person reads it.

use std::fmt;
use std::time::Duration;

use super::decision::{Decision, Outcome};
use super::figures::{Count, Nanos, Percent, Span};
use super::kind::Kind;
use super::page::Page;
use super::window::Window;

/// What a map is doing and why. Printed, it is for a person, at three in the morning: plain text, no line
/// longer than 100 characters, the newest decisions on top.
///
/// ```
/// use std::time::Duration;
///
/// use map_adaptive::policy::{Explanation, Kind, Window};
///
/// let explanation = Explanation {
///     kinds: vec![(Kind::Sharded, 4, 12_000)],
///     policy: "document".to_owned(),
///     latest: Some(Window {
///         samples: 64,
///         hits: 3_072,
///         updates: 1_024,
///         contended: 41,
///         elapsed: Duration::from_millis(250),
///         ..Window::empty(Kind::Sharded)
///     }),
///     uptime: Duration::from_secs(75),
///     ..Explanation::default()
/// };
/// let text = "\
/// Strategy    sharded: 4 shards, 12,000 entries, from the start
/// Policy      document
/// Uptime      1 min 15 s
/// Lately      75.0 % reads, 25.0 % writes (4,096 operations in 250 ms, 64 of them sampled)
///             75.0 % hits, 25.0 % updates
///             1.0 % of 4,096 acquisitions of a lock met somebody
/// Withheld    nothing
/// Decisions   none";
/// assert_eq!(explanation.to_string(), text);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Explanation {
    /// The kinds in force: each with its shards and their entries.
    pub kinds: Vec<(Kind, u64, u64)>,
    /// The kind that the map is pinned to, if it is.
    pub pinned: Option<Kind>,
    /// The name of the policy.
    pub policy: String,
    /// The newest window of the whole map, if there has been one.
    pub latest: Option<Window>,
    /// The decisions that were kept, oldest first.
    pub decisions: Vec<Decision>,
    /// How many older ones were not.
    pub dropped: u64,
    /// How long ago the map was made.
    #[cfg_attr(feature = "serde", serde(with = "super::seconds"))]
    pub uptime: Duration,
}

/// Where the text begins, behind the labels.
const MARGIN: usize = 12;

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut page = Page::new(f);
        self.strategy(&mut page)?;
        if let Some(kind) = self.pinned {
            page.paragraph(MARGIN, "Pinned", &format!("to {kind}"))?;
        }
        let policy = match self.policy.as_str() {
            "" => "none",
            name => name,
        };
        page.paragraph(MARGIN, "Policy", policy)?;
        page.paragraph(MARGIN, "Uptime", &Span(self.uptime).to_string())?;
        self.mix(&mut page)?;
        self.withheld(&mut page)?;
        self.log(&mut page)
    }
}

impl Explanation {
    fn strategy(&self, page: &mut Page<'_, '_>) -> fmt::Result {
        if self.kinds.is_empty() {
            return page.paragraph(MARGIN, "Strategy", "none: there are no shards");
        }
        let mut label = "Strategy";
        for &(kind, shards, entries) in &self.kinds {
            let text = format!(
                "{kind}: {}, {}, {}",
                counted(shards, "shard", "shards"),
                counted(entries, "entry", "entries"),
                self.since(kind),
            );
            page.paragraph(MARGIN, label, &text)?;
            label = "";
        }
        Ok(())
    }

    fn since(&self, kind: Kind) -> String {
        let switch = self
            .decisions
            .iter()
            .rfind(|decision| decision.to == kind && decision.outcome.is_in_force());
        match switch {
            Some(switch) => format!("for {}", Span(self.uptime.saturating_sub(switch.at))),
            None if self.dropped == 0 => "from the start".to_owned(),
            None => "for longer than the log goes back".to_owned(),
        }
    }

    fn mix(&self, page: &mut Page<'_, '_>) -> fmt::Result {
        let Some(window) = &self.latest else {
            return page.paragraph(MARGIN, "Lately", "nothing sampled yet");
        };
        let share = |count: u64| Percent(count as f64 / window.operations().max(1) as f64);
        let text = format!(
            "{} reads, {} writes ({} in {}, {} of them sampled)",
            share(window.reads()),
            share(window.writes()),
            counted(window.operations(), "operation", "operations"),
            Span(window.elapsed),
            Count(window.samples),
        );
        page.paragraph(MARGIN, "Lately", &text)?;

        let parts = [
            (window.hits, "hits"),
            (window.misses, "misses"),
            (window.updates, "updates"),
            (window.inserts, "inserts"),
            (window.removes, "removes"),
            (window.mutations, "changed in place"),
            (window.other_writes, "changed nothing"),
        ];
        let parts = parts
            .into_iter()
            .filter(|&(count, _)| count > 0)
            .map(|(count, name)| format!("{} {name}", share(count)));
        page.list(MARGIN, parts)?;

        if window.unsettled > 0 {
            let share = Percent(window.unsettled_share());
            let text = format!("{share} of the reads had to take a lock");
            page.paragraph(MARGIN, "", &text)?;
        }
        if window.acquisitions() > 0 {
            let text = format!(
                "{} of {} of a lock met somebody",
                Percent(window.contended_share()),
                counted(window.acquisitions(), "acquisition", "acquisitions"),
            );
            page.paragraph(MARGIN, "", &text)?;
        }
        if window.scanned > 0 {
            let text = format!(
                "walks came by {}, {} of the work",
                counted(window.scanned, "entry", "entries"),
                Percent(window.scan_share()),
            );
            page.paragraph(MARGIN, "", &text)?;
        }
        let costs = [
            (window.costs.read, "a read"),
            (window.costs.write, "a write"),
            (window.costs.scan_entry, "an entry of a walk"),
        ];
        let costs = costs
            .into_iter()
            .filter_map(|(nanos, what)| Some(format!("{what} took {}", Nanos(nanos?))));
        page.list(MARGIN, costs)
    }

    /// Kinds of which the newest decision was that they shall wait.
    fn withheld(&self, page: &mut Page<'_, '_>) -> fmt::Result {
        let mut label = "Withheld";
        for kind in Kind::ALL {
            let newest = self.decisions.iter().rfind(|decision| decision.to == kind);
            let Some(Outcome::Withheld { why, until }) = newest.map(|decision| &decision.outcome)
            else {
                continue;
            };
            let left = match until.map(|until| until.checked_sub(self.uptime)) {
                // It is over.
                Some(None | Some(Duration::ZERO)) => continue,
                Some(Some(left)) => format!(", for {} more", Span(left)),
                None => String::new(),
            };
            page.paragraph(MARGIN, label, &format!("{kind}{left}: {why}"))?;
            label = "";
        }
        if label.is_empty() {
            return Ok(());
        }
        page.paragraph(MARGIN, label, "nothing")
    }

    fn log(&self, page: &mut Page<'_, '_>) -> fmt::Result {
        let text = match (self.decisions.len(), self.dropped) {
            (0, 0) => "none".to_owned(),
            (0, dropped) => format!("none kept, {} forgotten", Count(dropped)),
            (1, 0) => "1".to_owned(),
            (kept, 0) => format!("{kept}, newest first"),
            (kept, dropped) => {
                format!(
                    "the last {kept}, newest first; {} older forgotten",
                    Count(dropped)
                )
            }
        };
        page.paragraph(MARGIN, "Decisions", &text)?;
        for decision in self.decisions.iter().rev() {
            let heading = format!(
                "{} ago, {}: {} -> {} ({})",
                Span(self.uptime.saturating_sub(decision.at)),
                decision.scope,
                decision.from,
                decision.to,
                decision.policy,
            );
            page.paragraph(2, "", &heading)?;
            page.paragraph(6, "", &decision.proposal.to_string())?;
            page.paragraph(6, "", &self.outcome(&decision.outcome))?;
        }
        Ok(())
    }

    /// Seen from now.
    fn outcome(&self, outcome: &Outcome) -> String {
        match outcome {
            Outcome::Withheld {
                why,
                until: Some(until),
            } => match until.checked_sub(self.uptime) {
                Some(left) => format!("withheld for {} more: {why}", Span(left)),
                None => {
                    let past = Span(self.uptime.saturating_sub(*until));
                    format!("withheld until {past} ago: {why}")
                }
            },
            other => other.to_string(),
        }
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", Count(count), if count == 1 { one } else { many })
}
