//! BGRX to I420.

use yuv::{YuvConversionMode, YuvError, YuvPlanarImageMut, YuvRange, YuvStandardMatrix, bgra_to_yuv420};

use crate::frame::Pixels;

/// Converts to BT.709 limited range, what Welcome calls colour 1,1,1,0 (spec section 2.4).
pub(super) fn bgrx_to_i420(pixels: &Pixels, picture: &mut YuvPlanarImageMut<'_, u8>) -> Result<(), YuvError> {
    // A stride of four gigabytes is none: the conversion refuses it as larger than its buffer.
    let stride = u32::try_from(pixels.stride).unwrap_or(u32::MAX);
    bgra_to_yuv420(
        picture,
        &pixels.bytes,
        stride,
        YuvRange::Limited,
        YuvStandardMatrix::Bt709,
        YuvConversionMode::Balanced,
    )
}

#[cfg(test)]
mod tests {
    use super::bgrx_to_i420;
    use crate::frame::Pixels;
    use yuv::{YuvChromaSubsampling, YuvPlanarImageMut};

    /// One colour as its Y, U and V.
    fn convert([r, g, b]: [u8; 3]) -> [u8; 3] {
        let mut pixels = Pixels::default();
        pixels.resize(64, 64);
        pixels.bytes.chunks_exact_mut(4).for_each(|pixel| pixel.copy_from_slice(&[b, g, r, 0x55]));
        let mut picture = YuvPlanarImageMut::alloc(64, 64, YuvChromaSubsampling::Yuv420);
        bgrx_to_i420(&pixels, &mut picture).unwrap();
        [picture.y_plane.borrow()[100], picture.u_plane.borrow()[100], picture.v_plane.borrow()[100]]
    }

    /// The definition of BT.709, limited range, in floating point: the plain twin.
    fn reference([r, g, b]: [u8; 3]) -> [f64; 3] {
        let [r, g, b] = [r, g, b].map(|c| f64::from(c) / 255.0);
        let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        [16.0 + 219.0 * y, 128.0 + 224.0 * (b - y) / 1.8556, 128.0 + 224.0 * (r - y) / 1.5748]
    }

    #[test]
    fn colours_become_bt709_limited_range() {
        let colours =
            [[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 200, 90], [128, 128, 128]];
        for colour in colours {
            let (got, wanted) = (convert(colour), reference(colour));
            for (got, wanted) in got.into_iter().zip(wanted) {
                assert!((f64::from(got) - wanted).abs() <= 1.5, "{colour:?}: {got} is not {wanted:.1}");
            }
        }
    }

    #[test]
    fn a_frame_shorter_than_its_rows_is_refused() {
        let mut pixels = Pixels::default();
        pixels.resize(64, 64);
        pixels.bytes.truncate(100);
        let mut picture = YuvPlanarImageMut::alloc(64, 64, YuvChromaSubsampling::Yuv420);
        assert!(bgrx_to_i420(&pixels, &mut picture).is_err());
    }
}
