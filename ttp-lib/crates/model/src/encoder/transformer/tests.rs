use super::*;
use rust_bert::bert::{BertEmbeddings, BertModel};
use rust_bert::roberta::RobertaEmbeddings;
use std::sync::{Mutex, PoisonError};
use tch::nn;

/// libtorch has one generator of random numbers for the whole process.
static RANDOM: Mutex<()> = Mutex::new(());

/// A dropout so small that nothing is ever dropped, so that the way with dropout can be
/// compared, too.
const ALMOST_NONE: f64 = 1e-30;

fn config(dropout: f64, activation: Activation) -> BertConfig {
    BertConfig {
        hidden_act: activation,
        attention_probs_dropout_prob: dropout,
        hidden_dropout_prob: dropout,
        hidden_size: 24,
        initializer_range: 0.02,
        intermediate_size: 40,
        max_position_embeddings: 20,
        num_attention_heads: 3,
        num_hidden_layers: 3,
        type_vocab_size: 2,
        vocab_size: 30,
        output_attentions: None,
        output_hidden_states: None,
        is_decoder: None,
        id2label: None,
        label2id: None,
    }
}

enum Reference {
    Bert(BertModel<BertEmbeddings>),
    Roberta(BertModel<RobertaEmbeddings>),
}

impl Reference {
    fn states(&self, batch: &Batch) -> Tensor {
        let (ids, mask) = (Some(&batch.ids), Some(&batch.mask));
        match self {
            Self::Bert(model) => model.forward_t(ids, mask, None, None, None, None, None, false),
            Self::Roberta(model) => model.forward_t(ids, mask, None, None, None, None, None, false),
        }
        .unwrap()
        .hidden_state
    }
}

/// Both models over the same variables, far from their small start so that errors show.
fn both(
    family: Architecture,
    dropout: f64,
    activation: Activation,
) -> (nn::VarStore, Reference, Transformer) {
    let _turn = RANDOM.lock().unwrap_or_else(PoisonError::into_inner);
    tch::manual_seed(11);
    let (vars, config) = (nn::VarStore::new(Device::Cpu), config(dropout, activation));
    let place = vars.root() / family.name();
    let reference = match family {
        Architecture::Bert => Reference::Bert(BertModel::new(place, &config)),
        Architecture::Roberta | Architecture::Mpnet => {
            Reference::Roberta(BertModel::new(place, &config))
        }
    };
    tch::no_grad(|| {
        let mut variables: Vec<_> = vars.variables().into_iter().collect();
        variables.sort_by(|a, b| a.0.cmp(&b.0));
        for (_, mut variable) in variables {
            let _ = variable.g_add_(&(variable.randn_like() * 0.2));
        }
    });
    let named = ModelVariables { vars: vars.variables(), family, epsilon: 1e-12 };
    let transformer = Transformer::new(&named, &config).unwrap();
    (vars, reference, transformer)
}

/// Three rows, padded to the longest or all of one length.
fn batch(padded: bool, padding: u32) -> Batch {
    let mut rows = vec![vec![2, 7, 8, 9, 7, 3], vec![2, 29, 3, 4, 11, 3], vec![2, 6, 6, 9, 10, 3]];
    if padded {
        rows[1].truncate(3);
        rows[2].truncate(5);
    }
    Batch::new(&rows, &[0, 1, 2], padding, Device::Cpu)
}

fn apart(ours: &Tensor, theirs: &Tensor) -> f64 {
    assert_eq!(ours.size(), theirs.size());
    (ours - theirs).abs().max().double_value(&[])
}

#[test]
fn states_and_gradients_are_rust_berts() {
    for family in [Architecture::Bert, Architecture::Roberta] {
        for padded in [false, true] {
            for (dropout, training) in [(0.1, false), (ALMOST_NONE, true)] {
                let (vars, reference, ours) = both(family, dropout, Activation::gelu);
                let batch = batch(padded, family.padding_id() as u32);
                let pass = |tokens, words| ours.forward(&batch, Pass { tokens, words, training });
                let what = format!("{family:?}, padded {padded}, training {training}");

                let theirs = reference.states(&batch);
                let all = pass(Tokens::All, WordGradient::Dense);
                let real = batch.mask.unsqueeze(-1);
                let error = apart(&(&all * &real), &(&theirs * &real));
                assert!(error < 1e-5, "{what}: states differ by {error}");
                let first = pass(Tokens::First, WordGradient::Sparse);
                let error = apart(&first, &theirs.narrow(1, 0, 1));
                assert!(error < 1e-5, "{what}: the first token differs by {error}");

                let variables = vars.variables();
                let mut names: Vec<&String> = variables.keys().collect();
                names.retain(|name| !name.contains("pooler"));
                names.sort();
                let variables: Vec<&Tensor> = names.iter().map(|n| &variables[*n]).collect();
                let gradients = |states: &Tensor| {
                    let weights = Tensor::linspace(-1.0, 2.0, 24, (Kind::Float, Device::Cpu));
                    let loss = (states.select(1, 0) * weights).square().sum(Kind::Float);
                    Tensor::run_backward(&[loss], &variables, false, false)
                };
                let theirs = gradients(&theirs);
                // Some are small differences of large sums: the largest gradient of all
                // says how far rounding goes.
                let largest = |tensor: &Tensor| tensor.abs().max().double_value(&[]);
                let size = theirs.iter().map(largest).fold(0.0, f64::max);
                for (how, ours) in [("all", gradients(&all)), ("first", gradients(&first))] {
                    for ((name, ours), theirs) in names.iter().zip(&ours).zip(&theirs) {
                        let ours = if ours.is_sparse() {
                            ours.to_dense(None::<Kind>, false)
                        } else {
                            ours.shallow_clone()
                        };
                        let error = apart(&ours, theirs) / largest(theirs).max(1e-2 * size);
                        assert!(error < 1e-4, "{what}, {how}: {name} differs by {error}");
                    }
                }
            }
        }
    }
}

#[test]
fn every_activation_is_rust_berts() {
    for activation in [
        Activation::gelu,
        Activation::gelu_new,
        Activation::mish,
        Activation::relu,
        Activation::swish,
        Activation::tanh,
    ] {
        let (_vars, reference, ours) = both(Architecture::Bert, 0.1, activation);
        let batch = batch(false, 0);
        let pass = Pass { tokens: Tokens::All, words: WordGradient::Dense, training: false };
        let error = apart(&ours.forward(&batch, pass), &reference.states(&batch));
        assert!(error < 1e-5, "{activation:?} differs by {error}");
    }
}
