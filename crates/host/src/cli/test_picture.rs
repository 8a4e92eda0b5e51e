//! `punktfunk-host test-picture`: what the health check sees and hears in place of the owner's application.

use std::{thread, time::Duration};

use punktfunk_audio::{
    FRAME, FRAME_TIME, Layout,
    playback::{Player, Remote},
    tone::Tone,
};

use super::complain;
use crate::exit::Exit;

pub(super) fn run() -> Exit {
    // It ends with the process. Where there is no thread or no sound server the picture is silent, which the check hears.
    let _ = thread::Builder::new().name("tone".into()).spawn(play);
    match punktfunk_video::test_picture::run() {
        Ok(()) => Exit::Done,
        Err(error) => complain(&error, Exit::System),
    }
}

/// Plays a quiet tone for as long as the program runs.
fn play() {
    let layout = Layout::Stereo;
    let mut tone = Tone::new(HZ, AMPLITUDE, layout.channels());
    let mut pcm = vec![0.0; FRAME * layout.channels()];
    // A server that is not quite there yet has no output and refuses.
    while let Ok(player) = Player::start(&Remote::Session, layout, "test picture") {
        while !player.has_ended() {
            while player.waiting() < CUSHION * FRAME {
                tone.write(&mut pcm);
                player.play(&pcm);
            }
            thread::sleep(FRAME_TIME);
        }
        drop(player);
        thread::sleep(AGAIN);
    }
}

const HZ: u16 = 440;
const AMPLITUDE: f32 = 0.1;
/// Between two tries.
const AGAIN: Duration = Duration::from_millis(200);
/// Packets that wait to be played: enough for a thread that is late.
const CUSHION: usize = 12;
/// Tones that are written to a file last this long.
const WRITTEN: Duration = Duration::from_secs(5);

/// Writes a tone with peaks at half of full scale to a WAV file: something to play where sound is tried.
pub(super) fn write_tone(path: &std::path::Path) -> std::io::Result<()> {
    let layout = Layout::Stereo;
    let mut wav = punktfunk_audio::wav::Wav::create(path, layout)?;
    let mut tone = Tone::new(HZ, 0.5, layout.channels());
    let mut pcm = vec![0.0; FRAME * layout.channels()];
    for _ in 0..WRITTEN.as_millis() / FRAME_TIME.as_millis() {
        tone.write(&mut pcm);
        wav.write(&pcm)?;
    }
    wav.finish()
}
