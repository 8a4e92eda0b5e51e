//! What our own program does in the session: the words that it is started with.

use std::ffi::{OsStr, OsString};

use punktfunk_proto::units::Mode;

/// Whether gamescope may run without a GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gpu {
    /// A render node must be there.
    Needed,
    /// A software driver will do.
    Any,
}

/// One of our programs in the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Say whether gamescope would work.
    Probe(Gpu),
    /// Hand on pictures and input.
    Screen(Mode),
    /// Become gamescope, with an application.
    Start { mode: Mode, options: Vec<OsString>, command: Vec<OsString> },
    /// Run the application inside gamescope, and say how it ended.
    Application(Vec<OsString>),
}

impl Task {
    /// The words, to come after those that name the program.
    pub(super) fn words(&self) -> Vec<OsString> {
        match self {
            Self::Probe(gpu) => vec!["probe".into(), if *gpu == Gpu::Needed { "gpu" } else { "any" }.into()],
            Self::Screen(mode) => vec!["screen".into(), mode.to_string().into()],
            Self::Start { mode, options, command } => {
                let head = ["start".to_owned(), mode.to_string(), options.len().to_string()];
                head.into_iter().map(OsString::from).chain(options.iter().chain(command).cloned()).collect()
            }
            Self::Application(command) => {
                std::iter::once("application".into()).chain(command.iter().cloned()).collect()
            }
        }
    }

    /// Reads them; `None` for words that are no task.
    pub(super) fn read(words: &[OsString]) -> Option<Self> {
        let words: Vec<&OsStr> = words.iter().map(OsString::as_os_str).collect();
        let owned = |words: &[&OsStr]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let (task, rest) = words.split_first()?;
        match (task.to_str()?, rest) {
            ("probe", [gpu]) if *gpu == "gpu" => Some(Self::Probe(Gpu::Needed)),
            ("probe", [gpu]) if *gpu == "any" => Some(Self::Probe(Gpu::Any)),
            ("screen", [mode]) => Some(Self::Screen(read_mode(mode)?)),
            ("start", [mode, count, rest @ ..]) => {
                let (options, command) = rest.split_at_checked(count.to_str()?.parse().ok()?)?;
                Some(Self::Start { mode: read_mode(mode)?, options: owned(options), command: owned(command) })
            }
            ("application", command) => Some(Self::Application(owned(command))),
            _ => None,
        }
    }
}

fn read_mode(text: &OsStr) -> Option<Mode> {
    text.to_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Gpu, Task};

    #[test]
    fn tasks_are_read_as_they_were_written() {
        let mode = "1280x720@60".parse().unwrap();
        let tasks = [
            Task::Probe(Gpu::Needed),
            Task::Probe(Gpu::Any),
            Task::Screen(mode),
            Task::Start {
                mode,
                options: vec!["--steam".into(), "--".into()],
                command: vec!["game".into(), "-x".into()],
            },
            Task::Application(vec!["game".into(), "".into()]),
        ];
        for task in tasks {
            assert_eq!(Task::read(&task.words()), Some(task));
        }
        for wrong in [&[][..], &["probe"], &["screen", "0x0@0"], &["start", "1280x720@60", "9", "x"]] {
            assert_eq!(Task::read(&wrong.iter().map(Into::into).collect::<Vec<_>>()), None, "{wrong:?}");
        }
    }
}
