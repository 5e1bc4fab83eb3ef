//! Arrow keys over a grid of sections.

/// Position that an arrow key leads to from `at`, over sections of these lengths in rows of `columns`; `None` if the
/// key is another one or leads out of the grid. Without a position any of the keys leads to the first.
pub(crate) fn moved(
    lengths: impl Iterator<Item = usize>,
    columns: usize,
    at: Option<usize>,
    key: &str,
) -> Option<usize> {
    // Position and length of each row.
    let mut rows = Vec::new();
    let mut end = 0;
    for length in lengths {
        let first = end;
        end += length;
        rows.extend((first..end).step_by(columns.max(1)).map(|at| (at, columns.max(1).min(end - at))));
    }
    let step = match key {
        "ArrowUp" | "ArrowLeft" => -1,
        "ArrowDown" | "ArrowRight" => 1,
        _ => return None,
    };
    let Some(at) = at else { return Some(0).filter(|_| end > 0) };
    if matches!(key, "ArrowLeft" | "ArrowRight") {
        return at.checked_add_signed(step).filter(|to| *to < end);
    }
    let row = rows.iter().position(|(first, length)| (*first..first + length).contains(&at))?;
    let (from, _) = rows.get(row)?;
    let (first, length) = rows.get(row.checked_add_signed(step)?)?;
    Some(first + (at - from).min(length - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rows, of three and one; then one of two.
    fn walk(at: Option<usize>, key: &str) -> Option<usize> {
        moved([4, 2].into_iter(), 3, at, key)
    }

    #[test]
    fn arrows_lead_over_rows_and_sections() {
        for (at, key, to) in [
            (None, "ArrowDown", Some(0)),
            (Some(0), "ArrowRight", Some(1)),
            (Some(3), "ArrowRight", Some(4)),
            (Some(4), "ArrowLeft", Some(3)),
            (Some(2), "ArrowDown", Some(3)),
            (Some(0), "ArrowDown", Some(3)),
            (Some(3), "ArrowDown", Some(4)),
            (Some(5), "ArrowUp", Some(3)),
            (Some(3), "ArrowUp", Some(0)),
        ] {
            assert_eq!(walk(at, key), to, "{at:?} {key}");
        }
    }

    #[test]
    fn no_key_leads_out_of_the_grid() {
        assert_eq!(walk(Some(0), "ArrowLeft"), None);
        assert_eq!(walk(Some(0), "ArrowUp"), None);
        assert_eq!(walk(Some(5), "ArrowRight"), None);
        assert_eq!(walk(Some(5), "ArrowDown"), None);
        assert_eq!(walk(Some(0), "Home"), None);
        assert_eq!(moved(std::iter::empty(), 3, None, "ArrowDown"), None);
        assert_eq!(moved([2].into_iter(), 0, Some(0), "ArrowDown"), Some(1));
    }
}
