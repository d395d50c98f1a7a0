//! A vector's numbers: read in whichever form they come, written in whichever is wanted.
//!
//! Floats keep the value that the provider wrote. Signs are packed as Cohere, Voyage and Jina pack them: eight to a byte,
//! the first in the highest bit, `binary` the same less 128. Bytes that a provider does not offer are made of floats:
//! a vector of length one has numbers from -1 to 1, which are spread over the byte.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use tollgate_ir::{Usage, Vector, VectorForm};

use crate::json::{ArrayWriter, ObjectWriter};

/// Numbers as a list, or as base64 of their bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Numbers {
    /// A list.
    List(Vec<f64>),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Numbers;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of numbers, or base64")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Numbers, E> {
                STANDARD.decode(text).map(Numbers::Bytes).map_err(E::custom)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Numbers, A::Error> {
                let mut list = Vec::with_capacity(seq.size_hint().unwrap_or(1024));
                while let Some(number) = seq.next_element()? {
                    list.push(number);
                }
                Ok(Numbers::List(list))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl Numbers {
    /// As a vector of the form that was asked for.
    pub(super) fn of_form(self, form: VectorForm) -> Vector {
        let mut vector = Vector::default();
        match form {
            VectorForm::Float | VectorForm::Base64 => vector.float = Some(self.floats()),
            VectorForm::Int8 => vector.int8 = Some(self.signed()),
            VectorForm::Uint8 => vector.uint8 = Some(self.unsigned()),
            VectorForm::Binary => vector.binary = Some(self.signed()),
            VectorForm::Ubinary => vector.ubinary = Some(self.unsigned()),
        }
        vector
    }

    fn floats(self) -> Vec<f64> {
        match self {
            Self::List(list) => list,
            Self::Bytes(bytes) => {
                bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]).into()).collect()
            }
        }
    }

    fn signed(self) -> Vec<i8> {
        match self {
            Self::List(list) => list.into_iter().map(rounded_i8).collect(),
            Self::Bytes(bytes) => bytes.into_iter().map(u8::cast_signed).collect(),
        }
    }

    fn unsigned(self) -> Vec<u8> {
        match self {
            Self::List(list) => list.into_iter().map(rounded_u8).collect(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to the type before")]
fn rounded_i8(n: f64) -> i8 {
    n.round().clamp(-128.0, 127.0) as i8
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the type before")]
fn rounded_u8(n: f64) -> u8 {
    n.round().clamp(0.0, 255.0) as u8
}

/// Lays a form of a vector over the others.
pub(super) fn merge(into: &mut Vector, from: Vector) {
    into.float = into.float.take().or(from.float);
    into.int8 = into.int8.take().or(from.int8);
    into.uint8 = into.uint8.take().or(from.uint8);
    into.binary = into.binary.take().or(from.binary);
    into.ubinary = into.ubinary.take().or(from.ubinary);
}

/// A vector's numbers in one form: the provider's, or made of another.
pub(super) enum Form {
    /// Floats.
    Float(Vec<f64>),
    /// Whole numbers.
    Signed(Vec<i8>),
    /// Whole numbers without a sign.
    Unsigned(Vec<u8>),
}

impl Form {
    /// Of a vector.
    pub(super) fn of(vector: &Vector, form: VectorForm) -> Self {
        match form {
            VectorForm::Float | VectorForm::Base64 => Self::Float(floats(vector)),
            VectorForm::Int8 => Self::Signed(
                vector
                    .int8
                    .clone()
                    .unwrap_or_else(|| floats(vector).into_iter().map(|n| rounded_i8(n * 127.0)).collect()),
            ),
            VectorForm::Uint8 => {
                Self::Unsigned(vector.uint8.clone().unwrap_or_else(|| {
                    floats(vector).into_iter().map(|n| rounded_u8(n.mul_add(127.5, 127.5))).collect()
                }))
            }
            VectorForm::Binary => Self::Signed(
                vector
                    .binary
                    .clone()
                    .unwrap_or_else(|| signs(vector).into_iter().map(|byte| (byte ^ 0x80).cast_signed()).collect()),
            ),
            VectorForm::Ubinary => Self::Unsigned(signs(vector)),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            #[expect(clippy::cast_possible_truncation, reason = "the form holds floats of 32 bits")]
            Self::Float(list) => list.iter().flat_map(|n| (*n as f32).to_le_bytes()).collect(),
            Self::Signed(list) => list.iter().map(|n| n.cast_unsigned()).collect(),
            Self::Unsigned(list) => list.clone(),
        }
    }

    fn list(&self, a: &mut ArrayWriter<'_>) {
        match self {
            Self::Float(list) => list.iter().for_each(|n| a.float(*n)),
            Self::Signed(list) => list.iter().for_each(|n| a.float(f64::from(*n))),
            Self::Unsigned(list) => list.iter().for_each(|n| a.float(f64::from(*n))),
        }
    }

    /// Writes them as a member: a list, or base64 where it is wanted packed.
    pub(super) fn write(&self, o: &mut ObjectWriter<'_>, key: &str, packed: bool) {
        if packed {
            o.text(key, &STANDARD.encode(self.bytes()));
        } else {
            o.array(key, |a| self.list(a));
        }
    }

    /// Writes them as an item.
    pub(super) fn write_item(&self, a: &mut ArrayWriter<'_>, packed: bool) {
        if packed {
            a.text(&STANDARD.encode(self.bytes()));
        } else {
            a.array(|a| self.list(a));
        }
    }
}

/// The floats, or the numbers of whichever form there is: their directions are the same.
pub(super) fn floats(vector: &Vector) -> Vec<f64> {
    if let Some(list) = &vector.float {
        return list.clone();
    }
    if let Some(list) = &vector.int8 {
        return list.iter().map(|n| f64::from(*n)).collect();
    }
    if let Some(list) = &vector.uint8 {
        return list.iter().map(|n| f64::from(*n) - 127.5).collect();
    }
    let bits = signs(vector);
    bits.iter().flat_map(|byte| (0..8).rev().map(move |i| if byte >> i & 1 == 1 { 1.0 } else { -1.0 })).collect()
}

/// The signs, packed.
fn signs(vector: &Vector) -> Vec<u8> {
    if let Some(list) = &vector.ubinary {
        return list.clone();
    }
    if let Some(list) = &vector.binary {
        return list.iter().map(|n| n.cast_unsigned() ^ 0x80).collect();
    }
    if vector.float.is_none() && vector.int8.is_none() && vector.uint8.is_none() {
        return Vec::new();
    }
    floats(vector)
        .chunks(8)
        .map(|eight| eight.iter().enumerate().fold(0, |byte, (i, n)| byte | (u8::from(*n > 0.0) << (7 - i))))
        .collect()
}

/// Usage of a reply that counts its input alone.
pub(super) fn usage(input: Option<u64>) -> Option<Usage> {
    input.map(|input| Usage { input, ..Usage::default() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn signs_are_packed_as_the_providers_pack_them() {
        let vector = Vector {
            float: Some(vec![0.1, -0.1, 0.2, 0.3, -1.0, -0.5, 0.0, 0.9, 0.4, -0.4, 0.4, -0.4, -0.4, -0.4, -0.4, -0.4]),
            ..Vector::default()
        };
        let Form::Unsigned(bytes) = Form::of(&vector, VectorForm::Ubinary) else { panic!() };
        assert_eq!(bytes, [0b1011_0001, 0b1010_0000]);
        let Form::Signed(bytes) = Form::of(&vector, VectorForm::Binary) else { panic!() };
        assert_eq!(bytes, [0b1011_0001_u8 as i16 as i8 ^ -128, 0b1010_0000_u8 as i8 ^ -128]);
        assert_eq!(i16::from(bytes[0]), 0b1011_0001 - 128);
    }

    #[test]
    fn bytes_keep_the_order_of_the_floats() {
        let vector = Vector { float: Some(vec![-1.0, -0.5, 0.0, 0.5, 1.0]), ..Vector::default() };
        let Form::Signed(bytes) = Form::of(&vector, VectorForm::Int8) else { panic!() };
        assert_eq!(bytes, [-127, -64, 0, 64, 127]);
        let Form::Unsigned(bytes) = Form::of(&vector, VectorForm::Uint8) else { panic!() };
        assert_eq!(bytes, [0, 64, 128, 191, 255]);
    }

    proptest! {
        #[test]
        fn packed_floats_are_read_as_they_were_written(list in prop::collection::vec(any::<f32>().prop_filter("a number", |n| n.is_finite()), 0..40)) {
            let form = Form::Float(list.iter().map(|n| f64::from(*n)).collect());
            let text = format!("\"{}\"", STANDARD.encode(form.bytes()));
            let back: Numbers = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(back.floats(), list.iter().map(|n| f64::from(*n)).collect::<Vec<_>>());
        }

        #[test]
        fn binary_forms_are_one(list in prop::collection::vec(-1.0..1.0_f64, 8..64)) {
            let vector = Vector { float: Some(list), ..Vector::default() };
            let Form::Signed(signed) = Form::of(&vector, VectorForm::Binary) else { panic!() };
            let back = Vector { binary: Some(signed), ..Vector::default() };
            let (Form::Unsigned(a), Form::Unsigned(b)) =
                (Form::of(&vector, VectorForm::Ubinary), Form::of(&back, VectorForm::Ubinary)) else { panic!() };
            prop_assert_eq!(a, b);
        }
    }
}
