//! `punktfunk pair`

use std::{
    fs,
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    path::Path,
};

use punktfunk_proto::pairing::Pin;
use serde_json::json;
use zeroize::Zeroizing;

use super::{Answer, Context, device_name};
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
    let pin = pin(args.pin.map(Zeroizing::new), args.pin_file.as_deref())?;
    let dial = Dial {
        identity: &identity,
        budget: args.reaching.timeout,
        reach: context.reach.clone(),
        state_dir: &context.state_dir,
    };
    let spinner = context.output.spinner(format!("pairing with {}", target.name));
    let paired = pair(&dial, &target, &pin, Some(device_name(args.name))).await;
    spinner.finish_and_clear();
    let host = paired?;
    let text = format!("paired with {}\nfingerprint {}", host.name, host.fingerprint.grouped());
    Ok(Answer::good(text, json!({ "paired": host })))
}

/// The PIN from the command line, a file, standard input or the user.
fn pin(given: Option<Zeroizing<String>>, file: Option<&Path>) -> Result<Pin, ClientError> {
    let text = match (given, file) {
        (Some(text), _) => text,
        (None, Some(path)) if path == Path::new("-") => read_line()?,
        (None, Some(path)) => Zeroizing::new(
            fs::read_to_string(path).map_err(|error| ClientError::Local(format!("{}: {error}", path.display())))?,
        ),
        (None, None) if io::stdin().is_terminal() => {
            let _ = write!(io::stderr(), "PIN that the host shows: ");
            read_line()?
        }
        (None, None) => {
            return Err(ClientError::Usage(
                "there is no terminal to ask for the PIN; use --pin or --pin-file -".into(),
            ));
        }
    };
    text.trim().parse().map_err(|error| ClientError::Usage(format!("{error}")))
}

fn read_line() -> Result<Zeroizing<String>, ClientError> {
    let mut line = Zeroizing::new(String::new());
    io::stdin().lock().read_line(&mut line).map_err(|error| ClientError::Local(format!("standard input: {error}")))?;
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::pin;
    use crate::error::ClientError;
    use zeroize::Zeroizing;

    #[test]
    fn the_pin_is_read_from_a_file_with_its_line_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "0042\n").unwrap();
        assert_eq!(pin(None, Some(file.path())).unwrap().digits(), "0042");
    }

    #[test]
    fn what_is_no_pin_is_refused_without_repeating_it() {
        for text in ["123", "12345", "12a4", ""] {
            let error = pin(Some(Zeroizing::new(text.into())), None).unwrap_err();
            assert!(matches!(&error, ClientError::Usage(said) if text.is_empty() || !said.contains(text)), "{error}");
        }
    }
}
