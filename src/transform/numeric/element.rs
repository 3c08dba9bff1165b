//! The element types of typed arrays. The bytes of an array have the byte order of the machine.

use crate::args::{Args, ArgumentError};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::transform::memory;
use crate::transform::value::Value;
use rayon::prelude::*;

/// Elements converted between two polls of the cancel flag.
const PART: usize = 1 << 16;

/// An element of a typed array.
pub trait Number: Copy + Send + Sync {
    /// Integer that sorts like the element.
    type Key: Ord + Copy + Send + Sync;
    const SIZE: usize;
    fn read(bytes: &[u8]) -> Self;
    fn write(self, out: &mut [u8]);
    fn key(self) -> Self::Key;
    fn of_key(key: Self::Key) -> Self;
    fn as_f64(self) -> f64;
}

macro_rules! integers {
    ($($number:ty),*) => {$(
        impl Number for $number {
            type Key = Self;
            const SIZE: usize = size_of::<$number>();
            fn read(bytes: &[u8]) -> Self {
                Self::from_ne_bytes(bytes.try_into().expect("the length of an element"))
            }
            fn write(self, out: &mut [u8]) {
                out.copy_from_slice(&self.to_ne_bytes());
            }
            fn key(self) -> Self {
                self
            }
            fn of_key(key: Self) -> Self {
                key
            }
            #[allow(clippy::cast_lossless, clippy::cast_precision_loss, reason = "rounds as Number() does")]
            fn as_f64(self) -> f64 {
                self as f64
            }
        }
    )*};
}

integers!(i8, u8, i16, u16, i32, u32, i64, u64);

macro_rules! floats {
    ($($number:ty, $key:ty);*) => {$(
        impl Number for $number {
            /// The bits, rearranged to sort as typed arrays do: -0 before 0, and NaN last.
            type Key = $key;
            const SIZE: usize = size_of::<$number>();
            fn read(bytes: &[u8]) -> Self {
                Self::from_ne_bytes(bytes.try_into().expect("the length of an element"))
            }
            fn write(self, out: &mut [u8]) {
                out.copy_from_slice(&self.to_ne_bytes());
            }
            fn key(self) -> $key {
                const SIGN: $key = 1 << (<$key>::BITS - 1);
                let bits = self.to_bits();
                if self.is_nan() { <$key>::MAX } else if bits & SIGN != 0 { !bits } else { bits | SIGN }
            }
            fn of_key(key: $key) -> Self {
                const SIGN: $key = 1 << (<$key>::BITS - 1);
                if key == <$key>::MAX { return Self::NAN; }
                Self::from_bits(if key & SIGN != 0 { key & !SIGN } else { !key })
            }
            #[allow(clippy::cast_lossless, reason = "one of the two is f64")]
            fn as_f64(self) -> f64 {
                self as f64
            }
        }
    )*};
}

floats!(f32, u32; f64, u64);

/// An element type, by its name.
#[derive(Debug, Clone, Copy)]
pub struct ElementType(&'static str);

/// An operation that is generic over the element type.
pub trait Visitor {
    type Out;
    fn visit<N: Number>(self, bytes: &[u8]) -> Result<Self::Out>;
}

impl ElementType {
    /// Reads the first argument.
    ///
    /// # Errors
    /// For anything but the name of an element type.
    pub fn of(args: &Args) -> std::result::Result<Self, ArgumentError> {
        let names = ["i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "f32", "f64"];
        args.one_of(0, "kind", &names).map(ElementType)
    }

    /// Calls the visitor with this type.
    ///
    /// # Errors
    /// Those of the visitor; of kind `InvalidData` for a partial element.
    pub fn visit<V: Visitor>(self, bytes: &[u8], visitor: V) -> Result<V::Out> {
        match self.0 {
            "i8" => visit_as::<i8, V>(bytes, visitor),
            "u8" => visit_as::<u8, V>(bytes, visitor),
            "i16" => visit_as::<i16, V>(bytes, visitor),
            "u16" => visit_as::<u16, V>(bytes, visitor),
            "i32" => visit_as::<i32, V>(bytes, visitor),
            "u32" => visit_as::<u32, V>(bytes, visitor),
            "i64" => visit_as::<i64, V>(bytes, visitor),
            "u64" => visit_as::<u64, V>(bytes, visitor),
            "f32" => visit_as::<f32, V>(bytes, visitor),
            _ => visit_as::<f64, V>(bytes, visitor),
        }
    }
}

fn visit_as<N: Number, V: Visitor>(bytes: &[u8], visitor: V) -> Result<V::Out> {
    if !bytes.len().is_multiple_of(N::SIZE) {
        return Err(partial_element(bytes.len(), N::SIZE));
    }
    visitor.visit::<N>(bytes)
}

/// Returns the error for a length that is not a multiple of the element size.
pub fn partial_element(len: usize, size: usize) -> Error {
    Error::invalid_data(format!("The length of the input must be a multiple of {size} bytes. Received {len} bytes"))
}

/// Converts all elements to doubles, in parts of equal length.
///
/// # Errors
/// Of kind `InvalidData` for a partial element, of kind `Resources` without memory, of kind `Cancelled`.
pub fn read_f64(element: ElementType, bytes: &[u8], cancel: &Cancel) -> Result<Vec<Vec<f64>>> {
    struct ToF64<'a>(&'a Cancel);
    impl Visitor for ToF64<'_> {
        type Out = Vec<Vec<f64>>;
        fn visit<N: Number>(self, bytes: &[u8]) -> Result<Vec<Vec<f64>>> {
            memory::check(bytes.len() / N::SIZE * size_of::<f64>())?;
            let convert = |part: &[u8]| {
                self.0.check()?;
                Ok(part.chunks_exact(N::SIZE).map(|it| N::read(it).as_f64()).collect())
            };
            bytes.par_chunks(PART * N::SIZE).map(convert).collect()
        }
    }
    element.visit(bytes, ToF64(cancel))
}

/// Returns doubles as the bytes of a `Float64Array`.
pub fn f64_bytes(numbers: impl IntoIterator<Item = f64>) -> Value {
    numbers.into_iter().flat_map(f64::to_ne_bytes).collect::<Vec<u8>>().into()
}
