//! Whether to talk to the host that answered. A pure decision, made on every connection.
//!
//! A pinned certificate is the only thing that connects without a question. Trust on first use is offered only for
//! a host whose advert says that it lets anyone in (`pair=optional`) and that presents the certificate it
//! advertises. A certificate that changed goes to the PIN, never to "trust again".

use punktfunk_proto::{
    units::Fingerprint,
    wire::txt::{Advert, PairingPolicyAdvert},
};

/// What to do with a host that presented its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is the pinned host.
    Connect,
    /// Unknown, but open to everyone: ask the user to compare the fingerprint, then pin it.
    OfferTofu {
        /// The certificate to compare and pin.
        presented: Fingerprint,
    },
    /// Unknown: pair with a PIN.
    NeedPin {
        /// The certificate it presented, for the record only.
        presented: Fingerprint,
    },
    /// Not the certificate that was pinned: somebody else answers, or the host was set up anew. Pair with a PIN.
    IdentityChanged {
        /// The certificate that was trusted.
        pinned: Fingerprint,
        /// The certificate that it presents now.
        presented: Fingerprint,
    },
}

/// Decides from what was stored, what was advertised (spec section 1.3) and what was presented.
pub fn decide(pinned: Option<Fingerprint>, advert: Option<&Advert>, presented: Fingerprint) -> Decision {
    match (pinned, advert) {
        (Some(pinned), _) if pinned == presented => Decision::Connect,
        (Some(pinned), _) => Decision::IdentityChanged { pinned, presented },
        (None, Some(advert))
            if advert.pairing == PairingPolicyAdvert::Optional && advert.fingerprint == Some(presented) =>
        {
            Decision::OfferTofu { presented }
        }
        (None, _) => Decision::NeedPin { presented },
    }
}

#[cfg(test)]
mod tests {
    use super::{Decision, decide};
    use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
    use punktfunk_proto::{
        units::Fingerprint,
        wire::txt::{Advert, PairingPolicyAdvert},
    };

    const A: Fingerprint = Fingerprint::from_bytes([0xAA; 32]);
    const B: Fingerprint = Fingerprint::from_bytes([0xBB; 32]);

    fn advert(pairing: PairingPolicyAdvert, fingerprint: Option<Fingerprint>) -> Advert {
        Advert { fingerprint, pairing, id: None, mgmt: None, os: None, mac: Vec::new() }
    }

    fn required(fingerprint: Fingerprint) -> Advert {
        advert(PairingPolicyAdvert::Required, Some(fingerprint))
    }

    fn optional(fingerprint: Fingerprint) -> Advert {
        advert(PairingPolicyAdvert::Optional, Some(fingerprint))
    }

    #[test]
    fn a_pinned_host_connects_without_a_question() {
        assert_eq!(decide(Some(A), None, A), Decision::Connect);
        assert_eq!(decide(Some(A), Some(&required(B)), A), Decision::Connect);
    }

    #[test]
    fn a_changed_certificate_is_never_offered_for_trust_again() {
        let changed = Decision::IdentityChanged { pinned: A, presented: B };
        assert_eq!(decide(Some(A), None, B), changed);
        assert_eq!(decide(Some(A), Some(&optional(B)), B), changed);
    }

    #[test]
    fn only_a_discovered_open_host_is_offered_on_first_use() {
        let pin = Decision::NeedPin { presented: A };
        assert_eq!(decide(None, Some(&optional(A)), A), Decision::OfferTofu { presented: A });
        assert_eq!(decide(None, Some(&required(A)), A), pin);
        assert_eq!(decide(None, None, A), pin);
    }

    #[test]
    fn an_open_host_that_presents_another_certificate_than_it_advertises_needs_the_pin() {
        let pin = Decision::NeedPin { presented: A };
        assert_eq!(decide(None, Some(&optional(B)), A), pin);
        assert_eq!(decide(None, Some(&advert(PairingPolicyAdvert::Optional, None)), A), pin);
    }

    fn fingerprints() -> impl Strategy<Value = Fingerprint> {
        prop_oneof![Just(A), Just(B), any::<[u8; 32]>().prop_map(Fingerprint::from_bytes)]
    }

    fn adverts() -> impl Strategy<Value = Option<Advert>> {
        let pairing = prop_oneof![Just(PairingPolicyAdvert::Required), Just(PairingPolicyAdvert::Optional)];
        let parts = (pairing, proptest::option::of(fingerprints()));
        proptest::option::of(parts.prop_map(|(pairing, fingerprint)| advert(pairing, fingerprint)))
    }

    proptest! {
        #[test]
        fn no_advert_turns_a_pin_into_anything_but_the_pinned_host(
            pinned in fingerprints(), advert in adverts(), presented in fingerprints()
        ) {
            let decision = decide(Some(pinned), advert.as_ref(), presented);
            let expected = if presented == pinned {
                Decision::Connect
            } else {
                Decision::IdentityChanged { pinned, presented }
            };
            prop_assert_eq!(decision, expected);
        }

        #[test]
        fn a_host_that_is_not_pinned_never_connects_by_itself(advert in adverts(), presented in fingerprints()) {
            prop_assert!(decide(None, advert.as_ref(), presented) != Decision::Connect);
        }
    }
}
