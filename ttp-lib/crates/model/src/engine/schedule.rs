//! The learning rate over the steps: up in a line, then down in a line.

/// Linear warm-up to `peak` over the first `warmup` steps, then linear decay to 0
/// at `steps`.
///
/// ```
/// use ttp_model::engine::learning_rate;
/// assert_eq!(learning_rate(0, 100, 10, 1e-3), 1e-4);  // the first of ten steps up
/// assert_eq!(learning_rate(9, 100, 10, 1e-3), 1e-3);
/// assert_eq!(learning_rate(55, 100, 10, 1e-3), 0.5e-3); // half of the way down
/// assert_eq!(learning_rate(100, 100, 10, 1e-3), 0.0);
/// ```
pub fn learning_rate(step: usize, steps: usize, warmup: usize, peak: f64) -> f64 {
    if step < warmup {
        return peak * (step + 1) as f64 / warmup as f64;
    }
    let left = steps.saturating_sub(step) as f64;
    peak * left / (steps.saturating_sub(warmup)).max(1) as f64
}
