//! The state of libtorch's generators of random numbers, from which dropout is drawn, and how this
//! libtorch computes. tch binds no function for either: `generator.cpp` does.

use serde::{Deserialize, Serialize};
use std::ffi::c_int;
use tch::Device;

// SAFETY: these are the three functions of `generator.cpp`, with its own types.
unsafe extern "C" {
    fn ttp_generator_state(cuda: c_int, into: *mut u8, capacity: usize, size: *mut usize) -> c_int;
    fn ttp_generator_set_state(cuda: c_int, from: *const u8, size: usize) -> c_int;
    fn ttp_libtorch_config(into: *mut u8, capacity: usize, size: *mut usize) -> c_int;
}

/// Larger than a CPU generator's state (5,056 bytes) and than what libtorch says of itself.
const CAPACITY: usize = 1 << 16;

/// The state of the generators that a training on a device draws from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Generators {
    /// The CPU's: a Mersenne twister, with what is left of its last numbers.
    cpu: Vec<u8>,
    /// The card's, where it trains there: a seed and an offset.
    cuda: Option<Vec<u8>>,
}

impl Generators {
    /// As they are now; `None` if libtorch does not tell.
    pub(super) fn now(device: Device) -> Option<Self> {
        let cuda = match device {
            Device::Cuda(_) => Some(state(1)?),
            _ => None,
        };
        Some(Self { cpu: state(0)?, cuda })
    }

    /// Puts them back. Whether libtorch took them; what it did not take is as it was.
    pub(super) fn put_back(&self) -> bool {
        set_state(0, &self.cpu) && self.cuda.as_ref().is_none_or(|state| set_state(1, state))
    }
}

fn state(cuda: c_int) -> Option<Vec<u8>> {
    // SAFETY: as `filled` asks: the function writes into the buffer, up to its capacity, and the
    // state's size, takes the generator's own lock, and lets no exception out.
    filled(|into, capacity, size| unsafe { ttp_generator_state(cuda, into, capacity, size) })
}

fn set_state(cuda: c_int, state: &[u8]) -> bool {
    // SAFETY: the function reads `size` bytes, copies them, takes the generator's own lock, and
    // lets no exception out: a state of another size is refused.
    unsafe { ttp_generator_set_state(cuda, state.as_ptr(), state.len()) == 0 }
}

/// libtorch's version, what of the processor it uses, and what it was built with: together with
/// the number of threads, all that decides how its sums are rounded.
pub(super) fn libtorch() -> String {
    // SAFETY: as in `state`.
    let text = filled(|into, capacity, size| unsafe { ttp_libtorch_config(into, capacity, size) });
    String::from_utf8_lossy(&text.unwrap_or_default()).into_owned()
}

fn filled(fill: impl FnOnce(*mut u8, usize, *mut usize) -> c_int) -> Option<Vec<u8>> {
    let mut bytes = vec![0; CAPACITY];
    let mut size = 0;
    let code = fill(bytes.as_mut_ptr(), bytes.len(), &raw mut size);
    bytes.truncate(size);
    (code == 0 && size <= CAPACITY).then_some(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use tch::{Kind, Tensor};

    /// Other tests of this process draw numbers, too: what is between two of theirs is ours.
    const TRIES: usize = 100;

    #[test]
    fn what_is_drawn_after_a_state_is_put_back_is_drawn_again() {
        // Normal numbers come in pairs: one is left over, and is part of the state.
        let draw = || {
            let one = Tensor::randn([1], (Kind::Float, Device::Cpu));
            let dropped = Tensor::ones([999], (Kind::Float, Device::Cpu)).dropout(0.3, true);
            [one, dropped].map(|drawn| Vec::<f32>::try_from(drawn).unwrap())
        };
        let again = || {
            draw();
            let state = Generators::now(Device::Cpu).unwrap();
            let first = draw();
            assert_ne!(first, draw());
            assert!(state.put_back());
            first == draw()
        };
        assert!((0..TRIES).any(|_| again()));
    }

    #[test]
    fn what_is_no_state_is_refused_and_changes_nothing() {
        let unchanged = || {
            let before = Generators::now(Device::Cpu).unwrap();
            assert!(!Generators { cpu: vec![1, 2, 3], cuda: None }.put_back());
            assert!(!Generators { cpu: vec![0; 5056], cuda: None }.put_back(), "no twister's");
            Generators::now(Device::Cpu).unwrap() == before
        };
        assert!((0..TRIES).any(|_| unchanged()));
    }

    #[test]
    fn libtorch_says_what_it_is() {
        let said = libtorch();
        assert!(said.starts_with("2."), "{said}");
        assert!(said.lines().count() > 2, "{said}");
    }
}
