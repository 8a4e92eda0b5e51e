//! The clipboard's messages (spec section 5.8).

use crate::wire::WireError;
use crate::wire::bytes::{Reader, put_text};

/// What a clipboard fetch stream starts with, before its framed messages.
pub const FETCH_STREAM_HEADER: [u8; 5] = *b"PKFs\x01";

/// Why the clipboard is as [`ClipState`] says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum ClipReason {
    /// Nothing is wrong; also every number this version does not know.
    #[default]
    Fine = 0,
    /// The host has no clipboard to share.
    BackendUnavailable = 1,
    /// Another client has it.
    TakenOver = 2,
    /// The host's policy forbids it.
    DisabledByPolicy = 3,
    /// Text only, no files.
    NoFiles = 4,
    /// This device lacks the grant.
    NotPermitted = 5,
}

impl From<u8> for ClipReason {
    fn from(byte: u8) -> Self {
        match byte {
            1 => Self::BackendUnavailable,
            2 => Self::TakenOver,
            3 => Self::DisabledByPolicy,
            4 => Self::NoFiles,
            5 => Self::NotPermitted,
            _ => Self::Fine,
        }
    }
}

/// The host's answer to ClipControl.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClipState {
    /// Whether the clipboard is shared now.
    pub enabled: bool,
    /// 1: text, 2: files too.
    pub policy: u8,
    /// Why.
    pub reason: ClipReason,
}

/// One form in which clipboard content is on offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClipKind {
    /// MIME type, at most 128 bytes.
    pub mime: String,
    /// Expected size in bytes.
    pub size_hint: u64,
}

/// New clipboard content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClipOffer {
    /// Number that fetches refer to.
    pub seq: u32,
    /// The forms, at most [`ClipOffer::MAX_KINDS`]; what is beyond is not sent.
    pub kinds: Vec<ClipKind>,
}

impl ClipOffer {
    /// The most forms one offer names.
    pub const MAX_KINDS: usize = 16;

    pub(in crate::wire) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let seq = reader.u32("sequence")?;
        let count = reader.u8("count")?;
        if usize::from(count) > Self::MAX_KINDS {
            return Err(reader.value("count", count));
        }
        let kinds = (0..count)
            .map(|_| Ok(ClipKind { mime: read_mime(reader)?, size_hint: reader.u64("size")? }))
            .collect::<Result<_, _>>()?;
        Ok(Self { seq, kinds })
    }

    pub(in crate::wire) fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.seq.to_le_bytes());
        let kinds = &self.kinds[..self.kinds.len().min(Self::MAX_KINDS)];
        out.push(kinds.len() as u8);
        for kind in kinds {
            put_text(out, &kind.mime, MAX_MIME_LEN);
            out.extend_from_slice(&kind.size_hint.to_le_bytes());
        }
    }
}

/// A request for clipboard content, on a stream of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClipFetch {
    /// The offer's number.
    pub seq: u32,
    /// Which file of a file list; `None` for everything else.
    pub file_index: Option<u32>,
    /// MIME type, at most 128 bytes.
    pub mime: String,
}

impl ClipFetch {
    pub(in crate::wire) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let seq = reader.u32("sequence")?;
        let file_index = Some(reader.u32("file index")?).filter(|index| *index != NO_FILE);
        Ok(Self { seq, file_index, mime: read_mime(reader)? })
    }

    pub(in crate::wire) fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.seq.to_le_bytes());
        out.extend_from_slice(&self.file_index.unwrap_or(NO_FILE).to_le_bytes());
        put_text(out, &self.mime, MAX_MIME_LEN);
    }
}

/// Whether a fetch is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ClipFetchStatus {
    /// The bytes follow.
    Served = 0,
    /// The offer has been replaced.
    Stale = 1,
    /// There is no such content (any more).
    Unavailable = 2,
    /// Not permitted.
    Denied = 3,
}

/// What comes before fetched bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClipFetchHeader {
    /// Whether bytes follow.
    pub status: ClipFetchStatus,
    /// How many bytes follow in all.
    pub total: u64,
}

impl ClipFetchHeader {
    pub(in crate::wire) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let status = match reader.u8("status")? {
            0 => ClipFetchStatus::Served,
            1 => ClipFetchStatus::Stale,
            2 => ClipFetchStatus::Unavailable,
            3 => ClipFetchStatus::Denied,
            other => return Err(reader.value("status", other)),
        };
        Ok(Self { status, total: reader.u64("total")? })
    }
}

fn read_mime(reader: &mut Reader<'_>) -> Result<String, WireError> {
    let bytes = reader.short_bytes("MIME type")?;
    if bytes.len() > usize::from(MAX_MIME_LEN) {
        return Err(reader.value("MIME type length", bytes.len() as u64));
    }
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| reader.form("MIME type"))
}

const MAX_MIME_LEN: u8 = 128;
const NO_FILE: u32 = u32::MAX;
