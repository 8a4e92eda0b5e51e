//! Annex-B byte streams: finding NAL units, and dropping the ones nobody needs.

/// NAL unit types of H.264 (table 7-1 of the standard).
pub(super) mod h264 {
    /// First slice type: 1 to 5 carry pictures.
    pub(crate) const SLICES: std::ops::RangeInclusive<u8> = 1..=5;
    /// Supplemental information; the decoder works without it.
    pub(crate) const SEI: u8 = 6;
}

/// One NAL unit's place in an access unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nal {
    /// Where its start code begins.
    pub start: usize,
    /// Where its header byte is.
    pub header: usize,
    /// H.264 `nal_unit_type`.
    pub kind: u8,
}

/// The NAL units of an access unit, in order.
pub fn nal_units(bytes: &[u8]) -> NalUnits<'_> {
    NalUnits { bytes, at: 0 }
}

/// Iterator of [`nal_units`].
pub struct NalUnits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Iterator for NalUnits<'_> {
    type Item = Nal;

    fn next(&mut self) -> Option<Nal> {
        let rest = self.bytes.get(self.at..)?;
        let code = rest.windows(3).position(|three| three == [0, 0, 1])? + self.at;
        let header = code + 3;
        let kind = self.bytes.get(header)? & 0x1f;
        self.at = header;
        // A start code of four bytes begins with one more zero, which belongs to no NAL unit.
        let start = if code > 0 && self.bytes[code - 1] == 0 { code - 1 } else { code };
        Some(Nal { start, header, kind })
    }
}

/// Removes supplemental information in front of the picture, in place; returns how many bytes are left.
///
/// libx264 introduces itself with one such unit in its first picture: about 700 bytes of text that cost a datagram.
/// Only what comes before the first slice is looked at, so the cost does not grow with the picture.
pub(super) fn strip_sei(bytes: &mut [u8]) -> usize {
    let mut len = bytes.len();
    while let Some((from, to)) = first_sei(&bytes[..len]) {
        bytes.copy_within(to..len, from);
        len -= to - from;
    }
    len
}

fn first_sei(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut units = nal_units(bytes).take_while(|nal| !h264::SLICES.contains(&nal.kind));
    let sei = units.find(|nal| nal.kind == h264::SEI)?;
    let next = nal_units(bytes).find(|nal| nal.start > sei.start)?;
    Some((sei.start, next.start))
}

#[cfg(test)]
mod tests {
    use super::{nal_units, strip_sei};

    const SPS: &[u8] = &[0, 0, 0, 1, 0x67, 1, 2];
    const SEI: &[u8] = &[0, 0, 1, 0x06, 5, 9, 9, 9];
    const IDR: &[u8] = &[0, 0, 0, 1, 0x65, 0, 0, 3, 1];

    fn kinds(bytes: &[u8]) -> Vec<u8> {
        nal_units(bytes).map(|nal| nal.kind).collect()
    }

    #[test]
    fn units_are_found_behind_start_codes_of_both_lengths() {
        let bytes = [SPS, SEI, IDR].concat();
        assert_eq!(kinds(&bytes), [7, 6, 5]);
        let starts: Vec<usize> = nal_units(&bytes).map(|nal| nal.start).collect();
        assert_eq!(starts, [0, SPS.len(), SPS.len() + SEI.len()]);
    }

    #[test]
    fn supplemental_information_goes_and_the_rest_stays() {
        let mut bytes = [SPS, SEI, SEI, IDR].concat();
        let len = strip_sei(&mut bytes);
        assert_eq!(bytes[..len], [SPS, IDR].concat());
    }

    #[test]
    fn bytes_without_a_picture_are_left_alone() {
        for bytes in [&[][..], &[0, 0], &[0, 0, 1], SEI] {
            let mut copy = bytes.to_vec();
            assert_eq!(strip_sei(&mut copy), bytes.len());
            assert_eq!(copy, bytes);
        }
    }
}
