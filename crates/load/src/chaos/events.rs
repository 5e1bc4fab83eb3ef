//! A stream of server-sent events, as far as Madang uses it: `id` and one line of `data`.

/// Events received so far.
#[derive(Debug, Default)]
pub(in crate::chaos) struct Events {
    pending: Vec<u8>,
    id: u64,
    data: Option<String>,
}

impl Events {
    /// The events that `bytes` complete.
    pub(in crate::chaos) fn take(&mut self, bytes: &[u8]) -> Vec<(u64, String)> {
        self.pending.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(end) = memchr::memchr(b'\n', &self.pending) {
            let line: Vec<u8> = self.pending.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                events.extend(self.data.take().map(|data| (self.id, data)));
            } else if let Some(id) = line.strip_prefix("id:") {
                self.id = id.trim().parse().unwrap_or_default();
            } else if let Some(data) = line.strip_prefix("data:") {
                self.data = Some(data.strip_prefix(' ').unwrap_or(data).to_owned());
            }
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_found_however_the_bytes_are_cut() {
        let stream = b": hello\n\nretry: 500\nid: 7\ndata: {\"t\":\"heads\"}\n\nid:8\r\ndata:x\r\n\r\n";
        for cut in 0..stream.len() {
            let (one, other) = stream.split_at(cut);
            let mut events = Events::default();
            let mut all = events.take(one);
            all.extend(events.take(other));
            assert_eq!(all, [(7, r#"{"t":"heads"}"#.to_owned()), (8, "x".to_owned())], "cut at {cut}");
        }
    }
}
