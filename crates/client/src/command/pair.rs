//! `punktfunk pair`

use std::{
    fs,
    io::{self, IsTerminal as _, Write as _},
    path::Path,
    thread,
};

use punktfunk_proto::pairing::Pin;
use serde_json::json;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::{Answer, Context, device_name, read_line};
use crate::{
    cli::PairArgs,
    contact::{Dial, pair},
    error::ClientError,
    known_hosts::KnownHosts,
    target::resolve,
};

pub(super) async fn run(context: &Context, args: PairArgs) -> Result<Answer, ClientError> {
    let identity = context.identity()?;
    let known = KnownHosts::load(&context.state_dir)?;
    let target = resolve(&args.reaching.host, &known, context.reach.clone()).await?;
    let source = source(args.pin.map(Zeroizing::new), args.pin_file.as_deref())?;
    let dial = Dial {
        identity: &identity,
        budget: args.reaching.timeout,
        reach: context.reach.clone(),
        state_dir: &context.state_dir,
    };
    let mut spinner = context.output.spinner(format!("calling {}", target.name));
    let pin = async {
        // It would be drawn over the question.
        spinner.finish_and_clear();
        let pin = source.pin().await?;
        spinner = context.output.spinner(format!("pairing with {}", target.name));
        Ok(pin)
    };
    let paired = pair(&dial, &target, pin, Some(device_name(args.name))).await;
    spinner.finish_and_clear();
    let host = paired?;
    let text = format!("paired with {}\nfingerprint {}", host.name, host.fingerprint.grouped());
    Ok(Answer::good(text, json!({ "paired": host })))
}

/// Where the PIN comes from.
enum PinSource {
    Given(Pin),
    /// The user is asked, on the terminal.
    Terminal,
}

/// The PIN from the command line, a file or standard input, else the user.
fn source(given: Option<Zeroizing<String>>, file: Option<&Path>) -> Result<PinSource, ClientError> {
    let text = match (given, file) {
        (Some(text), _) => text,
        (None, Some(path)) if path == Path::new("-") => read_line()?,
        (None, Some(path)) => Zeroizing::new(
            fs::read_to_string(path).map_err(|error| ClientError::Local(format!("{}: {error}", path.display())))?,
        ),
        (None, None) if io::stdin().is_terminal() => return Ok(PinSource::Terminal),
        (None, None) => {
            return Err(ClientError::Usage(
                "there is no terminal to ask for the PIN; use --pin or --pin-file -".into(),
            ));
        }
    };
    parse(&text).map(PinSource::Given)
}

fn parse(text: &str) -> Result<Pin, ClientError> {
    text.trim().parse().map_err(|error| ClientError::Usage(format!("{error}")))
}

impl PinSource {
    async fn pin(self) -> Result<Pin, ClientError> {
        match self {
            Self::Given(pin) => Ok(pin),
            Self::Terminal => ask().await,
        }
    }
}

/// Asks while other things go on.
async fn ask() -> Result<Pin, ClientError> {
    let _ = write!(io::stderr(), "PIN that the host shows: ");
    let mut question = Question { answered: false };
    let (tell, told) = oneshot::channel();
    // Not a task of the runtime, which would wait for the line even where nobody wants it any more.
    thread::spawn(move || tell.send(read_line()));
    let line = told.await.map_err(|_| ClientError::Local("standard input cannot be read".into()))??;
    question.answered = true;
    parse(&line)
}

/// A question that stands on the terminal. What comes next begins on a line of its own.
struct Question {
    answered: bool,
}

impl Drop for Question {
    fn drop(&mut self) {
        if !self.answered {
            let _ = writeln!(io::stderr());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Pin, PinSource, source};
    use crate::error::ClientError;
    use std::path::Path;
    use zeroize::Zeroizing;

    fn pin(given: Option<&str>, file: Option<&Path>) -> Result<Pin, ClientError> {
        let PinSource::Given(pin) = source(given.map(|text| Zeroizing::new(text.into())), file)? else {
            panic!("the user is asked")
        };
        Ok(pin)
    }

    #[test]
    fn the_pin_is_read_from_a_file_with_its_line_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "0042\n").unwrap();
        assert_eq!(pin(None, Some(file.path())).unwrap().digits(), "0042");
    }

    #[test]
    fn what_is_no_pin_is_refused_without_repeating_it() {
        for text in ["123", "12345", "12a4", ""] {
            let error = pin(Some(text), None).unwrap_err();
            assert!(matches!(&error, ClientError::Usage(said) if text.is_empty() || !said.contains(text)), "{error}");
        }
    }
}
