//! The budget that every buffer of the reassembler is taken from (spec section 4.7; abuse case 45).

/// Bytes in use of a fixed budget.
#[derive(Debug)]
pub(super) struct Meter {
    used: usize,
    /// The part of it that is the erasure code's work space, which never shrinks.
    work: usize,
    budget: usize,
}

/// The budget does not allow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OverBudget;

impl Meter {
    pub(super) fn new(budget: usize) -> Self {
        Self { used: 0, work: 0, budget }
    }

    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// Makes `buffer` at least `len` long, paying for what it has to allocate; never shortens it.
    pub(super) fn grow<T: Copy + Default>(&mut self, buffer: &mut Vec<T>, len: usize) -> Result<(), OverBudget> {
        if len > buffer.capacity() {
            let capacity = if len < GRAIN { len.next_power_of_two() } else { len.next_multiple_of(GRAIN) };
            let more = (capacity - buffer.capacity()).saturating_mul(size_of::<T>());
            if more > self.budget.saturating_sub(self.used) {
                return Err(OverBudget);
            }
            buffer.reserve_exact(capacity - buffer.len());
            self.used += more;
        }
        if len > buffer.len() {
            buffer.resize(len, T::default());
        }
        Ok(())
    }

    /// Pays for the erasure code to grow to a work space of `bytes`.
    pub(super) fn reserve_work(&mut self, bytes: usize) -> Result<(), OverBudget> {
        let more = bytes.saturating_sub(self.work);
        if more > self.budget.saturating_sub(self.used) {
            return Err(OverBudget);
        }
        self.used += more;
        self.work += more;
        Ok(())
    }

    /// Pays for memory that comes in from outside, even beyond the budget: nothing then grows until some is released.
    pub(super) fn take_on(&mut self, bytes: usize) {
        self.used += bytes;
    }

    /// Takes back what `bytes` of buffers were paid for.
    pub(super) fn release(&mut self, bytes: usize) {
        self.used = self.used.saturating_sub(bytes);
    }
}

/// Buffers beyond this many elements grow in steps of it, so that frames of nearly the same size share one.
const GRAIN: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::{Meter, OverBudget};

    #[test]
    fn what_does_not_fit_is_not_allocated() {
        let (mut meter, mut buffer) = (Meter::new(40_000), Vec::<u8>::new());
        meter.grow(&mut buffer, 20_000).unwrap();
        assert_eq!((buffer.len(), meter.used()), (20_000, buffer.capacity()));
        assert_eq!(meter.grow(&mut buffer, 40_000), Err(OverBudget));
        assert_eq!(buffer.len(), 20_000);
        meter.release(buffer.capacity());
        assert_eq!(meter.used(), 0);
    }
}
