//! Malware families from the numbers of flows, and what helps classes with zero recall.
//!
//! - [`family`]: NetML's flows and the family summary's own encoder; synthetic flows with planted
//!   faults.
//! - [`remedies`]: what helps classes that a classifier never finds, each measured.

pub mod family;
pub mod remedies;
