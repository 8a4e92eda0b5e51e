//! `punktfunk-host check-config`.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::print_line;
use crate::{
    config::{
        Config,
        load::{self, Loaded, Source},
        problem::ConfigError,
    },
    exit::Exit,
};

#[derive(Debug, clap::Args)]
pub(super) struct CheckConfigArgs {
    /// Configuration file [default: /etc/punktfunk/punktfunk.toml if it exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON object: the configuration with its defaults, or the problems
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &CheckConfigArgs) -> Exit {
    match load::load(args.config.as_deref()) {
        Ok(loaded) if args.json => print_line(&right_json(&loaded).to_string()),
        Ok(loaded) => print_line(&right_text(&loaded.source)),
        Err(error) if args.json => match print_line(&wrong_json(&error).to_string()) {
            Exit::Done => Exit::Config,
            failed => failed,
        },
        Err(error) => complain(&error),
    }
}

/// Lists problems as compilers do, `file:line:column:` first, so that editors find them.
pub(super) fn complain(error: &ConfigError) -> Exit {
    match error {
        ConfigError::Wrong { .. } => {
            let _ = writeln!(io::stderr(), "{error}");
            Exit::Config
        }
        ConfigError::Unreadable { .. } | ConfigError::TooLarge { .. } => super::complain(error, Exit::Config),
    }
}

fn right_text(source: &Source) -> String {
    match source {
        Source::File(path) => format!("{}: right", path.display()),
        Source::Defaults => format!("there is no {}: the defaults hold", load::DEFAULT_PATH),
    }
}

fn right_json(loaded: &Loaded) -> Value {
    let source = match &loaded.source {
        Source::File(path) => Some(path.display().to_string()),
        Source::Defaults => None,
    };
    json!({ "ok": true, "source": source, "config": shown(&loaded.config) })
}

/// The configuration without the values of environment variables, which may be secrets.
fn shown(config: &Config) -> Config {
    let mut config = config.clone();
    config.session.environment.0.values_mut().for_each(|value| *value = "(not shown)".to_owned());
    config
}

fn wrong_json(error: &ConfigError) -> Value {
    let source = |path: &Path| path.display().to_string();
    match error {
        ConfigError::Wrong { path, problems } => json!({ "ok": false, "source": source(path), "problems": problems }),
        ConfigError::Unreadable { path, .. } | ConfigError::TooLarge { path, .. } => {
            json!({ "ok": false, "source": source(path), "problems": [], "error": error.to_string() })
        }
    }
}
