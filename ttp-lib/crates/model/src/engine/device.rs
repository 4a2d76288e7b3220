//! The machine below the training loop: which device it runs on, and how glibc's
//! allocator treats the memory that a step gives back.

use std::sync::Once;
use tch::Device;

/// libtorch reads this variable once, when it is first used: `1` lets CUDA's matrix
/// products round their factors to TF32. tch binds no function for it.
const TF32: &str = "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE";

/// Where to train: the first CUDA device if libtorch has one, else the CPU.
pub fn device() -> Device {
    Device::cuda_if_available()
}

/// The device in words: `CPU, 2 threads`, `CUDA, TF32 for matrix products`,
/// `CUDA, single precision`.
///
/// TF32 is what libtorch was told to use; a card older than Ampere has none and computes
/// in single precision whatever it is told.
pub fn device_name() -> String {
    let tf32 = std::env::var(TF32).is_ok_and(|value| value == "1");
    match (device(), tf32) {
        (Device::Cpu, _) => format!("CPU, {} threads", tch::get_num_threads()),
        (_, true) => "CUDA, TF32 for matrix products".to_owned(),
        (_, false) => "CUDA, single precision".to_owned(),
    }
}

/// Keeps freed memory in the process, for the rest of its life.
///
/// A training step allocates its activations and gradients and frees them all. By its
/// own settings glibc's allocator gives them back to the system at the end of every step,
/// and the next step's first touch of each page is a page fault, in which the kernel fills
/// the page with zeros: a sixth of the time of a small model's step on two cores. With
/// these settings a step finds the memory of the step before.
///
/// The price: the process keeps the most that it ever used, which is what it needs
/// anyway while it trains, and up to 64 MiB more. Its peak grows a little, because blocks
/// of several megabytes now come from the heap, where they leave gaps.
///
/// Does nothing but on Linux with glibc. Later calls change nothing.
pub fn keep_freed_memory() {
    static ONCE: Once = Once::new();
    ONCE.call_once(set_allocator);
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn set_allocator() {
    const NEVER: libc::c_int = libc::c_int::MAX;
    // As large as the heap of a thread that is not the first: below that, such a heap is
    // unmapped as soon as nothing in it is used, whatever the trim threshold says.
    const HEAP: libc::c_int = 64 << 20;
    // SAFETY: mallopt takes numbers only, and takes the allocator's own lock.
    unsafe {
        // Large blocks are mapped one by one, and unmapped when they are freed, ...
        if libc::mallopt(libc::M_MMAP_THRESHOLD, NEVER) == 0 {
            // (before glibc 2.35 the threshold ends at 32 MiB, and only their number can be set)
            libc::mallopt(libc::M_MMAP_MAX, 0);
        }
        // ... and what is free at the heap's end is given back.
        libc::mallopt(libc::M_TRIM_THRESHOLD, NEVER);
        libc::mallopt(libc::M_TOP_PAD, HEAP);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn set_allocator() {}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    /// Pages that this thread has touched for the first time so far.
    fn page_faults() -> i64 {
        // SAFETY: a struct of integers, for which all zeros is a value, filled by the system.
        unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            assert_eq!(libc::getrusage(libc::RUSAGE_THREAD, &mut usage), 0);
            usage.ru_minflt
        }
    }

    /// Allocates, touches and frees blocks as a step of training does: 90 MiB, 23,000 pages.
    fn step() {
        let blocks: [Vec<u8>; 4] = [40, 39, 8, 3].map(|mib| vec![1; mib << 20]);
        std::hint::black_box(&blocks);
    }

    fn page_faults_of_four_steps() -> i64 {
        step();
        let before = page_faults();
        (0..4).for_each(|_| step());
        page_faults() - before
    }

    #[test]
    fn a_step_finds_the_memory_of_the_step_before() {
        keep_freed_memory();
        // A thread that is not the first has a heap of its own, made otherwise.
        let other = std::thread::spawn(page_faults_of_four_steps).join().unwrap_or(i64::MAX);
        for faults in [page_faults_of_four_steps(), other] {
            assert!(faults < 1000, "{faults} page faults");
        }
    }
}
