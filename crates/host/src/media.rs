//! Which display and which encoder this host uses: real candidates, tried in order.
//!
//! What works is kept for as long as the host runs; what does not is tried again, so that a driver that comes late or
//! a program that is installed later needs no restart.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use punktfunk_api::model::{Probe, Probes};
use punktfunk_video::{
    display::{Backend, embedded::Embedded, sway::Sway, synthetic::Synthetic},
    encode::{self, Codec, EncoderKind},
};

use crate::config::{Config, DisplayBackend, EncoderBackend};

/// What was found on this machine.
pub struct Media {
    display: DisplayBackend,
    encoder: EncoderBackend,
    runtime_dir: PathBuf,
    found: Mutex<Findings>,
}

/// What works here, and what was tried.
#[derive(Clone, Default)]
pub struct Findings {
    /// Makes displays.
    pub backend: Option<Arc<dyn Backend>>,
    /// Encodes what they paint.
    pub encoder: Option<EncoderKind>,
    /// Every candidate with its reason.
    pub probes: Probes,
}

impl Media {
    /// Tries what `config` allows, and logs every candidate with its reason. Blocks for a second or so.
    pub fn probe(config: &Config, runtime_dir: PathBuf) -> Self {
        let (display, encoder) = (config.display.backend, config.encoder.backend);
        let media = Self { display, encoder, runtime_dir, found: Mutex::default() };
        media.probe_again();
        media
    }

    /// What was found.
    pub fn chosen(&self) -> Findings {
        self.found().clone()
    }

    /// Tries again what did not work. Blocks likewise.
    pub fn probe_again(&self) {
        let Findings { backend, encoder, .. } = self.chosen();
        if backend.is_none() {
            let (backend, displays) = self.choose_display();
            let mut found = self.found();
            log_changes("display", &found.probes.displays, &displays);
            (found.backend, found.probes.displays) = (backend, displays);
        }
        if encoder.is_none() {
            let (encoder, encoders) = self.choose_encoder();
            let mut found = self.found();
            log_changes("encoder", &found.probes.encoders, &encoders);
            (found.encoder, found.probes.encoders) = (encoder, encoders);
        }
    }

    fn choose_display(&self) -> (Option<Arc<dyn Backend>>, Vec<Probe>) {
        let embedded = || Arc::new(Embedded::new(&self.runtime_dir));
        let candidates: Vec<Arc<dyn Backend>> = match self.display {
            DisplayBackend::Auto => vec![embedded(), Arc::new(Sway)],
            DisplayBackend::Embedded => vec![embedded()],
            DisplayBackend::Sway => vec![Arc::new(Sway)],
            DisplayBackend::Synthetic => vec![Arc::new(Synthetic)],
        };
        let mut probes = Vec::new();
        for backend in candidates {
            let fault = backend.probe().err().map(|fault| fault.to_string());
            let works = fault.is_none();
            probes.push(Probe { name: backend.name().to_owned(), chosen: works, fault });
            if works {
                return (Some(backend), probes);
            }
        }
        (None, probes)
    }

    fn choose_encoder(&self) -> (Option<EncoderKind>, Vec<Probe>) {
        let wanted: &[EncoderKind] = match self.encoder {
            EncoderBackend::Auto => EncoderKind::ALL,
            EncoderBackend::X264 => &[EncoderKind::X264],
        };
        let mut candidates = encode::probe(Codec::H264);
        candidates.retain(|candidate| wanted.contains(&candidate.kind));
        let chosen = encode::choose(&candidates).ok();
        let probes = candidates.iter().map(|candidate| Probe {
            name: candidate.kind.name().to_owned(),
            chosen: chosen == Some(candidate.kind),
            fault: candidate.verdict.as_ref().err().map(ToString::to_string),
        });
        (chosen, probes.collect())
    }

    fn found(&self) -> MutexGuard<'_, Findings> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says each candidate once, not every time it is tried.
fn log_changes(kind: &str, before: &[Probe], now: &[Probe]) {
    for probe in now.iter().filter(|probe| !before.contains(probe)) {
        match &probe.fault {
            Some(fault) => tracing::warn!(kind, name = probe.name, fault, "cannot be used"),
            None if probe.chosen => tracing::info!(kind, name = probe.name, "chosen"),
            None => tracing::info!(kind, name = probe.name, "works"),
        }
    }
}

/// Why none of `probes` can be used, in one line.
pub(crate) fn faults(probes: &[Probe]) -> String {
    let faults = probes.iter().filter_map(|probe| Some(format!("{}: {}", probe.name, probe.fault.as_ref()?)));
    faults.collect::<Vec<_>>().join("; ")
}
