//! Arithmetic that classifiers of all kinds share.

/// The place of a row's highest number; of equals, the first, and 0 of an empty row.
///
/// ```
/// use ttp_base::first_highest;
///
/// assert_eq!(first_highest(&[0.2, 0.5, 0.5]), 1);
/// ```
pub fn first_highest<T: PartialOrd>(row: &[T]) -> usize {
    (1..row.len()).fold(0, |best, at| if row[at] > row[best] { at } else { best })
}
