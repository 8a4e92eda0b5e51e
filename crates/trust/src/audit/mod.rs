//! The audit log: who did what, when and from where, in rows that cannot be changed, taken out or cut off unnoticed.
//!
//! Each row carries the SHA-256 of itself and of the row before it. The first and the last row stand under a key
//! derived from the host's private key, and the last one in a file beside the database too; see
//! `docs/explanation/trust.md` for what that does not stop. The rows live in `crate::store`.

mod chain;
mod event;
mod text;

pub use chain::{AuditFault, AuditHash, AuditHead, AuditRow, AuditVerdict, HistoryFault, NoHash};
pub(crate) use chain::{Seal, SealKey};
pub use event::{Actor, AuditEvent, Origin, PairedHow, Rights, Subject};
pub use text::AuditText;
pub(crate) use text::by_text;
