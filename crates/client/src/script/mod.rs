//! What to do when during a session: `3s:type=hello`, `5s:mode=1920x1080@30`, `4s:snapshot=PATH`.
//!
//! A [`Script`] is what the user wrote, read once; it is played as [`Cue`]s, each at its time.

mod keys;

use std::{collections::VecDeque, path::PathBuf, str::FromStr, time::Duration};

use punktfunk_proto::{
    input::keymap::us_keystroke,
    units::{Bitrate, Mode},
    wire::datagram::PointerButton,
};

/// The smallest thing that is done at one moment.
#[derive(Clone, Debug, PartialEq)]
pub enum Cue {
    /// A key, by its virtual-key code, goes down or up.
    Key {
        /// Virtual-key code of the US-layout position.
        vk: u8,
        /// Down, or up.
        pressed: bool,
    },
    /// The pointer goes to this fraction of the picture's width and height.
    PointTo {
        /// From the left edge, 0 to 1.
        x: f64,
        /// From the top edge, 0 to 1.
        y: f64,
    },
    /// A pointer button goes down or up.
    Button {
        /// Which.
        button: PointerButton,
        /// Down, or up.
        pressed: bool,
    },
    /// The wheel turns; positive is up, in 1/120 notch.
    Scroll(i32),
    /// Asks for another mode.
    Mode(Mode),
    /// Asks for another rate; zero lets the host choose.
    Bitrate(Bitrate),
    /// Asks for an IDR.
    Keyframe,
    /// Saves the newest picture as PNG.
    Snapshot(PathBuf),
    /// Ends the session.
    Quit,
}

/// A cue and when it is due, after the first picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Timed {
    /// When.
    pub at: Duration,
    /// What.
    pub cue: Cue,
}

/// One step as the user wrote it: `TIME:ACTION=ARGUMENT`.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    at: Duration,
    cues: Vec<(Duration, Cue)>,
}

/// Why a step or a script was refused. The text is for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// Not of the form `TIME:ACTION`.
    #[error("write a step as TIME:ACTION=ARGUMENT, for example 3s:type=hello; found {0:?}")]
    Syntax(String),
    /// A time that is none, or too far away.
    #[error("{0:?} is no time within a session: write 1500ms, 3s, 2.5s or 1m, at most a day")]
    Time(String),
    /// No such action.
    #[error(
        "there is no action {0:?}: type, key, click, right-click, move, scroll, mode, bitrate, keyframe, snapshot, quit"
    )]
    Action(String),
    /// The action's argument does not fit.
    #[error("{action}={argument}: {reason}")]
    Argument {
        /// The action.
        action: &'static str,
        /// What was written.
        argument: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A line of a script file.
    #[error("line {line}: {error}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong there.
        error: Box<ScriptError>,
    },
}

/// From one key to the next, down or up: quicker than any typist, slow enough for every application.
const STROKE: Duration = Duration::from_millis(15);
/// A typed text may not be longer, in characters.
const MAX_TEXT: usize = 10_000;
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl FromStr for Step {
    type Err = ScriptError;

    fn from_str(text: &str) -> Result<Self, ScriptError> {
        let (time, action) = text.split_once(':').ok_or_else(|| ScriptError::Syntax(text.to_owned()))?;
        let at = parse_time(time.trim())?;
        let (action, argument) = action.split_once('=').unwrap_or((action, ""));
        let cues = parse_action(action.trim(), argument)?;
        // One after the other, as a person would do it.
        let cues = cues.into_iter().zip(0_u32..).map(|(cue, index)| (STROKE * index, cue)).collect();
        Ok(Self { at, cues })
    }
}

/// All steps of a session, in order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    cues: VecDeque<Timed>,
}

impl Script {
    /// Puts the steps in order. Steps that overlap are interleaved, each in its own order.
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        let timed = |step: Step| step.cues.into_iter().map(move |(after, cue)| Timed { at: step.at + after, cue });
        let mut cues: Vec<Timed> = steps.into_iter().flat_map(timed).collect();
        cues.sort_by_key(|timed| timed.at);
        Self { cues: cues.into() }
    }

    /// Reads a script file: a step on each line, `#` begins a comment line.
    ///
    /// # Errors
    /// Names the first line that is no step.
    pub fn parse_lines(text: &str) -> Result<Vec<Step>, ScriptError> {
        let steps = text.lines().zip(1..).filter(|(line, _)| {
            let line = line.trim_start();
            !line.is_empty() && !line.starts_with('#')
        });
        let parse = |(line, number): (&str, usize)| {
            let at_line = |error| ScriptError::Line { line: number, error: Box::new(error) };
            line.trim_start().parse().map_err(at_line)
        };
        steps.map(parse).collect()
    }

    /// When the next cue is due.
    pub fn next_due(&self) -> Option<Duration> {
        self.cues.front().map(|timed| timed.at)
    }

    /// The next cue, if it is due at `elapsed`.
    pub fn take_due(&mut self, elapsed: Duration) -> Option<Cue> {
        if self.next_due()? > elapsed {
            return None;
        }
        self.cues.pop_front().map(|timed| timed.cue)
    }

    /// How many cues are left.
    pub fn remaining(&self) -> usize {
        self.cues.len()
    }
}

