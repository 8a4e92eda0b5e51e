//! Packets in the order of the network, heard in the order they were played.

use punktfunk_audio::{
    FRAME, Layout,
    opus::{Decoder, Encoder, Mode},
    receive::{HELD, Order, Piece},
    tone::{Tone, strength},
};

/// Pushes packets whose content is their number; `with` says which arrive, and gives back what is handed out (-1: lost).
fn through(order: &mut Order, numbers: impl IntoIterator<Item = u32>, redundant: bool) -> Vec<i64> {
    let mut out = Vec::new();
    for number in numbers {
        let previous = number.wrapping_sub(1).to_le_bytes();
        order.push(number, &number.to_le_bytes(), redundant.then_some(&previous[..]));
        drain(order, &mut out);
    }
    out
}

fn drain(order: &mut Order, out: &mut Vec<i64>) {
    while let Some(piece) = order.poll() {
        out.push(match piece {
            Piece::Packet(bytes) => u32::from_le_bytes(bytes.try_into().unwrap()).into(),
            Piece::Lost => -1,
        });
    }
}

#[test]
fn reordered_and_doubled_packets_come_out_once_and_in_order() {
    let mut order = Order::default();
    let out = through(&mut order, [0, 2, 1, 1, 3, 5, 4, 4, 0], false);
    assert_eq!(out, [0, 1, 2, 3, 4, 5]);
    assert_eq!((order.counts().late, order.counts().lost), (3, 0));
}

#[test]
fn a_lost_packet_is_waited_for_and_then_said_to_be_lost() {
    let mut order = Order::default();
    let out = through(&mut order, (0..20).filter(|number| *number != 5), false);
    let wanted: Vec<i64> = (0..20).map(|number| if number == 5 { -1 } else { number }).collect();
    assert_eq!(out, wanted);
    let mut order = Order::default();
    let out = through(&mut order, (0..4 + HELD as u32).filter(|number| *number != 4), false);
    assert_eq!(out, [0, 1, 2, 3], "fewer than {HELD} have come since");
}

#[test]
fn with_redundancy_a_lost_packet_is_not_even_waited_for() {
    let mut order = Order::default();
    let out = through(&mut order, (0..20).filter(|number| number % 2 == 0), true);
    assert_eq!(out, (0..19).collect::<Vec<_>>());
    assert_eq!((order.counts().recovered, order.counts().lost), (9, 0));
}

#[test]
fn numbers_that_wrap_or_start_anew_do_not_stop_the_sound() {
    let mut order = Order::default();
    let out = through(&mut order, (0..10).map(|step| (u32::MAX - 4).wrapping_add(step)), false);
    assert_eq!(out.len(), 10);
    let out = through(&mut order, 1_000_000..1_000_010, false);
    assert_eq!(out, (1_000_000..1_000_010).collect::<Vec<i64>>());
}

#[test]
fn a_gap_of_seconds_and_wild_numbers_cost_nothing() {
    let mut order = Order::default();
    let out = through(&mut order, [0, 150, 151, 152], false);
    assert!(out.len() < 40, "{}", out.len());
    let wild = (0..100_000_u32).map(|step| step.wrapping_mul(2_654_435_761));
    assert!(through(&mut order, wild, true).len() < 400_000);
}

#[test]
fn a_tone_survives_lost_packets() {
    let (mut encoder, mut decoder) =
        (Encoder::new(Layout::Stereo, Mode::Native { kbps: 128 }).unwrap(), Decoder::new(Layout::Stereo).unwrap());
    let mut tone = Tone::new(997, 0.5, 2);
    let (mut order, mut heard) = (Order::default(), Vec::new());
    let (mut pcm, mut packet, mut decoded) = (vec![0.0; FRAME * 2], Vec::new(), Vec::new());
    for number in 0..400 {
        tone.write(&mut pcm);
        encoder.encode(&pcm, &mut packet).unwrap();
        if number % 20 != 19 {
            order.push(number, &packet, None);
        }
        while let Some(piece) = order.poll() {
            let piece = match piece {
                Piece::Packet(packet) => Some(packet),
                Piece::Lost => None,
            };
            decoder.decode(piece, &mut decoded).unwrap();
            assert_eq!(decoded.len(), FRAME * 2);
            heard.extend_from_slice(&decoded);
        }
    }
    assert_eq!(order.counts().lost, 19);
    let found = strength(heard.iter().copied().step_by(2).skip(9_600), 997);
    assert!((0.4..0.55).contains(&found), "{found}");
}
