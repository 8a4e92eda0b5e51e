//! `punktfunk join`

use std::io::{self, IsTerminal as _, Write as _};

use punktfunk_proto::pairing::JoinLink;
use serde_json::json;

use super::{Answer, Context, device_name, read_line};
use crate::{
    cli::{JoinArgs, SecretText},
    contact::{Dial, join},
    error::ClientError,
};

pub(super) async fn run(context: &Context, args: JoinArgs) -> Result<Answer, ClientError> {
    let link = link(&args.link)?;
    let identity = context.identity()?;
    let dial =
        Dial { identity: &identity, budget: args.timeout, reach: context.reach.clone(), state_dir: &context.state_dir };
    let spinner = context.output.spinner("joining");
    let joined = join(&dial, &link, Some(device_name(args.name))).await;
    spinner.finish_and_clear();
    let host = joined?;
    let text = format!(
        "joined {}\nfingerprint {}\nnext: punktfunk connect {}",
        host.name,
        host.fingerprint.grouped(),
        quoted(&host.name)
    );
    Ok(Answer::good(text, json!({ "joined": host })))
}

/// The link from the command line or standard input.
fn link(given: &SecretText) -> Result<JoinLink, ClientError> {
    let read = match given.reveal() {
        "-" => {
            if io::stdin().is_terminal() {
                let _ = write!(io::stderr(), "link that the host shows: ");
            }
            Some(read_line()?)
        }
        _ => None,
    };
    let text = read.as_ref().map_or(given.reveal(), |line| line.as_str());
    text.trim().parse().map_err(|error| ClientError::Usage(format!("{error}")))
}

/// A name as a shell wants it.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_.:".contains(c);
    if name.starts_with(|c: char| c.is_alphanumeric()) && name.chars().all(plain) {
        return name.to_owned();
    }
    format!("'{}'", name.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::{link, quoted};
    use crate::cli::SecretText;

    #[test]
    fn a_name_can_be_pasted_into_a_shell() {
        assert_eq!(quoted("living-room"), "living-room");
        assert_eq!(quoted("Tom's den; ls"), r"'Tom'\''s den; ls'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn what_is_no_link_is_refused_without_repeating_it() {
        let fingerprint = "ab".repeat(32);
        for (text, says) in [
            ("http://den/".to_owned(), "punktfunk://"),
            (format!("punktfunk://den/join?fp={fingerprint}"), "token"),
            ("punktfunk://den/join?fp=SECRET&t=7ZZZZZZZZZZZZZZZZZZZZZZZZZ".to_owned(), "fingerprint"),
            (format!("punktfunk://den/join?fp={fingerprint}&t=SECRET"), "token"),
        ] {
            let typed = SecretText::from(text.as_str());
            let error = link(&typed).unwrap_err().to_string();
            assert!(error.contains(says) && !error.contains("SECRET") && !error.contains("ZZZ"), "{error}");
            assert!(!format!("{typed:?}").contains("den"));
        }
    }
}
