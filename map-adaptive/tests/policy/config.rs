//! Configurations that make no sense are refused, and the error names the field.

use std::time::Duration;

use map_adaptive::policy::{
    Canary, CostModel, CostPolicy, DocumentPolicy, Kind, PolicyConfig, PolicyError, SelectorConfig,
};

#[track_caller]
fn refused(result: Result<(), PolicyError>, field: &str, value: &str) {
    let error = result.expect_err("it makes no sense");
    assert_eq!((error.field(), error.value()), (field, value), "{error}");
    let text = error.to_string();
    let expected = format!("{field} is {}, {value} was asked for", error.allowed());
    assert_eq!(text, expected);
}

#[test]
fn the_defaults_make_sense() {
    for config in [
        PolicyConfig::default(),
        PolicyConfig::Cost(CostPolicy::default()),
        PolicyConfig::Pinned(Kind::ReadDirty),
    ] {
        assert_eq!(config.validate(), Ok(()));
        config.into_policy().expect("it was validated");
    }
    assert_eq!(SelectorConfig::default().validate(), Ok(()));
}

#[test]
fn shares_are_from_0_to_1() {
    type Field = fn(&mut DocumentPolicy) -> &mut f64;
    let fields: [(&str, Field); 9] = [
        ("contention", |policy| &mut policy.contention),
        ("scans", |policy| &mut policy.scans),
        ("churn", |policy| &mut policy.churn),
        ("random_writes", |policy| &mut policy.random_writes),
        ("stores", |policy| &mut policy.stores),
        ("write_cliff", |policy| &mut policy.write_cliff),
        ("read_mostly", |policy| &mut policy.read_mostly),
        ("quiet_churn", |policy| &mut policy.quiet_churn),
        ("quiet_scans", |policy| &mut policy.quiet_scans),
    ];
    for (name, field) in fields {
        for (value, text) in [
            (f64::NAN, "NaN"),
            (-0.1, "-0.1"),
            (1.5, "1.5"),
            (f64::INFINITY, "inf"),
        ] {
            let mut policy = DocumentPolicy::default();
            *field(&mut policy) = value;
            refused(policy.validate(), name, text);
            assert!(PolicyConfig::Document(policy).into_policy().is_err());
        }
    }
}

#[test]
fn what_leads_there_and_back_is_apart() {
    let default = DocumentPolicy::default();
    let policy = DocumentPolicy {
        read_mostly: 0.1,
        ..default.clone()
    };
    let error = policy.validate().expect_err("10 % leads there and back");
    assert_eq!(
        error.to_string(),
        "read_mostly is a share less than random_writes (0.1), 0.1 was asked for"
    );
    let policy = DocumentPolicy {
        stores: 0.04,
        ..default.clone()
    };
    refused(policy.validate(), "read_mostly", "0.05");
    let policy = DocumentPolicy {
        write_cliff: 0.01,
        ..default.clone()
    };
    refused(policy.validate(), "read_mostly", "0.05");
    let policy = DocumentPolicy {
        quiet_churn: 0.2,
        ..default.clone()
    };
    refused(policy.validate(), "quiet_churn", "0.2");
    let policy = DocumentPolicy {
        scans: 0.0,
        ..default
    };
    refused(policy.validate(), "quiet_scans", "0.05");
}

#[test]
fn other_figures_of_the_document_policy() {
    let default = DocumentPolicy::default;
    for (slow_scans, text) in [(0.0, "0.0"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        let policy = DocumentPolicy {
            slow_scans,
            ..default()
        };
        refused(policy.validate(), "slow_scans", text);
    }
    for (patience, text) in [(0, "0"), (33, "33")] {
        let policy = DocumentPolicy {
            patience,
            ..default()
        };
        refused(policy.validate(), "patience", text);
    }
    let policy = DocumentPolicy {
        min_samples: 0,
        ..default()
    };
    refused(policy.validate(), "min_samples", "0");
    for (certainty, text) in [(-1.0, "-1.0"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        let policy = DocumentPolicy {
            certainty,
            ..default()
        };
        refused(policy.validate(), "certainty", text);
    }
}

#[test]
fn figures_of_the_cost_policy() {
    let default = CostPolicy::default;
    let mut model = CostModel::default();
    model.sharded.scan_entry = -2.0;
    let policy = CostPolicy { model, ..default() };
    refused(policy.validate(), "model.sharded.scan_entry", "-2.0");
    assert!(PolicyConfig::Cost(policy).into_policy().is_err());
    let policy = CostPolicy {
        switch_ns_per_entry: f64::NAN,
        ..default()
    };
    refused(policy.validate(), "switch_ns_per_entry", "NaN");
    let policy = CostPolicy {
        switch_ns_per_shard: f64::INFINITY,
        ..default()
    };
    refused(policy.validate(), "switch_ns_per_shard", "inf");
    let policy = CostPolicy {
        caution: 0.0,
        ..default()
    };
    refused(policy.validate(), "caution", "0.0");
    let policy = CostPolicy {
        belief: 0.9,
        ..default()
    };
    refused(policy.validate(), "belief", "0.9");
}

#[test]
fn figures_of_the_selector() {
    let default = SelectorConfig::default;
    let config = SelectorConfig {
        window_samples: 0,
        ..default()
    };
    refused(config.validate(), "window_samples", "0");
    for (thinning, text) in [(0, "0"), (257, "257")] {
        let config = SelectorConfig {
            thinning,
            ..default()
        };
        refused(config.validate(), "thinning", text);
    }
    for (min_gain, text) in [(-0.1, "-0.1"), (1.0, "1.0"), (f64::NAN, "NaN")] {
        let config = SelectorConfig {
            canary: Canary {
                min_gain,
                ..Canary::default()
            },
            ..default()
        };
        refused(config.validate(), "canary.min_gain", text);
    }
    let config = SelectorConfig {
        canary: Canary {
            samples: 0,
            ..Canary::default()
        },
        ..default()
    };
    refused(config.validate(), "canary.samples", "0");
    let config = SelectorConfig {
        budget: 0,
        ..default()
    };
    refused(config.validate(), "budget", "0");
    let config = SelectorConfig {
        budget_period: Duration::ZERO,
        ..default()
    };
    refused(config.validate(), "budget_period", "0ns");
    let config = SelectorConfig {
        back_off: Duration::ZERO,
        ..default()
    };
    refused(config.validate(), "back_off", "0ns");
    let config = SelectorConfig {
        back_off_limit: Duration::from_millis(999),
        ..default()
    };
    refused(config.validate(), "back_off_limit", "999ms");
    let config = SelectorConfig {
        start: Kind::ReadDirty,
        read_tables: false,
        ..default()
    };
    refused(config.validate(), "start", "ReadDirty");
}
