//! `/applist` (GameStream spec section 2.9).

use super::{Host, Xml};

/// What a client can start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Clients remember it: from 1 to 2^31 - 1, always the same for the same application.
    pub id: u32,
    /// What it is called.
    pub title: String,
}

pub(super) fn list(host: &dyn Host) -> Xml {
    let applications = host.applications().into_iter();
    applications.fold(Xml::ok(), |xml, application| {
        xml.nested("App", |xml| {
            xml.with("IsHdrSupported", 0).with("AppTitle", &application.title).with("ID", application.id)
        })
    })
}
