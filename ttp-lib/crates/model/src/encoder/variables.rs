//! A model's variables by the names that transformers gives them, and the layers that are made of
//! two of them.

use crate::pretrained::Architecture;
use std::collections::HashMap;
use tch::Tensor;
use ttp_base::{Error, Result};

/// The variables of a model by the names that transformers gives them.
pub(super) struct ModelVariables {
    pub vars: HashMap<String, Tensor>,
    pub family: Architecture,
    /// What its layer norms add to the variance.
    pub epsilon: f64,
}

impl ModelVariables {
    pub fn find(&self, name: &str) -> Result<Tensor> {
        let name = format!("{}.{name}", self.family.name());
        self.vars.get(&name).map(Tensor::shallow_clone).ok_or_else(|| Error::Library {
            what: "building the encoder",
            reason: format!("there is no variable {name}"),
        })
    }

    pub fn linear(&self, name: &str) -> Result<Linear> {
        let weight = self.find(&format!("{name}.weight"))?;
        Ok(Linear { weight, bias: self.find(&format!("{name}.bias"))? })
    }

    pub fn norm(&self, name: &str) -> Result<Norm> {
        let Linear { weight, bias } = self.linear(&format!("{name}.LayerNorm"))?;
        Ok(Norm { weight, bias, epsilon: self.epsilon })
    }
}

/// A layer `input · weightᵀ + bias`.
pub(super) struct Linear {
    weight: Tensor,
    bias: Tensor,
}

pub(super) struct Norm {
    weight: Tensor,
    bias: Tensor,
    epsilon: f64,
}

impl Linear {
    pub fn of(&self, input: &Tensor) -> Tensor {
        input.linear(&self.weight, Some(&self.bias))
    }

    pub fn scaled(&self, factor: f64) -> Self {
        Self { weight: &self.weight * factor, bias: &self.bias * factor }
    }

    /// One layer that gives the outputs of all, side by side.
    pub fn join(layers: &[&Self]) -> Self {
        let weights: Vec<&Tensor> = layers.iter().map(|layer| &layer.weight).collect();
        let biases: Vec<&Tensor> = layers.iter().map(|layer| &layer.bias).collect();
        Self { weight: Tensor::cat(&weights, 0), bias: Tensor::cat(&biases, 0) }
    }
}

impl Norm {
    pub fn of(&self, input: &Tensor) -> Tensor {
        let shape = self.weight.size();
        input.layer_norm(shape, Some(&self.weight), Some(&self.bias), self.epsilon, true)
    }
}
