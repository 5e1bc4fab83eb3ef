//! JSON as the page reads it: whole texts, into types that name what they expect.
//!
//! serde_json can read anything: numbers with fractions, structures written as lists, and each fault with its place and a
//! sentence. All of that would be in the page's wasm, for texts that a Madang server or this page itself wrote. Each text
//! that is read here is read as serde_json reads it; the others are [`Unreadable`].

use std::borrow::Cow;
use std::fmt;

use serde::de::value::CowStrDeserializer;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

/// Maximum depth of lists and objects in each other.
const MAX_DEPTH: u32 = 64;

/// A text that is no JSON, or not that of the type asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unreadable")
    }
}

impl std::error::Error for Unreadable {}

impl serde::de::Error for Unreadable {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// Reads the one value that `text` consists of.
///
/// # Errors
/// See [`Unreadable`].
pub fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Unreadable> {
    let mut reader = Reader { rest: text, depth: MAX_DEPTH };
    let value = T::deserialize(&mut reader)?;
    reader.skip_space();
    if reader.rest.is_empty() { Ok(value) } else { Err(Unreadable) }
}

struct Reader<'de> {
    rest: &'de str,
    /// Lists and objects that may still begin in this one.
    depth: u32,
}

/// A value, or its begin.
enum Token<'de> {
    Null,
    Bool(bool),
    Number(&'de str),
    Text(Cow<'de, str>),
    List,
    Object,
}

impl<'de> Reader<'de> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\n', '\r', '\t']);
    }

    /// Passes over `begin`, and the space before it. Returns true if it stood there.
    fn eat(&mut self, begin: &str) -> bool {
        self.skip_space();
        let rest = self.rest.strip_prefix(begin);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, begin: &str) -> Result<(), Unreadable> {
        if self.eat(begin) { Ok(()) } else { Err(Unreadable) }
    }

    fn token(&mut self) -> Result<Token<'de>, Unreadable> {
        if self.eat("\"") {
            return self.text().map(Token::Text);
        }
        for (begin, token) in [
            ("{", Token::Object),
            ("[", Token::List),
            ("null", Token::Null),
            ("true", Token::Bool(true)),
            ("false", Token::Bool(false)),
        ] {
            if self.eat(begin) {
                return Ok(token);
            }
        }
        let is_of_number = |char: char| matches!(char, '0'..='9' | '-' | '+' | '.' | 'e' | 'E');
        let after = self.rest.trim_start_matches(is_of_number);
        let number = self.rest.strip_suffix(after).filter(|number| is_number(number)).ok_or(Unreadable)?;
        self.rest = after;
        Ok(Token::Number(number))
    }

    /// Reads a text behind its first quote.
    fn text(&mut self) -> Result<Cow<'de, str>, Unreadable> {
        let mut whole = String::new();
        loop {
            let ends = |char: char| char == '"' || char == '\\' || char < ' ';
            let (plain, end) = self.rest.split_once(ends).ok_or(Unreadable)?;
            let mark = self.rest.as_bytes().get(plain.len());
            self.rest = end;
            match mark {
                Some(b'"') if whole.is_empty() => return Ok(Cow::Borrowed(plain)),
                Some(b'"') => return Ok(Cow::Owned(whole + plain)),
                Some(b'\\') => {
                    whole.push_str(plain);
                    whole.push(self.escape()?);
                }
                _ => return Err(Unreadable),
            }
        }
    }

    /// Reads an escaped character behind its `\`.
    fn escape(&mut self) -> Result<char, Unreadable> {
        let mut chars = self.rest.chars();
        let name = chars.next().ok_or(Unreadable)?;
        self.rest = chars.as_str();
        Ok(match name {
            '"' | '\\' | '/' => name,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let first = self.unit()?;
                // Characters beyond the first plane are two units of UTF-16.
                let second = if first & 0xfc00 == 0xd800 && self.rest.starts_with("\\u") {
                    self.rest = self.rest.get(2..).unwrap_or_default();
                    Some(self.unit()?)
                } else {
                    None
                };
                let mut chars = char::decode_utf16(std::iter::once(first).chain(second));
                let char = chars.next().and_then(Result::ok).ok_or(Unreadable)?;
                return if chars.next().is_none() { Ok(char) } else { Err(Unreadable) };
            }
            _ => return Err(Unreadable),
        })
    }

    /// Reads four hexadecimal digits.
    fn unit(&mut self) -> Result<u16, Unreadable> {
        let (digits, rest) = self.rest.split_at_checked(4).ok_or(Unreadable)?;
        self.rest = rest;
        // The standard library would take a sign, too.
        let number = u16::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'));
        number.ok_or(Unreadable)
    }

    /// Begins a list or an object.
    fn within(&mut self, end: &'static str) -> Result<Within<'_, 'de>, Unreadable> {
        self.depth = self.depth.checked_sub(1).ok_or(Unreadable)?;
        Ok(Within { reader: self, end, first: true, over: false })
    }

    fn skip(&mut self) -> Result<(), Unreadable> {
        let (end, is_object) = match self.token()? {
            Token::List => ("]", false),
            Token::Object => ("}", true),
            _ => return Ok(()),
        };
        let mut within = self.within(end)?;
        while within.another()? {
            if is_object {
                within.reader.expect("\"")?;
                within.reader.text()?;
                within.reader.expect(":")?;
            }
            within.reader.skip()?;
        }
        within.leave()
    }
}

