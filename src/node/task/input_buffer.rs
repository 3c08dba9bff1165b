//! The native copy of a large input, which JavaScript fills piece by piece.

use crate::node::allocator;
use crate::pool::Reservation;
use std::collections::TryReserveError;

pub struct InputBuffer {
    pub reservation: Reservation,
    pub bytes: Vec<u8>,
    /// Whether the bytes are those of a string.
    pub of_string: bool,
}

impl InputBuffer {
    pub fn new(reservation: Reservation, of_string: bool) -> Self {
        InputBuffer { reservation, bytes: Vec::new(), of_string }
    }

    /// Allocates memory for `more` bytes.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn reserve(&mut self, more: usize) -> Result<(), TryReserveError> {
        allocator::reserve_for_input(&mut self.bytes, more)
    }
}
