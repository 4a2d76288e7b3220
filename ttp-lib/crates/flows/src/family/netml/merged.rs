//! Two names of one malware.

use ttp_base::{Error, Result};
use ttp_metrics::Confusion;

/// TrickBot and Trickster are one malware under two vendors' names.
pub const PAIR: [&str; 2] = ["TrickBot", "Trickster"];

/// A confusion matrix in which some classes are one, under a new name, in the place of the first of
/// them.
///
/// ```
/// use ttp_flows::family::netml::merged;
/// use ttp_metrics::Confusion;
/// let rows = [vec![5, 3, 0], vec![2, 6, 0], vec![0, 1, 9]];
/// let three = Confusion::from_counts(["a", "b", "c"], &rows)?;
/// let two = merged(&three, &["a", "b"], "a or b")?;
/// assert_eq!(two.labels(), ["a or b", "c"]);
/// assert_eq!((two.row(0), two.row(1)), (&[16, 0][..], &[1, 9][..]));
/// # Ok::<(), ttp_base::Error>(())
/// ```
///
/// # Errors
/// If one of them is not a class of the matrix, or the new name is that of another class.
pub fn merged(confusion: &Confusion, classes: &[&str], name: &str) -> Result<Confusion> {
    let labels = confusion.labels();
    if let Some(other) = classes.iter().find(|class| !labels.iter().any(|l| l == *class)) {
        let known = labels.to_vec();
        return Err(Error::Unknown { kind: "class", name: (*other).to_owned(), known });
    }
    let mut new: Vec<String> = Vec::new();
    let mut place_of_merged = None;
    let places: Vec<usize> = labels
        .iter()
        .map(|label| {
            let within = classes.contains(&label.as_str());
            if within && let Some(place) = place_of_merged {
                return place;
            }
            if within {
                place_of_merged = Some(new.len());
            }
            new.push(if within { name.to_owned() } else { label.clone() });
            new.len() - 1
        })
        .collect();
    let mut rows = vec![vec![0; new.len()]; new.len()];
    for (truth, &to) in places.iter().enumerate() {
        for (predicted, &of) in places.iter().enumerate() {
            rows[to][of] += confusion.count(truth, predicted);
        }
    }
    Confusion::from_counts(new, &rows)
}
