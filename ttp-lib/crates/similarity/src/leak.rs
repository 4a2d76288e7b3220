//! What test pairs have in common with training pairs.

use crate::Pairs;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fmt;

/// How many test pairs stand in training, whole or in part. Texts are compared by their
/// numbers: which texts are one, the caller says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairLeak {
    /// Test pairs.
    pub pairs: usize,
    /// Both texts stand in training, be it in other pairs.
    pub both_texts: usize,
    /// One of the two does.
    pub one_text: usize,
    /// The very pair stands in training.
    pub same_pair: usize,
    /// It stands there the other way round.
    pub mirrored_pair: usize,
    /// Similar test pairs.
    pub similar: usize,
    /// Of these, those that stand in training either way round.
    pub similar_in_training: usize,
    /// Of the others, those that do.
    pub others_in_training: usize,
    /// Both texts have a variation of their template paired in training: the same two templates
    /// are a training pair, either way round, in these words or others.
    pub same_templates: usize,
    /// The two texts are variations of one template.
    pub one_template: usize,
}

impl PairLeak {
    /// Counts. `template` says of which template each text is; with every text a template of its
    /// own, the last two counts are those of pairs either way round, and none.
    ///
    /// ```
    /// use ttp_similarity::Pairs;
    /// use ttp_similarity::reported::PairLeak;
    /// let pairs = |rows: &[[u32; 2]]| Pairs {
    ///     rows: rows.to_vec(),
    ///     similar: vec![true; rows.len()],
    ///     ..Pairs::default()
    /// };
    /// // Texts 0 to 3; 0 and 1 are variations of one template.
    /// let leak = PairLeak::count(&pairs(&[[2, 0], [1, 2], [0, 3]]), &pairs(&[[0, 2]]), &[0, 0, 1, 2]);
    /// assert_eq!((leak.both_texts, leak.one_text, leak.mirrored_pair), (1, 2, 1));
    /// assert_eq!((leak.same_pair, leak.same_templates), (0, 2));
    /// ```
    pub fn count(test: &Pairs, training: &Pairs, template: &[u32]) -> Self {
        let texts: HashSet<u32> = training.rows.iter().flatten().copied().collect();
        let known: HashSet<[u32; 2]> = training.rows.iter().copied().collect();
        let templates = |pair: &[u32; 2]| {
            let mut of = pair.map(|text| template[text as usize]);
            of.sort_unstable();
            of
        };
        let known_templates: HashSet<[u32; 2]> = training.rows.iter().map(templates).collect();
        let mut leak = Self { pairs: test.len(), ..Self::default() };
        for (pair, &similar) in test.rows.iter().zip(&test.similar) {
            let [a, b] = *pair;
            let (same, mirrored) = (known.contains(&[a, b]), known.contains(&[b, a]));
            match pair.iter().filter(|text| texts.contains(text)).count() {
                2 => leak.both_texts += 1,
                1 => leak.one_text += 1,
                _ => {}
            }
            leak.same_pair += usize::from(same);
            leak.mirrored_pair += usize::from(mirrored);
            leak.similar += usize::from(similar);
            *match similar {
                true => &mut leak.similar_in_training,
                false => &mut leak.others_in_training,
            } += usize::from(same || mirrored);
            let of = templates(pair);
            leak.same_templates += usize::from(known_templates.contains(&of));
            leak.one_template += usize::from(of[0] == of[1]);
        }
        leak
    }

    /// Whether nothing of the test pairs stands in training.
    pub fn is_none(&self) -> bool {
        self.both_texts + self.one_text + self.same_pair + self.mirrored_pair == 0
    }
}

impl fmt::Display for PairLeak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pairs, both_texts, one_text, same_pair, mirrored_pair, .. } = self;
        write!(
            f,
            "of {pairs} pairs, {both_texts} have both texts in training and {one_text} one; \
             {same_pair} are training pairs, {mirrored_pair} are training pairs the other way round"
        )
    }
}
