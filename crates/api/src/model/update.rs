//! What is asked about updates; what is answered is the update service's own.

use punktfunk_update::model::OfferedBy;
use serde::Deserialize;
use utoipa::ToSchema;

/// Where to look for an update.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateSource {
    /// The configured source, or files that were brought to the machine.
    pub from: OfferedBy,
}

/// Which update is accepted.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateChoice {
    /// Its version, as it was shown.
    pub version: String,
}
