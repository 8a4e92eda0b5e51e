//! Exit codes: the one table that programs, unit files and the reference page go by.

use std::process::ExitCode;

/// How the program ends. Values above 63 are those of `sysexits.h`, which systemd prints by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything asked for was done.
    Done,
    /// Something failed that no other code names.
    Failed,
    /// The command line was wrong.
    Usage,
    /// The host's identity or database is damaged or of a newer version.
    DamagedData,
    /// The running host knows no such request, device or session, or more than one.
    NoSuchThing,
    /// No host is running.
    NotRunning,
    /// The network address or port cannot be used, or the system refused something.
    System,
    /// A directory or file cannot be created or written.
    CannotCreate,
    /// The host did not answer in time, or another host runs already.
    Busy,
    /// Host and `ctl` do not understand each other (different versions).
    Protocol,
    /// The caller may not do this.
    Permission,
    /// The configuration is wrong.
    Config,
}

impl Exit {
    /// Every code, in rising order.
    pub const ALL: [Self; 12] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::DamagedData,
        Self::NoSuchThing,
        Self::NotRunning,
        Self::System,
        Self::CannotCreate,
        Self::Busy,
        Self::Protocol,
        Self::Permission,
        Self::Config,
    ];

    /// The number the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::DamagedData => 65,
            Self::NoSuchThing => 68,
            Self::NotRunning => 69,
            Self::System => 71,
            Self::CannotCreate => 73,
            Self::Busy => 75,
            Self::Protocol => 76,
            Self::Permission => 77,
            Self::Config => 78,
        }
    }

    /// One sentence for the reference page.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "Everything asked for was done.",
            Self::Failed => "Something failed that no other code names.",
            Self::Usage => "The command line was wrong.",
            Self::DamagedData => "The host's identity or database is damaged, or from a newer version.",
            Self::NoSuchThing => "`ctl`: no such request, device or session, or the prefix fits several.",
            Self::NotRunning => "`ctl`: no host is running there.",
            Self::System => "A network address or port cannot be used, or the system refused something.",
            Self::CannotCreate => "A directory or file cannot be created or written.",
            Self::Busy => "Another host runs already; `ctl`: the host did not answer in time.",
            Self::Protocol => "`ctl` and the host are of different versions.",
            Self::Permission => "The caller may not do this.",
            Self::Config => "The configuration is wrong.",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn every_exit_has_a_code_of_its_own_in_rising_order() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "{codes:?}");
    }
}
