//! Lines named by a linear model: fast enough for one block after the other.

use super::blocks::{Blocks, Next};
use super::{Answer, AnswerSink, fault, overflow};
use rayon::prelude::*;
use std::path::Path;
use ttp_base::Result;
use ttp_text::linear::LinearModel;

pub(super) fn classify(
    model: &LinearModel,
    name: &Path,
    folder: &Path,
    mut blocks: Blocks,
    say: &mut AnswerSink<'_>,
) -> Result<()> {
    let mut is_empty = true;
    loop {
        let lines = match blocks.next(true) {
            Next::Block(lines) => lines,
            Next::NotYet => continue,
            Next::End(end) => return fault(name, end, is_empty),
        };
        is_empty = false;
        let named: Vec<_> = lines.par_iter().map(|line| model.most_probable(&line.text)).collect();
        let good = named.iter().take_while(|(_, probability)| probability.is_finite()).count();
        let mut answers: Vec<Answer<'_>> = Vec::with_capacity(good);
        for (line, &(class, probability)) in lines.iter().zip(&named[..good]) {
            answers.push(Answer {
                line: line.number,
                text: &line.text,
                technique: &model.classes()[class],
                probability: probability as f32,
            });
        }
        if !answers.is_empty() && say(&answers)?.is_break() {
            return Ok(());
        }
        if let Some(line) = lines.get(good) {
            return Err(overflow(name, line, folder));
        }
    }
}