/// Reads `1500ms`, `3s`, `2.5s`, `1m`.
///
/// # Errors
/// [`ScriptError::Time`].
pub fn parse_time(text: &str) -> Result<Duration, ScriptError> {
    let wrong = || ScriptError::Time(text.to_owned());
    let split = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(split);
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        _ => return Err(wrong()),
    };
    let number: f64 = number.parse().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(number * seconds).ok().filter(|time| *time <= LONGEST).ok_or_else(wrong)
}

fn parse_action(action: &str, argument: &str) -> Result<Vec<Cue>, ScriptError> {
    let wrong =
        |action: &'static str, reason: String| ScriptError::Argument { action, argument: argument.to_owned(), reason };
    let trimmed = argument.trim();
    Ok(match action {
        "type" => typed(argument).map_err(|reason| wrong("type", reason))?,
        "key" => keys::chord(trimmed).map_err(|reason| wrong("key", reason))?,
        "click" => clicked(trimmed, PointerButton::Left).map_err(|reason| wrong("click", reason))?,
        "right-click" => clicked(trimmed, PointerButton::Right).map_err(|reason| wrong("right-click", reason))?,
        "move" => vec![point(trimmed).map_err(|reason| wrong("move", reason))?],
        "scroll" => vec![Cue::Scroll(notches(trimmed).map_err(|reason| wrong("scroll", reason))?)],
        "mode" => vec![Cue::Mode(trimmed.parse().map_err(|error| wrong("mode", format!("{error}")))?)],
        "bitrate" => {
            let kbps = trimmed.parse().map_err(|_| wrong("bitrate", "write whole kbit/s, or 0".into()))?;
            vec![Cue::Bitrate(Bitrate::from_kbps(kbps))]
        }
        "snapshot" if !trimmed.is_empty() => vec![Cue::Snapshot(trimmed.into())],
        "snapshot" => return Err(wrong("snapshot", "name the PNG file".into())),
        "keyframe" => vec![Cue::Keyframe],
        "quit" => vec![Cue::Quit],
        other => return Err(ScriptError::Action(other.to_owned())),
    })
}

/// Keys for a text; `\n` is Enter, `\t` Tab, `\\` a backslash.
fn typed(text: &str) -> Result<Vec<Cue>, String> {
    if text.is_empty() || text.chars().count() > MAX_TEXT {
        return Err(format!("write 1 to {MAX_TEXT} characters"));
    }
    let mut cues = Vec::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let character = match (character, character == '\\') {
            (_, false) => character,
            (_, true) => match characters.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('\\') => '\\',
                _ => return Err("after a backslash comes n, t or a backslash".into()),
            },
        };
        let stroke = us_keystroke(character).ok_or_else(|| format!("a US keyboard cannot type {character:?}"))?;
        cues.extend(keys::press(stroke.shift.then_some(keys::SHIFT).as_slice(), stroke.vk));
    }
    Ok(cues)
}

fn clicked(text: &str, button: PointerButton) -> Result<Vec<Cue>, String> {
    let press = |pressed| Cue::Button { button, pressed };
    Ok(vec![point(text)?, press(true), press(false)])
}

fn point(text: &str) -> Result<Cue, String> {
    let place = || {
        let (x, y) = text.split_once(',')?;
        let fraction = |text: &str| text.trim().parse::<f64>().ok().filter(|number| (0.0..=1.0).contains(number));
        Some(Cue::PointTo { x: fraction(x)?, y: fraction(y)? })
    };
    place().ok_or_else(|| "write the place as fractions of width and height, for example 0.5,0.25".into())
}

fn notches(text: &str) -> Result<i32, String> {
    let number = text.parse::<i32>().ok().filter(|number| number.unsigned_abs() <= 1_000);
    number.map(|number| number * 120).ok_or_else(|| "write notches, positive for up, at most 1000".into())
}

#[cfg(test)]
mod tests;
