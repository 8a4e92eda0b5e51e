//! What is asked about updates; what is answered is the update service's own.

use punktfunk_update::model::OfferedBy;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

/// Where to look for an update.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateSource {
    /// The configured source, or files that were brought to the machine.
    pub from: OfferedBy,
}

/// A piece of a file that is brought.
#[derive(Clone, Copy, Debug)]
pub struct UpdatePiece<'a> {
    /// The file's name in the update.
    pub name: &'a str,
    /// How many bytes of it were brought before; 0 begins it anew.
    pub offset: u64,
    /// Whether these are its last ones.
    pub last: bool,
}

/// Where a piece belongs.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PiecePlace {
    /// How many bytes of the file were brought before; 0 begins it anew.
    pub offset: u64,
    /// Whether these are its last bytes.
    pub last: bool,
}

/// Which update is accepted.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateChoice {
    /// Its version, as it was shown.
    pub version: String,
}
