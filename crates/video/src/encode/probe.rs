//! Which encoders work on this machine, and why the others do not.

use punktfunk_proto::units::{Bitrate, HostTime, Mode};

use crate::frame::Pixels;

use super::{Codec, EncodeError, EncoderConfig, FrameRequest, open};

/// An encoder the host knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EncoderKind {
    /// libx264 through FFmpeg, on the processor.
    X264,
}

impl EncoderKind {
    /// Every kind, the most wanted first.
    pub const ALL: &'static [Self] = &[Self::X264];

    /// Its name in configuration, logs and the console.
    pub const fn name(self) -> &'static str {
        match self {
            Self::X264 => "x264",
        }
    }
}

/// One encoder and what came of trying it.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The encoder.
    pub kind: EncoderKind,
    /// Whether it encoded a picture, and if not, why.
    pub verdict: Result<(), EncodeError>,
}

/// Tries every encoder in order by encoding one small picture with it. Takes some milliseconds each; done once.
pub fn probe(codec: Codec) -> Vec<Candidate> {
    EncoderKind::ALL.iter().map(|&kind| Candidate { kind, verdict: try_out(kind, codec) }).collect()
}

/// The first candidate that works.
///
/// # Errors
/// The reason of the most wanted one, when none works.
pub fn choose(candidates: &[Candidate]) -> Result<EncoderKind, EncodeError> {
    if let Some(works) = candidates.iter().find(|candidate| candidate.verdict.is_ok()) {
        return Ok(works.kind);
    }
    let reason = candidates.iter().find_map(|candidate| candidate.verdict.as_ref().err()).cloned();
    Err(reason.unwrap_or(EncodeError::NotCompiledIn { encoder: "an encoder", remedy: "install FFmpeg with libx264" }))
}

fn try_out(kind: EncoderKind, codec: Codec) -> Result<(), EncodeError> {
    let mode = Mode::new(320, 240, 60).expect("320x240@60 is a mode");
    let mut encoder = open(kind, EncoderConfig { mode, bitrate: Bitrate::from_mbps(1), codec })?;
    let mut pixels = Pixels::default();
    pixels.resize(mode.width(), mode.height());
    encoder.encode(&pixels, FrameRequest::Idr, HostTime::from_nanos(0))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Candidate, EncoderKind, choose};
    use crate::encode::EncodeError;

    const GONE: EncodeError = EncodeError::NotCompiledIn { encoder: "libx264", remedy: "install libx264-164" };

    #[test]
    fn an_encoder_that_does_not_work_is_not_chosen_and_says_why() {
        let broken = Candidate { kind: EncoderKind::X264, verdict: Err(GONE) };
        assert_eq!(choose(&[broken]), Err(GONE));
        assert!(choose(&[]).is_err());
    }

    #[test]
    fn a_working_one_behind_a_broken_one_is_chosen() {
        let broken = Candidate { kind: EncoderKind::X264, verdict: Err(GONE) };
        let works = Candidate { kind: EncoderKind::X264, verdict: Ok(()) };
        assert_eq!(choose(&[broken, works]), Ok(EncoderKind::X264));
    }
}
