//! Devices that the configuration names. The file is the owner's word on them, for as long as it stands there.

use std::collections::BTreeMap;

use punktfunk_proto::units::{Fingerprint, HostTime};

use crate::{access::Grants, name::DeviceName, store::StoreError};

/// One device as the configuration declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredDevice {
    /// Its name there.
    pub name: DeviceName,
    /// Who it is.
    pub fingerprint: Fingerprint,
    /// What it may do.
    pub grants: Grants,
    /// When that ends; `None` is when the declaration goes.
    pub expires: Option<HostTime>,
}

/// Why declared devices were not taken over. What was in force before still is.
#[derive(Debug, thiserror::Error)]
pub enum DeclareError {
    /// Two names for one device.
    #[error("devices.{first} and devices.{second} have the same fingerprint {fingerprint}: keep one of them")]
    Twice {
        /// The device.
        fingerprint: Fingerprint,
        /// Its first name.
        first: DeviceName,
        /// Its second.
        second: DeviceName,
    },
    /// Our disk.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// By fingerprint; two of one fingerprint are refused.
pub(crate) fn by_fingerprint(
    declared: &[DeclaredDevice],
) -> Result<BTreeMap<Fingerprint, &DeclaredDevice>, DeclareError> {
    let mut all: BTreeMap<_, &DeclaredDevice> = BTreeMap::new();
    for device in declared {
        if let Some(first) = all.insert(device.fingerprint, device) {
            let (fingerprint, first, second) = (device.fingerprint, first.name.clone(), device.name.clone());
            return Err(DeclareError::Twice { fingerprint, first, second });
        }
    }
    Ok(all)
}
