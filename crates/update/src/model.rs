//! What is asked of the update service and what it answers: a line of JSON each way. Instants are Unix times in seconds.
//!
//! The host, the console and the service may be of different versions for one boot, so that nothing here refuses fields it
//! does not know.

use serde::{Deserialize, Serialize};

use crate::version::Version;

/// The longest line of a request, in bytes with its newline.
pub const REQUEST_LIMIT: u64 = 16 << 10;
/// The longest line of an answer.
pub const ANSWER_LIMIT: u64 = 4 << 20;

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Request {
    /// How things stand. Answered by [`Answer::Status`].
    Status,
    /// What is offered. Answered by [`Answer::Offer`].
    Check {
        /// By whom.
        #[serde(default)]
        from: OfferedBy,
    },
    /// Empties the folder for files that are brought. Answered by [`Answer::Done`].
    Begin,
    /// Brings a file: its bytes follow the line. Answered by [`Answer::Done`].
    Put {
        /// Its name in the update.
        name: String,
        /// How many bytes follow.
        bytes: u64,
    },
    /// Puts the update that the last check found into the other slot; goes on after the answer. Answered by
    /// [`Answer::Status`].
    Stage {
        /// Its version, as it was shown to whoever accepts it.
        version: Version,
    },
    /// Starts the machine anew with what is staged. Answered by [`Answer::Done`].
    Apply,
    /// The owner has read that an update was taken back. Answered by [`Answer::Status`].
    Dismiss,
}

/// Where an update comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OfferedBy {
    /// The configured source.
    #[default]
    Source,
    /// Files that were brought.
    Files,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Answer {
    /// How things stand.
    Status(Box<UpdateStatus>),
    /// What is offered.
    Offer(Box<UpdateOffer>),
    /// Done.
    Done,
    /// Not done.
    Refused(UpdateRefusal),
}

/// How the system and its updates stand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct UpdateStatus {
    /// The name of the system image.
    pub image: String,
    /// The version that runs.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub running: Version,
    /// Whether that version has yet to prove that it streams.
    pub on_trial: bool,
    /// The other version that can be started, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<OtherSlot>,
    /// What was put into the other slot and is started next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub staged: Option<Version>,
    /// Where updates are looked for, if anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What the last check found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<UpdateOffer>,
    /// What is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<UpdateWork>,
    /// Why the last staging failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<UpdateRefusal>,
    /// How the last update ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<UpdateOutcome>,
}

/// The slot that does not run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct OtherSlot {
    /// What it holds.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub version: Version,
    /// How the boot menu holds it.
    pub standing: SlotStanding,
}

/// How the boot loader sees a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SlotStanding {
    /// It was proven to stream.
    Good,
    /// It has tries left.
    Untried,
    /// Its tries are used up.
    Bad,
}

/// An update that can be staged: signed, of this image, newer than what runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct UpdateOffer {
    /// Its version; absent: there is nothing newer than what runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub version: Option<Version>,
    /// Who offers it.
    pub by: OfferedBy,
    /// The key that signed it, as OpenPGP fingerprint.
    pub signed_by: String,
    /// In what its packages differ from those that run; absent: one of the two has no list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packages: Option<Vec<PackageChange>>,
}

/// A package that is added, removed or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PackageChange {
    /// The package.
    pub name: String,
    /// The version that runs; absent: it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The version of the update; absent: it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// What is under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct UpdateWork {
    /// Of which version.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub version: Version,
    /// What is done with it.
    pub step: UpdateStep,
}

/// A step of staging.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum UpdateStep {
    /// Files are fetched.
    Fetching,
    /// Signature and digests are checked.
    Verifying,
    /// The slot is written.
    Writing,
}

/// How an update ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "ended", rename_all = "snake_case")]
pub enum UpdateOutcome {
    /// It was proven to stream and stays.
    Kept {
        /// The update.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        version: Version,
        /// What ran before.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        from: Version,
        /// When that was seen.
        unix: u64,
    },
    /// It failed, and the machine went back to what ran before.
    TakenBack {
        /// The update.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        version: Version,
        /// What runs again.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        from: Version,
        /// When that was seen.
        unix: u64,
        /// How often it was started.
        tries: u32,
        /// What failed; absent: it never came as far as the health check.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        part: Option<GatePart>,
        /// Why, for people.
        reason: String,
        /// Whether the owner has read it.
        #[serde(default)]
        dismissed: bool,
    },
}

/// Why something was not done: what is wrong, whose fault it is, what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[error("{message}")]
pub struct UpdateRefusal {
    /// For programs and translations.
    pub code: UpdateRefusalCode,
    /// For people.
    pub message: String,
}

impl UpdateRefusal {
    /// A refusal.
    pub fn new(code: UpdateRefusalCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Why something was not done, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum UpdateRefusalCode {
    /// The update is not signed, or by nobody this machine trusts.
    Unsigned,
    /// Signed, but files are missing, cut off or changed.
    Damaged,
    /// Signed, but for another image.
    WrongImage,
    /// Signed, but older than what runs.
    Older,
    /// No source is configured, or nothing was brought.
    NoSource,
    /// The source does not answer.
    Unreachable,
    /// The disk is full.
    NoSpace,
    /// Something else is under way, or this is not the time.
    Busy,
    /// Nothing is staged, or another version was checked.
    NotReady,
    /// The request is none.
    BadRequest,
    /// The machine: a program or partition that is missing, a write that fails.
    Machine,
}

/// What a health check found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateReport {
    /// Whether every part passed.
    pub passed: bool,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// In the order they were tried; those after one that failed were not.
    pub parts: Vec<GatePartReport>,
}

/// One part of a health check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GatePartReport {
    /// Which.
    pub part: GatePart,
    /// Whether it passed.
    pub passed: bool,
    /// What was found, with figures.
    pub found: String,
}

/// The parts of a health check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum GatePart {
    /// The host runs and answers.
    Ready,
    /// The console answers over HTTPS.
    Console,
    /// A device is let in and frames arrive.
    Stream,
    /// Its input changes the picture.
    Input,
    /// The check itself came to no end.
    #[serde(other)]
    Check,
}

impl GateReport {
    /// The part that failed, if one did.
    pub fn failure(&self) -> Option<&GatePartReport> {
        self.parts.iter().find(|part| !part.passed)
    }
}
