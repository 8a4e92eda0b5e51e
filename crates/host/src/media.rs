//! Which display and which encoder this host uses: real candidates, tried in order, once.

use std::{path::Path, sync::Arc};

use punktfunk_video::{
    display::{
        Backend, DisplayError,
        embedded::Embedded,
        launch::{Children, Launcher, Service},
        sway::Sway,
        synthetic::Synthetic,
    },
    encode::{self, Codec, EncoderKind},
};

use crate::{
    config::{Config, DisplayBackend, EncoderBackend, SessionLauncher},
    error::StartError,
    supervisor::Media,
};

/// Finds what works here. Logs every candidate with its reason. `session_socket` is where the session service listens.
///
/// # Errors
/// Nothing that the configuration allows works; the text says why and what to install or set.
pub fn choose(config: &Config, runtime_dir: &Path, session_socket: &Path) -> Result<Media, StartError> {
    let launcher: Arc<dyn Launcher> = match config.session.launcher {
        SessionLauncher::Child => Arc::new(Children::new(runtime_dir)),
        SessionLauncher::Service => {
            let this = std::env::current_exe()
                .map_err(|source| StartError::System { what: "finding the host's own program", source })?;
            Arc::new(Service::new(session_socket, runtime_dir, this))
        }
    };
    Ok(Media { backend: choose_display(config, launcher)?, encoder: choose_encoder(config)? })
}

fn choose_display(config: &Config, launcher: Arc<dyn Launcher>) -> Result<Arc<dyn Backend>, StartError> {
    let mut candidates: Vec<Arc<dyn Backend>> = Vec::new();
    match config.display.backend {
        DisplayBackend::Auto => {
            candidates.push(Arc::new(Embedded::with(launcher)));
            // sway starts its application itself, as the host's user.
            if config.session.launcher == SessionLauncher::Child {
                candidates.push(Arc::new(Sway));
            }
        }
        DisplayBackend::Embedded => candidates.push(Arc::new(Embedded::with(launcher))),
        DisplayBackend::Sway => candidates.push(Arc::new(Sway)),
        DisplayBackend::Synthetic => candidates.push(Arc::new(Synthetic)),
    }
    let mut faults = Vec::new();
    for backend in candidates {
        match backend.probe() {
            Ok(()) => {
                tracing::info!(display = backend.name(), "display backend chosen");
                return Ok(backend);
            }
            Err(fault) => {
                tracing::warn!(display = backend.name(), %fault, "display backend cannot be used");
                faults.push((backend.name(), fault));
            }
        }
    }
    Err(StartError::Missing { what: "every configured display backend".into(), fault: joined(&faults) })
}

fn joined(faults: &[(&'static str, DisplayError)]) -> String {
    faults.iter().map(|(name, fault)| format!("{name}: {fault}")).collect::<Vec<_>>().join("; ")
}

fn choose_encoder(config: &Config) -> Result<EncoderKind, StartError> {
    let wanted: &[EncoderKind] = match config.encoder.backend {
        EncoderBackend::Auto => EncoderKind::ALL,
        EncoderBackend::X264 => &[EncoderKind::X264],
    };
    let mut candidates = encode::probe(Codec::H264);
    candidates.retain(|candidate| wanted.contains(&candidate.kind));
    for candidate in &candidates {
        match &candidate.verdict {
            Ok(()) => tracing::info!(encoder = candidate.kind.name(), "encoder works"),
            Err(fault) => tracing::warn!(encoder = candidate.kind.name(), %fault, "encoder cannot be used"),
        }
    }
    encode::choose(&candidates)
        .map_err(|fault| StartError::Missing { what: "every configured encoder".into(), fault: fault.to_string() })
}
