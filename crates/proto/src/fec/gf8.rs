//! GF(2^8): systematic Cauchy Reed-Solomon, field polynomial 0x11D; the coefficient of data shard `i` in recovery
//! shard `j` is the inverse of `(m + i) XOR j`.
//!
//! Plain table arithmetic: hosts of this protocol send GF(2^16), this code only has to be right.

use super::{BlockShape, FecError};

/// Powers and logarithms of the generator 2.
pub(super) struct Field {
    exp: [u8; 510],
    log: [u8; 256],
}

impl Field {
    pub(super) fn boxed() -> Box<Self> {
        Box::default()
    }

    /// Appends `m` recovery shards. The caller has checked the shape.
    pub(super) fn encode(&self, shape: BlockShape, data: &[u8], parity: &mut Vec<u8>) {
        let BlockShape { recovery, shard_bytes, .. } = shape;
        parity.resize(recovery * shard_bytes, 0);
        for (row, sum) in parity.chunks_exact_mut(shard_bytes).enumerate() {
            for (column, shard) in data.chunks_exact(shard_bytes).enumerate() {
                self.add_product(sum, shard, self.coefficient(recovery, row, column));
            }
        }
    }

    /// `k + m ≤ 255` keeps both operands in a byte, and data and recovery numbers never meet, so there is an inverse.
    fn coefficient(&self, recovery: usize, row: usize, column: usize) -> u8 {
        self.inverse((recovery + column) as u8 ^ row as u8)
    }

    fn inverse(&self, value: u8) -> u8 {
        self.exp[255 - self.log[usize::from(value)] as usize]
    }

    fn product(&self, a: u8, b: u8) -> u8 {
        if a == 0 || b == 0 {
            return 0;
        }
        self.exp[self.log[usize::from(a)] as usize + self.log[usize::from(b)] as usize]
    }

    /// `sum += factor * shard`.
    fn add_product(&self, sum: &mut [u8], shard: &[u8], factor: u8) {
        if factor == 0 {
            return;
        }
        let row: [u8; 256] = std::array::from_fn(|value| self.product(factor, value as u8));
        for (to, &from) in sum.iter_mut().zip(shard) {
            *to ^= row[usize::from(from)];
        }
    }
}

impl Default for Field {
    fn default() -> Self {
        let mut field = Self { exp: [0; 510], log: [0; 256] };
        let mut value = 1_u16;
        for power in 0..255 {
            field.exp[power] = value as u8;
            field.exp[power + 255] = value as u8;
            field.log[usize::from(value)] = power as u8;
            value <<= 1;
            if value > 0xFF {
                value ^= 0x11D;
            }
        }
        field
    }
}

/// Solves for the missing shards: one equation per recovery shard, Gauss-Jordan over the missing columns.
#[derive(Default)]
pub(super) struct Decoder {
    field: Field,
    missing: Vec<usize>,
    /// One row of coefficients per equation, `missing` wide.
    matrix: Vec<u8>,
    /// One shard per equation: what the missing shards' products add up to.
    sums: Vec<u8>,
}

impl Decoder {
    /// The caller has checked the shape and hands over at most as many recovery shards as are missing.
    pub(super) fn reconstruct<'a>(
        &mut self,
        shape: BlockShape,
        data: &mut [u8],
        present: impl Fn(usize) -> bool,
        parity: impl Iterator<Item = (usize, &'a [u8])>,
    ) -> Result<(), FecError> {
        self.missing.clear();
        self.missing.extend((0..shape.data).filter(|&shard| !present(shard)));
        self.equations(shape, data, parity)?;
        if self.sums.len() != self.missing.len() * shape.shard_bytes {
            return Err(FecError::TooFewShards);
        }
        self.solve(shape.shard_bytes)?;
        for (sum, &shard) in self.sums.chunks_exact(shape.shard_bytes).zip(&self.missing) {
            data[shard * shape.shard_bytes..][..shape.shard_bytes].copy_from_slice(sum);
        }
        Ok(())
    }

    fn equations<'a>(
        &mut self,
        shape: BlockShape,
        data: &[u8],
        parity: impl Iterator<Item = (usize, &'a [u8])>,
    ) -> Result<(), FecError> {
        let BlockShape { recovery, shard_bytes, .. } = shape;
        self.matrix.clear();
        self.sums.clear();
        for (row, shard) in parity {
            if row >= recovery || shard.len() != shard_bytes {
                return Err(FecError::Shape(shape));
            }
            self.matrix.extend(self.missing.iter().map(|&column| self.field.coefficient(recovery, row, column)));
            let start = self.sums.len();
            self.sums.extend_from_slice(shard);
            let mut missing = self.missing.iter().peekable();
            for (column, known) in data.chunks_exact(shard_bytes).enumerate() {
                if missing.next_if(|&&shard| shard == column).is_none() {
                    let factor = self.field.coefficient(recovery, row, column);
                    self.field.add_product(&mut self.sums[start..], known, factor);
                }
            }
        }
        Ok(())
    }

    /// Turns the matrix into the identity and `sums` into the missing shards, in order. A repeated recovery shard
    /// makes the matrix singular.
    fn solve(&mut self, shard_bytes: usize) -> Result<(), FecError> {
        let size = self.missing.len();
        for pivot in 0..size {
            let row = (pivot..size).find(|row| self.matrix[row * size + pivot] != 0).ok_or(FecError::TooFewShards)?;
            swap_rows(&mut self.matrix, size, row, pivot);
            swap_rows(&mut self.sums, shard_bytes, row, pivot);
            let scale = self.field.inverse(self.matrix[pivot * size + pivot]);
            for value in &mut self.matrix[pivot * size..][..size] {
                *value = self.field.product(*value, scale);
            }
            for value in &mut self.sums[pivot * shard_bytes..][..shard_bytes] {
                *value = self.field.product(*value, scale);
            }
            for row in (0..size).filter(|&row| row != pivot) {
                let factor = self.matrix[row * size + pivot];
                let (to, from) = two_rows(&mut self.matrix, size, row, pivot);
                self.field.add_product(to, from, factor);
                let (to, from) = two_rows(&mut self.sums, shard_bytes, row, pivot);
                self.field.add_product(to, from, factor);
            }
        }
        Ok(())
    }
}

fn swap_rows(rows: &mut [u8], width: usize, a: usize, b: usize) {
    if a != b {
        let (a, b) = two_rows(rows, width, a, b);
        a.swap_with_slice(b);
    }
}

/// Rows `a` and `b`, which differ, in that order.
fn two_rows(rows: &mut [u8], width: usize, a: usize, b: usize) -> (&mut [u8], &mut [u8]) {
    let (low, high) = rows.split_at_mut(a.max(b) * width);
    let (low, high) = (&mut low[a.min(b) * width..][..width], &mut high[..width]);
    if a < b { (low, high) } else { (high, low) }
}
