//! Objects whose field `t` names their kind, read in one go.
//!
//! serde's own way to read such an enum takes `t` at any place: it keeps the object's fields until it has seen
//! `t`, and reads what it kept by other code than JSON's. In the page that is code for a twentieth of its wasm, and what
//! the page reads was written by this crate, which puts `t` first. So the wasm reads `t`, and then the rest straight
//! from the text. The server, which reads what others wrote, takes `t` wherever it stands.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess, VariantAccess, Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};

/// Defines an enum whose variants are told apart by the field `t`, in `snake_case`.
///
/// It is written as [`Serialize`](serde::Serialize) with `#[serde(tag = "t")]` writes it. Natively it is read that way
/// too; in the page only where `t` comes first. The caller depends on `serde` with its derive macros.
#[macro_export]
macro_rules! tagged {
    ($(#[$meta:meta])* pub enum $name:ident { $($variants:tt)* }) => {
        $(#[$meta])*
        #[derive(serde::Serialize)]
        #[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]
        #[serde(tag = "t", rename_all = "snake_case")]
        pub enum $name { $($variants)* }

        #[cfg(any(test, target_arch = "wasm32"))]
        const _: () = {
            use $name as Tagged;

            #[allow(dead_code, missing_docs)]
            #[derive(serde::Deserialize)]
            #[serde(remote = "Tagged", rename_all = "snake_case")]
            enum Variants { $($variants)* }

            #[cfg(target_arch = "wasm32")]
            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                    Variants::deserialize($crate::TagFirst(input))
                }
            }

            #[cfg(test)]
            impl $name {
                /// Reads as the page does.
                pub(crate) fn tag_first<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                    Variants::deserialize($crate::TagFirst(input))
                }
            }
        };
    };
}

/// Gives an object whose first field is `t` to an enum, as the variant of that name with the other fields. For
/// [`tagged!`].
#[doc(hidden)]
#[derive(Debug)]
pub struct TagFirst<D>(pub D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for TagFirst<D> {
    type Error = D::Error;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(Object(visitor))
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(Object(visitor))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Object<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Object<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object that begins with `t`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<V::Value, A::Error> {
        match fields.next_key()? {
            Some(Field::T) => self.0.visit_enum(Rest(fields)),
            _ => Err(A::Error::missing_field("t")),
        }
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Field {
    T,
    #[serde(other)]
    Other,
}

/// Fields that follow the name `t`.
struct Rest<A>(A);

impl<'de, A: MapAccess<'de>> EnumAccess<'de> for Rest<A> {
    type Error = A::Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(mut self, seed: S) -> Result<(S::Value, Self), A::Error> {
        Ok((self.0.next_value_seed(seed)?, self))
    }
}

impl<'de, A: MapAccess<'de>> VariantAccess<'de> for Rest<A> {
    type Error = A::Error;

    fn unit_variant(mut self) -> Result<(), A::Error> {
        while self.0.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        seed.deserialize(MapAccessDeserializer::new(self.0))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, _visitor: V) -> Result<V::Value, A::Error> {
        Err(A::Error::custom("an object has no places, only names"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        visitor.visit_map(self.0)
    }
}

#[cfg(test)]
mod tests;
