//! The kinds of number that typed arrays hold.

use super::arrays::uneven;
use crate::args::{Args, ArgumentError};
use crate::error::Result;

/// An element of a typed array.
pub trait Number: Copy + Send + Sync {
    /// Sorts as the elements do.
    type Key: Ord + Copy + Send + Sync;
    const SIZE: usize;
    fn read(bytes: &[u8]) -> Self;
    fn write(self, out: &mut [u8]);
    fn key(self) -> Self::Key;
    fn of_key(key: Self::Key) -> Self;
    fn as_f64(self) -> f64;
}

macro_rules! integers {
    ($($kind:ty),*) => {$(
        impl Number for $kind {
            type Key = Self;
            const SIZE: usize = size_of::<$kind>();
            fn read(bytes: &[u8]) -> Self {
                Self::from_ne_bytes(bytes.try_into().expect("an element"))
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
            #[allow(clippy::cast_lossless, clippy::cast_precision_loss, reason = "as Number() does")]
            fn as_f64(self) -> f64 {
                self as f64
            }
        }
    )*};
}

integers!(i8, u8, i16, u16, i32, u32, i64, u64);

macro_rules! floats {
    ($($kind:ty, $key:ty);*) => {$(
        impl Number for $kind {
            /// The bits, such that they sort as typed arrays do: -0 before 0, and NaN last.
            type Key = $key;
            const SIZE: usize = size_of::<$kind>();
            fn read(bytes: &[u8]) -> Self {
                Self::from_ne_bytes(bytes.try_into().expect("an element"))
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
}

/// What is done with numbers of any kind.
pub trait Visit {
    type Out;
    fn visit<N: Number>(self, bytes: &[u8]) -> Result<Self::Out>;
}

impl Kind {
    const NAMES: [&'static str; 10] = ["i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "f32", "f64"];
    const ALL: [Kind; 10] =
        [Kind::I8, Kind::U8, Kind::I16, Kind::U16, Kind::I32, Kind::U32, Kind::I64, Kind::U64, Kind::F32, Kind::F64];

    /// The first argument.
    pub fn of(args: &Args) -> std::result::Result<Self, ArgumentError> {
        let name = args.one_of(0, "kind", &Kind::NAMES)?;
        let place = Kind::NAMES.iter().position(|it| *it == name).expect("one of them");
        Ok(Kind::ALL[place])
    }

    pub fn visit<V: Visit>(self, bytes: &[u8], visit: V) -> Result<V::Out> {
        match self {
            Kind::I8 => whole::<i8, V>(bytes, visit),
            Kind::U8 => whole::<u8, V>(bytes, visit),
            Kind::I16 => whole::<i16, V>(bytes, visit),
            Kind::U16 => whole::<u16, V>(bytes, visit),
            Kind::I32 => whole::<i32, V>(bytes, visit),
            Kind::U32 => whole::<u32, V>(bytes, visit),
            Kind::I64 => whole::<i64, V>(bytes, visit),
            Kind::U64 => whole::<u64, V>(bytes, visit),
            Kind::F32 => whole::<f32, V>(bytes, visit),
            Kind::F64 => whole::<f64, V>(bytes, visit),
        }
    }
}

fn whole<N: Number, V: Visit>(bytes: &[u8], visit: V) -> Result<V::Out> {
    if !bytes.len().is_multiple_of(N::SIZE) {
        return Err(uneven(bytes.len(), N::SIZE));
    }
    visit.visit::<N>(bytes)
}
