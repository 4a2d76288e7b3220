//! Remedies for classes that a classifier never finds, each measured on its own.
//!
//! Where a few classes have most rows, a classifier learns to pass the small ones over. What is
//! usually proposed for it changes the loss ([`weights`]), the training rows ([`resample`]) or
//! the decision ([`adjust`]). Here all of them are tried on one ground: the vectors that an
//! encoder gives, which stays as it is, and a linear head that is trained anew for each remedy
//! with the same seed, the same number of steps and everything else alike (the second stage of
//! Kang et al., *Decoupling Representation and Classifier for Long-Tailed Recognition*, 2020).
//! So one thing differs at a time, SMOTE has a space to work in, and a try takes seconds. What
//! the same remedy would do to the encoder itself is another question, which this does not answer.
//!
//! - [`Ground`]: vectors and classes in three parts, and which classes are the worst.
//! - [`Remedy`]: what is tried; [`Judge`] and [`RemedyOutcome`]: what it comes to beside no remedy.
//! - [`Head`]: the linear layer and its training.

pub mod adjust;
mod head;
pub mod resample;
mod study;
pub mod weights;

pub use head::{Head, HeadParams};
pub use study::{
    Change, Ground, Judge, LabelledVectors, Remedy, RemedyOutcome, RemedySettings, RowScores,
    Trials,
};
