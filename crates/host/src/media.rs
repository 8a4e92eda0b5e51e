//! Which display and which encoder this host uses: real candidates, tried in order.
//!
//! What works is kept for as long as the host runs; what does not is tried again, so that a driver that comes late or
//! a program that is installed later needs no restart.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use punktfunk_api::model::{Probe, Probes};
use punktfunk_video::{
    display::{
        Backend,
        embedded::Embedded,
        gamescope::{Gamescope, Gpu, Setup},
        launch::{Children, Launcher, Service},
        sway::Sway,
        synthetic::Synthetic,
    },
    encode::{self, Codec, EncoderKind},
};

use crate::{
    cli::SESSION_GAMESCOPE,
    config::{Config, DisplayBackend, DisplayConfig, EncoderBackend, SessionLauncher},
    error::StartError,
};

/// What starts the processes of sessions. `session_socket` is where the session service listens.
///
/// # Errors
/// The host's own program, which the service is told of, cannot be found.
pub fn launcher(config: &Config, runtime_dir: &Path, session_socket: &Path) -> Result<Arc<dyn Launcher>, StartError> {
    Ok(match config.session.launcher {
        SessionLauncher::Child => Arc::new(Children::new(runtime_dir)),
        SessionLauncher::Service => {
            let this = std::env::current_exe()
                .map_err(|source| StartError::System { what: "finding the host's own program", source })?;
            Arc::new(Service::new(session_socket, runtime_dir, this))
        }
    })
}

/// What was found on this machine.
pub struct Media {
    display: DisplayConfig,
    encoder: EncoderBackend,
    own_processes: SessionLauncher,
    launcher: Arc<dyn Launcher>,
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
    /// Tries what `config` allows, and logs every candidate with its reason. `launcher` starts what sessions run. Blocks
    /// for a second or so.
    pub fn probe(config: &Config, launcher: Arc<dyn Launcher>) -> Self {
        let (display, encoder) = (config.display.clone(), config.encoder.backend);
        let media =
            Self { display, encoder, own_processes: config.session.launcher, launcher, found: Mutex::default() };
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
        let embedded = || Arc::new(Embedded::with(Arc::clone(&self.launcher)));
        let candidates: Vec<Arc<dyn Backend>> = match self.display.backend {
            // sway starts its application itself, as the host's user.
            DisplayBackend::Auto if self.own_processes == SessionLauncher::Service => vec![embedded()],
            DisplayBackend::Auto => vec![embedded(), Arc::new(Sway)],
            DisplayBackend::Embedded => vec![embedded()],
            DisplayBackend::Gamescope => vec![Arc::new(self.gamescope())],
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

    /// gamescope, with this very program in the session.
    fn gamescope(&self) -> Gamescope {
        let options = &self.display.gamescope;
        // A program that cannot be found is found missing by the probe.
        let this = std::env::current_exe().unwrap_or_else(|_| "punktfunk-host".into());
        Gamescope::new(Setup {
            launcher: Arc::clone(&self.launcher),
            program: vec![this.into(), SESSION_GAMESCOPE.into()],
            options: options.arguments.iter().map(Into::into).collect(),
            gpu: if options.software { Gpu::Any } else { Gpu::Needed },
            patience: Setup::PATIENCE,
        })
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
