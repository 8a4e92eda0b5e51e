//! Lists of steps in the fuzzer's bytes. Every step has the same form and is read from the front, so that a byte put
//! in or taken out by the fuzzer changes few steps, and a seed can be written down by hand.

/// One step. What it means is the target's business; numbers out of its range are wrapped into it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// What to do.
    pub action: u8,
    /// To whom, where it can be done to two.
    pub side: u8,
    /// How much, when, or which.
    pub number: u16,
    /// With which bytes.
    pub bytes: Vec<u8>,
}

impl Step {
    /// A step without bytes.
    pub fn new(action: u8, side: u8, number: u16) -> Self {
        Self { action, side, number, bytes: Vec::new() }
    }

    /// This step with `bytes`.
    #[must_use]
    pub fn with(self, bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), ..self }
    }

    /// Appends the step to a script.
    pub fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.action, self.side]);
        out.extend_from_slice(&self.number.to_le_bytes());
        out.extend_from_slice(&(self.bytes.len() as u16).to_le_bytes());
        out.extend_from_slice(&self.bytes);
    }
}

/// Reads steps until what is left is none.
pub fn steps(mut script: &[u8]) -> impl Iterator<Item = Step> {
    std::iter::from_fn(move || {
        let (&[action, side, low, high, len_low, len_high], rest) = script.split_first_chunk()?;
        let len = usize::from(u16::from_le_bytes([len_low, len_high]));
        let (bytes, rest) = rest.split_at(len.min(rest.len()));
        script = rest;
        Some(Step { action, side, number: u16::from_le_bytes([low, high]), bytes: bytes.to_vec() })
    })
}
