//! The configuration as the console shows it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Every key of the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Settings {
    /// In the order of the reference page.
    pub settings: Vec<Setting>,
    /// Whether something was stored that holds only after a restart.
    pub restart_needed: bool,
}

/// One key of the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Setting {
    /// Its path: `session.max_sessions`.
    pub key: String,
    /// What it means, with its unit.
    pub description: String,
    /// What it can be.
    pub kind: SettingKind,
    /// What it is where nobody sets it; null: nothing.
    #[schema(value_type = Value)]
    pub default: Value,
    /// What is in force now. Of what is secret only that it is set.
    #[schema(value_type = Value)]
    pub value: Value,
    /// What was stored and holds after a restart; absent: the same as now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub after_restart: Option<Value>,
    /// Why it cannot be changed here; absent: it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked: Option<SettingLock>,
}

/// Why a setting cannot be changed over the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum SettingLock {
    /// The configuration file sets it.
    Declared {
        /// Where: `/etc/punktfunk/punktfunk.toml:12`.
        place: String,
    },
    /// It decides who may do what, or what runs on the machine: only the configuration file can set it.
    FileOnly,
}

/// What a setting can be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SettingKind {
    /// A text.
    Text,
    /// A whole number.
    Integer {
        /// At least.
        minimum: i64,
        /// At most.
        maximum: i64,
    },
    /// True or false.
    Boolean,
    /// One of several texts.
    Choice {
        /// Which.
        choices: Vec<SettingChoice>,
    },
    /// A list of texts.
    TextList {
        /// Which they may be; empty: any.
        choices: Vec<SettingChoice>,
    },
    /// Texts by name.
    TextMap,
}

/// A text that a setting can be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingChoice {
    /// The text.
    pub value: String,
    /// What it means.
    pub description: String,
}

/// What is to change: a value for a key, or null for its default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsChange {
    /// By key.
    #[schema(value_type = BTreeMap<String, Value>)]
    pub changes: BTreeMap<String, Value>,
}

/// A value that a setting cannot have. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingProblem {
    /// Which key.
    pub key: String,
    /// What was asked for.
    pub found: String,
    /// What is allowed.
    pub allowed: String,
}
