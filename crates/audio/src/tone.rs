//! Test tones, and how strongly a tone sounds in what was received.

use std::f32::consts::TAU;

use crate::RATE;

/// A sine tone on every channel.
#[derive(Clone, Debug)]
pub struct Tone {
    hz: f32,
    amplitude: f32,
    channels: usize,
    /// Samples so far, modulo a second: exact for whole hertz.
    position: u32,
}

impl Tone {
    /// A tone of `hz`, a whole number, with peaks at `amplitude` (1 is full scale).
    pub fn new(hz: u16, amplitude: f32, channels: usize) -> Self {
        Self { hz: hz.into(), amplitude, channels, position: 0 }
    }

    /// Writes the next samples, interleaved.
    pub fn write(&mut self, pcm: &mut [f32]) {
        for frame in pcm.chunks_exact_mut(self.channels) {
            let turn = (self.position as f32 * self.hz / RATE as f32).fract();
            frame.fill(self.amplitude * (turn * TAU).sin());
            self.position = (self.position + 1) % RATE;
        }
    }
}

/// The amplitude of the tone `hz` in `samples` of one channel (Goertzel's algorithm): 1 is full scale.
pub fn strength(samples: impl IntoIterator<Item = f32>, hz: u16) -> f64 {
    let coefficient = 2.0 * (std::f64::consts::TAU * f64::from(hz) / f64::from(RATE)).cos();
    let (mut last, mut before, mut count) = (0.0, 0.0, 0_u64);
    for sample in samples {
        let now = f64::from(sample) + coefficient * last - before;
        (before, last) = (last, now);
        count += 1;
    }
    let power = last * last + before * before - coefficient * last * before;
    2.0 * power.max(0.0).sqrt() / (count.max(1) as f64)
}

/// The level of `pcm` in dB under full scale: the mean of the squares over all channels. A full-scale sine is -3.
pub fn level_dbfs(pcm: &[f32]) -> f64 {
    let squares: f64 = pcm.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    dbfs(squares / pcm.len().max(1) as f64)
}

/// A mean of squares in dB under full scale; silence is -120.
pub fn dbfs(power: f64) -> f64 {
    10.0 * power.max(1e-12).log10()
}

#[cfg(test)]
mod tests {
    use super::{Tone, level_dbfs, strength};

    #[test]
    fn a_tone_is_found_at_its_own_frequency_only() {
        let mut pcm = vec![0.0; 48_000 * 2];
        Tone::new(997, 0.25, 2).write(&mut pcm);
        let left = || pcm.iter().copied().step_by(2);
        assert!((strength(left(), 997) - 0.25).abs() < 1e-3);
        assert!(strength(left(), 1_499) < 1e-3);
        assert!((level_dbfs(&pcm) - -15.05).abs() < 0.05);
    }
}