/// True if JSON has such a number.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
        None => (text, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    digits(whole) && (whole == "0" || !whole.starts_with('0')) && digits(fraction) && digits(exponent)
}

/// The inside of a list or of an object.
struct Within<'r, 'de> {
    reader: &'r mut Reader<'de>,
    end: &'static str,
    first: bool,
    over: bool,
}

impl Within<'_, '_> {
    /// Goes to the next member, if there is one.
    fn another(&mut self) -> Result<bool, Unreadable> {
        self.over = self.reader.eat(self.end);
        if !self.over && !std::mem::take(&mut self.first) {
            self.reader.expect(",")?;
        }
        Ok(!self.over)
    }

    fn leave(self) -> Result<(), Unreadable> {
        self.reader.depth += 1;
        if self.over { Ok(()) } else { self.reader.expect(self.end) }
    }
}

impl<'de> SeqAccess<'de> for Within<'_, 'de> {
    type Error = Unreadable;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Unreadable> {
        if self.another()? { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }
}

impl<'de> MapAccess<'de> for Within<'_, 'de> {
    type Error = Unreadable;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Unreadable> {
        if !self.another()? {
            return Ok(None);
        }
        self.reader.expect("\"")?;
        seed.deserialize(CowStrDeserializer::new(self.reader.text()?)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Unreadable> {
        self.reader.expect(":")?;
        seed.deserialize(&mut *self.reader)
    }
}

/// Integers, by whatever width is asked for.
macro_rules! integers {
    ($($name:ident)*) => {$(
        fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
            match self.token()? {
                Token::Number(number) => integer(number, visitor),
                _ => Err(Unreadable),
            }
        }
    )*};
}

fn integer<'de, V: Visitor<'de>>(number: &str, visitor: V) -> Result<V::Value, Unreadable> {
    match number.parse() {
        Ok(number) => visitor.visit_u64(number),
        Err(_) => visitor.visit_i64(number.parse().map_err(|_| Unreadable)?),
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Unreadable;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.token()? {
            Token::Null => visitor.visit_unit(),
            Token::Bool(value) => visitor.visit_bool(value),
            Token::Number(number) => integer(number, visitor),
            Token::Text(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Token::Text(Cow::Owned(text)) => visitor.visit_string(text),
            Token::List => list(self, visitor),
            Token::Object => object(self, visitor),
        }
    }

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        if let Token::Bool(value) = self.token()? { visitor.visit_bool(value) } else { Err(Unreadable) }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.token()? {
            Token::Text(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Token::Text(Cow::Owned(text)) => visitor.visit_string(text),
            _ => Err(Unreadable),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        if self.eat("null") { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.expect("[")?;
        list(self, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.expect("{")?;
        object(self, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_map(visitor)
    }

    /// Only variants without fields, which are written as their name.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        match self.token()? {
            Token::Text(text) => visitor.visit_enum(IntoDeserializer::<Unreadable>::into_deserializer(text)),
            _ => Err(Unreadable),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.skip()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct identifier
    }
}

fn list<'de, V: Visitor<'de>>(reader: &mut Reader<'de>, visitor: V) -> Result<V::Value, Unreadable> {
    let mut within = reader.within("]")?;
    let value = visitor.visit_seq(&mut within)?;
    within.leave()?;
    Ok(value)
}

fn object<'de, V: Visitor<'de>>(reader: &mut Reader<'de>, visitor: V) -> Result<V::Value, Unreadable> {
    let mut within = reader.within("}")?;
    let value = visitor.visit_map(&mut within)?;
    within.leave()?;
    Ok(value)
}

#[cfg(test)]
mod tests;
