//! What a client hears of a session, from a real PipeWire with a real application that plays.

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use punktfunk_audio::{
    Layout,
    opus::Decoder,
    receive::{Order, Piece},
    tone::{Tone, strength},
};
use punktfunk_proto::{
    session::client_control::ClientCommand,
    wire::{ClientCaps, Hello, HostCaps, datagram::HostDatagram},
};
use serde_json::Value;

use crate::fixture::{Device, Host, PATIENCE, Session, hello};

/// The tone that applications play, in hertz, and its amplitude.
const TONE: u16 = 997;
const AMPLITUDE: f32 = 0.25;

/// What a client heard.
#[derive(Default)]
struct Heard {
    order: Order,
    plain: u32,
    redundant: u32,
    pcm: Vec<f32>,
}

impl Heard {
    fn take(&mut self, decoder: &mut Decoder, datagram: &[u8]) {
        match HostDatagram::decode(datagram) {
            Ok(HostDatagram::Audio(audio)) => {
                self.plain += 1;
                self.order.push(audio.seq, audio.data, None);
            }
            Ok(HostDatagram::AudioRedundant(audio)) => {
                self.redundant += 1;
                self.order.push(audio.seq, audio.primary, Some(audio.previous));
            }
            _ => {}
        }
        let mut pcm = Vec::new();
        while let Some(piece) = self.order.poll() {
            let packet = match piece {
                Piece::Packet(packet) => Some(packet),
                Piece::Lost => None,
            };
            decoder.decode(packet, &mut pcm).unwrap();
            self.pcm.extend_from_slice(&pcm);
        }
    }

    /// The tone's strength on `channel` in the last half second.
    fn tone(&self, layout: Layout, channel: usize) -> f64 {
        let recent = self.pcm.len().saturating_sub(24_000 * layout.channels());
        strength(self.pcm[recent..].iter().copied().skip(channel).step_by(layout.channels()), TONE)
    }
}

/// A client that listens.
struct Listener {
    session: Session,
    heard: Arc<Mutex<Heard>>,
    layout: Layout,
}

impl Listener {
    async fn start(host: &Host, device: &Device, hello: Hello) -> Self {
        let layout = Layout::of_channels(hello.audio_channels).unwrap();
        let heard = Arc::new(Mutex::new(Heard::default()));
        let mut decoder = Decoder::new(layout).unwrap();
        let ear = Arc::clone(&heard);
        let link = device.link(host).await.unwrap();
        let mut session =
            Session::overheard(link, &hello, move |datagram| ear.lock().unwrap().take(&mut decoder, datagram));
        let welcome = session.welcome().await;
        assert_eq!(welcome.audio_channels, hello.audio_channels);
        let is_redundant = hello.client_caps.contains(ClientCaps::AUDIO_REDUNDANCY);
        assert_eq!(welcome.host_caps.contains(HostCaps::AUDIO_REDUNDANCY), is_redundant);
        session.start(&welcome).await;
        Self { session, heard, layout }
    }

    /// Waits until the tone is heard on every channel at about its strength.
    async fn wait_for_tone(&self, host: &Host) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found: Vec<f64> = {
                let heard = self.heard.lock().unwrap();
                (0..self.layout.channels()).map(|channel| heard.tone(self.layout, channel)).collect()
            };
            if found.iter().all(|strength| (0.2..0.3).contains(strength)) {
                return;
            }
            assert!(Instant::now() < deadline, "the tone is not heard: {found:?}\n{}", host.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Writes a WAV of the tone, `seconds` long.
fn write_tone(path: &Path, layout: Layout, seconds: usize) {
    let mut pcm = vec![0.0; 48_000 * seconds * layout.channels()];
    Tone::new(TONE, AMPLITUDE, layout.channels()).write(&mut pcm);
    let data: Vec<u8> = pcm.iter().flat_map(|sample| ((sample * 32_767.0) as i16).to_le_bytes()).collect();
    let channels = layout.channels() as u16;
    let mut file = Vec::new();
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + data.len() as u32).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16_u32.to_le_bytes());
    for field in [1, channels] {
        file.extend_from_slice(&field.to_le_bytes());
    }
    file.extend_from_slice(&48_000_u32.to_le_bytes());
    file.extend_from_slice(&(48_000 * u32::from(channels) * 2).to_le_bytes());
    for field in [channels * 2, 16] {
        file.extend_from_slice(&field.to_le_bytes());
    }
    file.extend_from_slice(b"data");
    file.extend_from_slice(&(data.len() as u32).to_le_bytes());
    file.extend_from_slice(&data);
    std::fs::write(path, file).unwrap();
}

/// A host whose application plays the tone with `player`, and a paired device.
async fn playing(dir: &Path, player: &str, layout: Layout) -> (Host, Device) {
    let tone = dir.join("tone.wav");
    write_tone(&tone, layout, 30);
    let command = format!("exec {player} {}", tone.display());
    let host = with_application(dir, &command);
    let device = Device::new("Listener");
    device.pair_now(&host).await;
    (host, device)
}

fn with_application(dir: &Path, script: &str) -> Host {
    Host::start_in(
        dir,
        &format!("[audio]\n[session]\ncommand = [\"sh\", \"-c\", \"{script}\"]\n[display]\nbackend = \"embedded\"\n"),
    )
}

fn with_redundancy(hello: Hello) -> Hello {
    Hello { client_caps: hello.client_caps.with(ClientCaps::AUDIO_REDUNDANCY), ..hello }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_application_plays_is_heard_by_the_client_at_its_level() {
    let dir = tempfile::tempdir().unwrap();
    // It starts at once, before its sound server is there.
    let (host, device) = playing(dir.path(), "paplay", Layout::Stereo).await;
    let listener = Listener::start(&host, &device, hello("640x480@30")).await;
    listener.wait_for_tone(&host).await;
    let heard = listener.heard.lock().unwrap();
    assert_eq!(heard.redundant, 0, "nobody asked for redundancy");
    assert_eq!(heard.order.counts().lost, 0);
}
