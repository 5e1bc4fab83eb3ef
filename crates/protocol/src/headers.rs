//! Headers of a program beside a message's text: those of a STOMP SEND, or those of a post by the API.

/// Headers of a message, each name once, in the order of their names. One of them may be `content-type`: what the text
/// is. They belong to the message as it was posted: an edit keeps them, a delete takes them away.
///
/// The page shows none of them, and its wasm neither reads nor holds them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Headers(#[cfg(not(target_arch = "wasm32"))] std::collections::BTreeMap<String, String>);

#[cfg(not(target_arch = "wasm32"))]
impl Headers {
    /// Most headers of a message.
    pub const MAX: usize = 32;

    /// Most bytes of all names and values of a message together.
    pub const MAX_BYTES: usize = 4 * 1024;

    /// Returns true where there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the number of headers.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the bytes of all names and values together.
    pub fn bytes(&self) -> usize {
        self.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    /// Returns the value of the header `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Adds a header, unless there is one of this name: the first one counts.
    pub fn add(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.entry(name.into()).or_insert_with(|| value.into());
    }

    /// All headers, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(headers: I) -> Self {
        let mut all = Self::default();
        headers.into_iter().for_each(|(name, value)| all.add(name, value));
        all
    }
}
