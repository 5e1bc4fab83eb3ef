//! A frame, and its headers.

/// One frame of the side that sends `C`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<C> {
    /// Command of the frame.
    pub command: C,
    /// Its headers, unescaped.
    pub headers: Headers,
    /// Its body, without the NUL that ends it. Of any content.
    pub body: Vec<u8>,
}

/// A frame's headers, in their order.
///
/// A repeated header means its first value, as 1.1 and 1.2 ask; 1.0 leaves it open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl<C> Frame<C> {
    /// A frame without headers and body.
    pub fn new(command: C) -> Self {
        Self { command, headers: Headers::default(), body: Vec::new() }
    }

    /// The frame with one more header.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push(name.into(), value.into());
        self
    }

    /// The frame with this body, and the `content-length` that lets it hold a NUL.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        let length = self.body.len().to_string();
        self.with("content-length", length)
    }

    /// Returns the first value of its header `name`.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }
}

impl Headers {
    /// Returns the first value of the header `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Adds a header behind the others.
    pub fn push(&mut self, name: String, value: String) {
        self.0.push((name, value));
    }

    /// All headers in their order, repeated ones too.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the number of headers, repeated ones too.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns true if there are no headers.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Returns the bytes in `content-length`. Digits alone: `parse` would take a sign. A number too large for this
/// machine is as long as can be.
pub(crate) fn length(text: &str) -> Option<usize> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(usize::MAX))
}
