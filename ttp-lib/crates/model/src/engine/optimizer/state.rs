//! All that an optimizer's next step depends on, to be kept and put back: bit for bit, so nothing
//! of it is brought up to date first ([`Optimizer::settle`] would round otherwise).

use super::Optimizer;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tch::{Device, Tensor};

/// What is a number of its own: the tensors come from [`Optimizer::tensors`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::engine) struct Counts {
    /// Steps made.
    pub(in crate::engine) steps: i32,
    /// Of each table that is read in part, what decay leaves of the rows that no step reads.
    left: BTreeMap<String, f64>,
}

impl Optimizer {
    pub(in crate::engine) fn counts(&self) -> Counts {
        let left = self
            .parameters
            .iter()
            .filter_map(|parameter| Some((parameter.name.clone(), parameter.rows.as_ref()?.left)));
        Counts { steps: self.steps, left: left.collect() }
    }

    /// The weights as they are, and both moments of each, by name. They share their numbers with
    /// the optimizer's own.
    pub(in crate::engine) fn tensors(&self) -> Vec<(String, Tensor)> {
        let named =
            |kind: &str, name: &str, tensor: &Tensor| (format!("{kind} {name}"), tensor.detach());
        let of_each = self.parameters.iter().flat_map(|parameter| {
            let name = parameter.name.as_str();
            [
                named("weight", name, &parameter.variable),
                named("first moment", name, &parameter.first),
                named("second moment", name, &parameter.second),
            ]
        });
        of_each.collect()
    }

    /// Puts back what [`counts`](Self::counts) and [`tensors`](Self::tensors) gave of an optimizer
    /// of the same variables.
    pub(in crate::engine) fn put_back(&mut self, counts: &Counts, tensors: &[Tensor]) {
        self.steps = counts.steps;
        for parameter in &mut self.parameters {
            if let Some(rows) = &mut parameter.rows {
                rows.left = counts.left.get(&parameter.name).copied().unwrap_or(1.0);
            }
        }
        tch::no_grad(|| {
            for ((_, mut own), kept) in self.tensors().into_iter().zip(tensors) {
                own.copy_(kept);
            }
        });
    }

    /// Where its variables are.
    pub(in crate::engine) fn device(&self) -> Device {
        self.parameters.first().map_or(Device::Cpu, |parameter| parameter.variable.device())
    }
}
