//! Who may use a route (design, section 5).

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    /// Anybody.
    Open {
        /// Whether it answers while nobody administers the host.
        unclaimed: bool,
    },
    /// Paired devices, and administrators.
    Device,
    /// Administrators: a login, the bearer token, a device with the admin grant.
    Admin,
    /// Administrators; a login needs a password that was proven in the last 15 minutes.
    Sensitive,
}

impl Lane {
    /// How the OpenAPI document calls it (`x-lane`).
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::Device => "device",
            Self::Admin => "admin",
            Self::Sensitive => "admin!",
        }
    }

    /// Whether it answers while nobody administers the host.
    pub(crate) fn answers_unclaimed(self) -> bool {
        matches!(self, Self::Open { unclaimed: true })
    }
}
