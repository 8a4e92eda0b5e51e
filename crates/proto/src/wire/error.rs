//! What can be wrong with bytes from the network.

/// Why a peer's bytes are no message. Always the peer's fault (or the network's), never ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The message ends before `field` is complete.
    #[error("{message} ends at byte {len}, inside {field}")]
    Truncated {
        /// Which message.
        message: &'static str,
        /// The field that is cut.
        field: &'static str,
        /// How long the message is, in bytes.
        len: usize,
    },
    /// Bytes follow where the message must end.
    #[error("{message} has {extra} bytes too many")]
    Oversized {
        /// Which message.
        message: &'static str,
        /// How many bytes follow its end.
        extra: usize,
    },
    /// The first bytes are no magic that fits here.
    #[error("{message} starts with a wrong magic")]
    Magic {
        /// Which message was expected.
        message: &'static str,
    },
    /// A typed message, datagram tag or kind that this version does not know.
    #[error("unknown {what} {value:#04x}")]
    Unknown {
        /// Of what kind the byte is.
        what: &'static str,
        /// The byte.
        value: u8,
    },
    /// A field holds a value the specification does not allow.
    #[error("{message}: {field} cannot be {value}")]
    Value {
        /// Which message.
        message: &'static str,
        /// The field.
        field: &'static str,
        /// What it held.
        value: u64,
    },
    /// A field holds text that is not UTF-8, or a number that is not finite.
    #[error("{message}: {field} is not well-formed")]
    Form {
        /// Which message.
        message: &'static str,
        /// The field.
        field: &'static str,
    },
}
