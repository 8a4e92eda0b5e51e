use proptest::prelude::{any, proptest};

use super::{BlockShape, FecDecoder, FecEncoder, FecError, FecScheme, recovery_count};

const SCHEMES: [FecScheme; 2] = [FecScheme::Gf8, FecScheme::Gf16];

fn pattern(shape: BlockShape, seed: u64) -> Vec<u8> {
    (0..(shape.data * shape.shard_bytes) as u64).map(|i| (i.wrapping_mul(seed | 1) >> 5) as u8).collect()
}

/// Loses the shards named by `lost` (numbers below `k + m`) and restores the block.
fn survives(scheme: FecScheme, shape: BlockShape, lost: &[usize], seed: u64) -> Result<(), FecError> {
    let data = pattern(shape, seed);
    let mut parity = Vec::new();
    FecEncoder::new(scheme).encode(shape, &data, &mut parity)?;
    let mut broken = data.clone();
    for &shard in lost.iter().filter(|&&shard| shard < shape.data) {
        broken[shard * shape.shard_bytes..][..shape.shard_bytes].fill(0xEE);
    }
    let left = parity.chunks_exact(shape.shard_bytes).enumerate();
    let left = left.filter(|(row, _)| !lost.contains(&(shape.data + row)));
    FecDecoder::new(scheme).reconstruct(shape, &mut broken, |shard| !lost.contains(&shard), left)?;
    assert_eq!(broken, data, "{scheme:?} {shape:?} lost {lost:?}");
    Ok(())
}

#[test]
fn any_m_losses_are_restored_in_small_blocks() {
    let shape = BlockShape { data: 4, recovery: 3, shard_bytes: 10 };
    for scheme in SCHEMES {
        for losses in 0..1_u32 << 7 {
            let lost: Vec<usize> = (0..7).filter(|shard| losses >> shard & 1 == 1).collect();
            let missing_data = lost.iter().filter(|&&shard| shard < 4).count();
            let outcome = survives(scheme, shape, &lost, 77);
            let possible = lost.len() <= 3 || missing_data == 0;
            assert_eq!(outcome.is_ok(), possible, "{scheme:?} lost {lost:?}: {outcome:?}");
        }
    }
}

#[test]
fn shapes_without_a_code_are_refused() {
    for scheme in SCHEMES {
        for (data, recovery, shard_bytes) in
            [(0, 1, 16), (1, 0, 16), (4, 2, 15), (4, 2, 0), (200, 56, 2), (65_000, 600, 2)]
        {
            let shape = BlockShape { data, recovery, shard_bytes };
            let refused = FecEncoder::new(scheme).encode(shape, &pattern(shape, 1), &mut Vec::new());
            let expected = scheme == FecScheme::Gf16 && data == 200;
            assert_eq!(refused.is_ok(), expected, "{scheme:?} {shape:?}");
        }
    }
}

#[test]
fn a_refused_shape_leaves_the_coder_usable() {
    for scheme in SCHEMES {
        let (good, odd) =
            (BlockShape { data: 3, recovery: 2, shard_bytes: 8 }, BlockShape { data: 3, recovery: 2, shard_bytes: 7 });
        let (mut encoder, mut parity) = (FecEncoder::new(scheme), Vec::new());
        encoder.encode(good, &pattern(good, 3), &mut parity).unwrap();
        let before = parity.clone();
        encoder.encode(odd, &pattern(odd, 3), &mut parity).unwrap_err();
        encoder.encode(good, &pattern(good, 3), &mut parity).unwrap();
        assert_eq!(parity, before);
    }
}

#[test]
fn the_same_recovery_shard_twice_is_no_second_equation() {
    for scheme in SCHEMES {
        let shape = BlockShape { data: 3, recovery: 2, shard_bytes: 8 };
        let mut data = pattern(shape, 5);
        let mut parity = Vec::new();
        FecEncoder::new(scheme).encode(shape, &data, &mut parity).unwrap();
        let twice = [(0, &parity[..8]), (0, &parity[..8])].into_iter();
        FecDecoder::new(scheme).reconstruct(shape, &mut data, |shard| shard == 0, twice).unwrap_err();
    }
}

#[test]
fn the_number_of_recovery_shards_rounds_up() {
    assert_eq!(recovery_count(47, 10), 5);
    assert_eq!(recovery_count(1, 1), 1);
    assert_eq!(recovery_count(50, 0), 0);
}

proptest! {
    #[test]
    fn random_losses_up_to_m_are_restored(
        data in 1_usize..60, recovery in 1_usize..40, halves in 1_usize..40, seed in any::<u64>(), gf16 in any::<bool>(),
    ) {
        let scheme = if gf16 { FecScheme::Gf16 } else { FecScheme::Gf8 };
        let shape = BlockShape { data, recovery, shard_bytes: halves * 2 };
        let lost: Vec<usize> = (0..recovery).map(|i| (seed as usize).wrapping_add(i * 7919) % (data + recovery)).collect();
        survives(scheme, shape, &lost, seed).unwrap();
    }
}
