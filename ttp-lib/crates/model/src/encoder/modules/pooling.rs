//! From the vectors of a text's tokens to one: sentence-transformers' `Pooling`.

use tch::{Kind, Tensor};

/// A way to make one vector of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// The first token's.
    First,
    /// The largest number of each dimension.
    Max,
    /// The mean.
    Mean,
    /// The sum over the root of the number of tokens.
    MeanSqrt,
    /// The mean, the nth token counted n times.
    Weighted,
    /// The last token's.
    Last,
}

/// The key in `1_Pooling/config.json`, the name in `pooling_mode`, and the mode, in the order in
/// which several are laid end to end.
pub(super) const MODES: [(&str, &str, Mode); 6] = [
    ("pooling_mode_cls_token", "cls", Mode::First),
    ("pooling_mode_max_tokens", "max", Mode::Max),
    ("pooling_mode_mean_tokens", "mean", Mode::Mean),
    ("pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", Mode::MeanSqrt),
    ("pooling_mode_weightedmean_tokens", "weightedmean", Mode::Weighted),
    ("pooling_mode_lasttoken", "lasttoken", Mode::Last),
];

/// What a sentence model takes of its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TokenPooling {
    /// One at least, in the order of [`MODES`].
    pub modes: Vec<Mode>,
    /// Whether the tokens of a prompt count.
    pub include_prompt: bool,
}

impl TokenPooling {
    /// What is taken where no file says anything.
    pub fn mean() -> Self {
        Self { modes: vec![Mode::Mean], include_prompt: true }
    }

    /// `[rows, modes × hidden]` of states `[rows, length, hidden]` and a mask `[rows, length]` of
    /// ones at tokens. The first `prompt` tokens of a row are left out where they do not count.
    pub fn of(&self, states: &Tensor, mask: &Tensor, prompt: i64) -> Tensor {
        let length = states.size()[1];
        let places = Tensor::arange(length, (Kind::Int64, states.device()));
        let mask = if self.include_prompt || prompt == 0 {
            mask.shallow_clone()
        } else {
            mask * places.ge(prompt).to_kind(mask.kind()).unsqueeze(0)
        };
        let weights = mask.to_kind(states.kind()).unsqueeze(-1);
        let sum = |weights: &Tensor| (states * weights).sum_dim_intlist(1, false, None);
        let count = |weights: &Tensor| weights.sum_dim_intlist(1, false, None).clamp_min(1e-9);
        let pooled = self.modes.iter().map(|mode| match mode {
            Mode::First => states.select(1, 0),
            Mode::Max => states.masked_fill(&weights.eq(0.0), -1e9).amax(1, false),
            Mode::Mean => sum(&weights) / count(&weights),
            Mode::MeanSqrt => sum(&weights) / count(&weights).sqrt(),
            Mode::Weighted => {
                let rising = (&places + 1).to_kind(states.kind()).view([1, -1, 1]);
                let weights = &weights * rising;
                sum(&weights) / count(&weights)
            }
            Mode::Last => {
                let rising = (&places + 1).unsqueeze(0);
                let last = (mask.to_kind(Kind::Int64) * rising).argmax(1, false);
                let last = last.view([-1, 1, 1]).expand([-1, 1, states.size()[2]], false);
                (states * &weights).gather(1, &last, false).squeeze_dim(1)
            }
        });
        let pooled: Vec<Tensor> = pooled.collect();
        match pooled.as_slice() {
            [one] => one.shallow_clone(),
            several => Tensor::cat(several, 1),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Two rows of three tokens, the second row's last one padding; two dimensions.
    fn example() -> (Tensor, Tensor) {
        let states = [1.0, -2.0, 4.0, 0.0, 7.0, 5.0, 3.0, 6.0, -1.0, 2.0, 99.0, 99.0];
        let states = Tensor::from_slice(&states.map(|x: f32| x)).view([2, 3, 2]);
        (states, Tensor::from_slice(&[1_i64, 1, 1, 1, 1, 0]).view([2, 3]))
    }

    fn pooled(modes: &[Mode], include_prompt: bool, prompt: i64) -> Vec<f32> {
        let (states, mask) = example();
        let pooling = TokenPooling { modes: modes.to_vec(), include_prompt };
        let pooled = pooling.of(&states, &mask, prompt);
        assert_eq!(pooled.size(), [2, 2 * modes.len() as i64]);
        Vec::<f32>::try_from(pooled.contiguous().view(-1)).unwrap()
    }

    #[test]
    fn each_mode_by_hand() {
        let root = 3_f32.sqrt();
        for (mode, expected) in [
            (Mode::First, [1.0, -2.0, 3.0, 6.0]),
            (Mode::Max, [7.0, 5.0, 3.0, 6.0]),
            (Mode::Mean, [4.0, 1.0, 1.0, 4.0]),
            (Mode::MeanSqrt, [12.0 / root, 3.0 / root, 2.0 / 2_f32.sqrt(), 8.0 / 2_f32.sqrt()]),
            (Mode::Weighted, [30.0 / 6.0, 13.0 / 6.0, 1.0 / 3.0, 10.0 / 3.0]),
            (Mode::Last, [7.0, 5.0, -1.0, 2.0]),
        ] {
            for (ours, expected) in pooled(&[mode], true, 2).iter().zip(expected) {
                assert!((ours - expected).abs() < 1e-6, "{mode:?}: {ours} and {expected}");
            }
        }
    }

    #[test]
    fn several_modes_are_laid_end_to_end() {
        let ours = pooled(&[Mode::First, Mode::Mean], true, 0);
        assert_eq!(ours, [1.0, -2.0, 4.0, 1.0, 3.0, 6.0, 1.0, 4.0]);
    }

    #[test]
    fn a_prompt_that_does_not_count_is_left_out() {
        assert_eq!(pooled(&[Mode::Mean], false, 1), [5.5, 2.5, -1.0, 2.0]);
        // The first token is the first whatever counts.
        assert_eq!(pooled(&[Mode::First], false, 1), [1.0, -2.0, 3.0, 6.0]);
        assert_eq!(pooled(&[Mode::Mean], true, 1), pooled(&[Mode::Mean], true, 0));
    }
}
