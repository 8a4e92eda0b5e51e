//! The host's advert.

use std::{fmt, net::SocketAddr, sync::Mutex, sync::PoisonError, time::Duration};

use mdns_sd::{IfKind, ServiceDaemon, ServiceInfo, UnregisterStatus};

use super::{DiscoveryError, Reach, SERVICE_TYPE, daemon};

/// What a host says of itself.
#[derive(Clone, Debug)]
pub struct Announcement<'a> {
    /// The display name, cut to what an instance name may hold.
    pub name: &'a str,
    /// Where the host listens: addresses of a family it does not listen on are not advertised.
    pub listen: SocketAddr,
    /// The TXT record, in order.
    pub txt: &'a [(String, String)],
}

/// A host that is being advertised; withdrawn when dropped.
pub struct Advertisement {
    daemon: ServiceDaemon,
    reach: Reach,
    service_type: &'static str,
    full_name: Mutex<String>,
}

/// DNS labels, and so instance names and host names, hold at most this many bytes.
const LABEL_MAX: usize = 63;
/// The goodbye packet is given this long to leave.
const GOODBYE_PATIENCE: Duration = Duration::from_millis(500);

impl Advertisement {
    /// Starts advertising; runs on a thread of its own from then on.
    ///
    /// # Errors
    /// mDNS is not available, or the record does not fit.
    pub fn publish(announcement: &Announcement<'_>, reach: Reach) -> Result<Self, DiscoveryError> {
        Self::publish_as(SERVICE_TYPE, announcement, reach)
    }

    /// As [`Advertisement::publish`], under another service type.
    ///
    /// # Errors
    /// As there.
    pub fn publish_as(
        service_type: &'static str,
        announcement: &Announcement<'_>,
        reach: Reach,
    ) -> Result<Self, DiscoveryError> {
        let daemon = daemon(&reach)?;
        if announcement.listen.is_ipv4() {
            daemon.disable_interface(IfKind::IPv6)?;
        }
        let advertisement = Self { daemon, reach, service_type, full_name: Mutex::default() };
        advertisement.update(announcement)?;
        Ok(advertisement)
    }

    /// Replaces what is advertised, for example after the pairing policy was changed.
    ///
    /// # Errors
    /// The record does not fit; the former one stays.
    pub fn update(&self, announcement: &Announcement<'_>) -> Result<(), DiscoveryError> {
        let info = service(announcement, (self.service_type, &machine_name()), &self.reach)?;
        let mut full_name = self.full_name.lock().unwrap_or_else(PoisonError::into_inner);
        let former = std::mem::replace(&mut *full_name, info.get_fullname().to_owned());
        if !former.is_empty() && former != *full_name {
            self.daemon.unregister(&former)?;
        }
        self.daemon.register(info)?;
        Ok(())
    }
}

impl Drop for Advertisement {
    fn drop(&mut self) {
        let full_name = self.full_name.get_mut().unwrap_or_else(PoisonError::into_inner);
        let withdrawn =
            self.daemon.unregister(full_name).ok().and_then(|done| done.recv_timeout(GOODBYE_PATIENCE).ok());
        if !matches!(withdrawn, Some(UnregisterStatus::OK)) {
            tracing::debug!("the advert could not be withdrawn; it ages out");
        }
        let _ = self.daemon.shutdown();
    }
}

impl fmt::Debug for Advertisement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Advertisement").field("full_name", &self.full_name).finish_non_exhaustive()
    }
}

fn service(
    announcement: &Announcement<'_>,
    (service_type, machine): (&str, &str),
    reach: &Reach,
) -> Result<ServiceInfo, DiscoveryError> {
    let name = announcement.name.trim();
    let name = if name.is_empty() { "punktfunk" } else { &name[..name.floor_char_boundary(LABEL_MAX)] };
    let target = format!("{}.local.", host_label(machine));
    let txt: Vec<(&str, &str)> = announcement.txt.iter().map(|(key, value)| (&**key, &**value)).collect();
    let addresses = match reach {
        Reach::Network | Reach::Interfaces(_) => "",
        Reach::Loopback => "127.0.0.1",
    };
    let info = ServiceInfo::new(service_type, name, &target, addresses, announcement.listen.port(), &txt[..])?;
    Ok(match reach {
        Reach::Network | Reach::Interfaces(_) => info.enable_addr_auto(),
        Reach::Loopback => info,
    })
}

/// A machine's name reduced to `[A-Za-z0-9.-]`, at most 63 bytes (spec section 1.3).
fn host_label(machine: &str) -> String {
    let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let label: String = machine.chars().filter(allowed).take(LABEL_MAX).collect();
    match label.trim_matches(['.', '-']) {
        "" => "punktfunk-host".to_owned(),
        label => label.to_owned(),
    }
}

fn machine_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Announcement, Reach, SERVICE_TYPE, host_label, service};

    #[test]
    fn a_machine_name_is_reduced_to_what_dns_allows() {
        assert_eq!(host_label("Wohnzimmer-PC"), "Wohnzimmer-PC");
        assert_eq!(host_label("spiel_büro.lan"), "spielbro.lan");
        assert_eq!(host_label("日本"), "punktfunk-host");
        assert_eq!(host_label(&"x".repeat(200)).len(), 63);
    }

    #[test]
    fn the_record_carries_every_pair_and_a_long_name_is_cut_between_characters() {
        let txt = [("proto".to_owned(), "punktfunk/1".to_owned()), ("pair".to_owned(), "required".to_owned())];
        let name = "ö".repeat(40);
        let info = service(
            &Announcement { name: &name, listen: "0.0.0.0:9777".parse().unwrap(), txt: &txt },
            (SERVICE_TYPE, "box"),
            &Reach::Loopback,
        )
        .unwrap();
        assert_eq!(info.get_property_val_str("proto"), Some("punktfunk/1"));
        assert_eq!(info.get_property_val_str("pair"), Some("required"));
        assert_eq!(info.get_hostname(), "box.local.");
        assert_eq!(info.get_fullname(), format!("{}._punktfunk._udp.local.", "ö".repeat(31)));
    }

    #[test]
    fn a_pair_too_long_for_a_txt_record_is_refused() {
        let txt = [("mac".to_owned(), "x".repeat(300))];
        assert!(
            service(
                &Announcement { name: "box", listen: "0.0.0.0:1".parse().unwrap(), txt: &txt },
                (SERVICE_TYPE, "box"),
                &Reach::Loopback
            )
            .is_err()
        );
    }
}
