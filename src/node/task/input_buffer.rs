//! The native copy of a large input, which JavaScript fills piece by piece.

use super::input_form::InputForm;
use crate::node::allocator;
use crate::pool::Reservation;
use std::collections::TryReserveError;

pub struct InputBuffer {
    pub reservation: Reservation,
    pub bytes: Vec<u8>,
    pub form: InputForm,
}

impl InputBuffer {
    pub fn new(reservation: Reservation, form: InputForm) -> Self {
        InputBuffer { reservation, bytes: Vec::new(), form }
    }

    /// Allocates memory for `more` bytes.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn reserve(&mut self, more: usize) -> Result<(), TryReserveError> {
        allocator::reserve_for_input(&mut self.bytes, more)
    }
}
