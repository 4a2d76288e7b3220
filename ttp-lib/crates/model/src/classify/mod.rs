//! Names the technique of every line of a text, however long the text: in blocks of lines, each
//! block's answers before the lines after the next one are looked at.
//!
//! A thread reads ahead, some 400 kB of text and no more. Of a file each block is full; of a
//! terminal or a pipe it is what has come when the block before it is at work, so that a line on
//! which its writer waits is answered at once. The lines of a block are sorted by length into
//! batches, and each core takes one batch after the other and computes it alone. That is faster
//! than all cores at one batch, which wait for each other at every step of it, and a core that
//! other programs need holds up no other. While the last batches of a block are at work, those
//! of the next one follow. Answers come in the order of the lines.

mod batches;
mod blocks;
mod linear;
mod lines;

pub use lines::LONGEST_LINE;

use crate::batch::Batch;
use crate::encoder::TechniqueEncoder;
use crate::engine;
use crate::pretrained::{Checkpoint, CheckpointTokenizer, Problem};
use blocks::{Blocks, Next};
use lines::{Fault, Line};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, RefUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use tch::Device;
use ttp_base::{Error, Result, first_highest};
use ttp_text::linear::LinearModel;

/// Lines to be classified, and what they are called where something is wrong with one.
pub struct Input {
    name: PathBuf,
    reader: Box<dyn Read + Send>,
    may_wait: bool,
}

impl Input {
    /// The lines of a file.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn file(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::file(path, "read"))?;
        let may_wait = !is_regular(&file);
        Ok(Self { name: path.to_path_buf(), reader: Box::new(file), may_wait })
    }

    /// The lines of standard input.
    pub fn standard() -> Self {
        let may_wait = !standard_is_regular();
        Self { name: "standard input".into(), reader: Box::new(io::stdin()), may_wait }
    }

    /// Lines of anything else. Each is answered when it comes.
    pub fn new(name: &str, reader: impl Read + Send + 'static) -> Self {
        Self { name: name.into(), reader: Box::new(reader), may_wait: true }
    }
}

/// Whether a file's next line is there already, as a pipe's and a terminal's may not be.
fn is_regular(file: &File) -> bool {
    file.metadata().is_ok_and(|about| about.is_file())
}

#[cfg(unix)]
fn standard_is_regular() -> bool {
    use std::os::fd::AsFd;
    let copy = io::stdin().as_fd().try_clone_to_owned();
    copy.is_ok_and(|descriptor| is_regular(&File::from(descriptor)))
}

#[cfg(not(unix))]
fn standard_is_regular() -> bool {
    false
}

/// What the model says of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer<'a> {
    /// The line's number, from 1.
    pub line: usize,
    /// The line without the white space around it.
    pub text: &'a str,
    /// The most probable technique. Where a line may have several, each that has a probability of
    /// [`NAMED_FROM`] or more is an answer, the most probable first, or else the most probable one.
    pub technique: &'a str,
    /// Its probability, from 0 to 1.
    pub probability: f32,
}

/// What is done with a block's answers; [`ControlFlow::Break`] ends the work.
pub type AnswerSink<'s> = dyn FnMut(&[Answer<'_>]) -> Result<ControlFlow<()>> + 's;

/// From which probability on a technique is named where a line may have several.
pub const NAMED_FROM: f32 = 0.5;

/// A fine-tuned model with its tokenizer, or a linear model.
pub struct Classifier {
    model: Model,
    folder: PathBuf,
}

enum Model {
    Encoder(Box<Encoder>),
    Linear(LinearModel),
}

struct Encoder {
    encoder: TechniqueEncoder,
    tokenize: CheckpointTokenizer,
}

impl Classifier {
    /// Opens a model that [`TechniqueEncoder::save`] wrote, on the device that is there; or of a
    /// folder with `linear.safetensors` the linear model.
    ///
    /// # Errors
    /// If a file of the folder is missing or does not fit the others.
    pub fn open(folder: &Path) -> Result<Self> {
        let linear = folder.join(LinearModel::FILE);
        if linear.is_file() {
            let model = Model::Linear(LinearModel::load(&linear)?);
            return Ok(Self { model, folder: folder.to_path_buf() });
        }
        let encoder = TechniqueEncoder::open(folder, engine::device())?;
        let checkpoint = Checkpoint::open(&folder.display().to_string(), folder)?;
        let tokenize = checkpoint.tokenizer(checkpoint.places())?;
        let model = Model::Encoder(Box::new(Encoder { encoder, tokenize }));
        Ok(Self { model, folder: folder.to_path_buf() })
    }

    /// What a user should know of the model, a line each; empty for most.
    pub fn notes(&self) -> &[String] {
        match &self.model {
            Model::Encoder(model) => model.encoder.notes(),
            Model::Linear(_) => &[],
        }
    }

    /// The techniques that it can name.
    pub fn labels(&self) -> &[String] {
        match &self.model {
            Model::Encoder(model) => model.encoder.labels(),
            Model::Linear(model) => model.classes(),
        }
    }

    /// Names the technique of every line that holds more than white space. `say` is given each
    /// block's answers, in the lines' order, and ends the work with [`ControlFlow::Break`]. Of a
    /// line that is longer than the model reads, the beginning counts.
    ///
    /// # Errors
    /// With the line's number, after `say` was given the answers to all lines before it: if a line
    /// is longer than [`LONGEST_LINE`] or not UTF-8, if it cannot be read, if the model's
    /// probabilities for it are no numbers; if no line holds more than white space. Or what `say`
    /// returns.
    pub fn classify(&self, input: Input, say: &mut AnswerSink<'_>) -> Result<()> {
        let Input { name, reader, may_wait } = input;
        let blocks = Blocks::read(reader, may_wait)?;
        match &self.model {
            Model::Encoder(model) => model.classify(&name, &self.folder, blocks, say),
            Model::Linear(model) => linear::classify(model, &name, &self.folder, blocks, say),
        }
    }
}

/// A line for which a model's finite weights add up to no number.
fn overflow(name: &Path, line: &Line, folder: &Path) -> Error {
    let model = folder.display();
    let reason =
        format!("the model {model} gives NaN or an infinity for it: its weights are too large");
    Error::input_at(name, Some(line.number), None, reason)
}

/// What is wrong with a text of which no line came.
fn fault(name: &Path, end: Result<usize, Fault>, is_empty: bool) -> Result<()> {
    let wrong = |row, reason| Err(Error::input_at(name, Some(row), None, reason));
    match end {
        Err(Fault { number, reason }) => wrong(number, reason),
        Ok(lines) if is_empty => {
            wrong(lines.max(1), "it ends here, and no line holds a sentence".to_owned())
        }
        Ok(_) => Ok(()),
    }
}

impl Encoder {
    fn classify(
        &self,
        name: &Path,
        folder: &Path,
        mut blocks: Blocks,
        say: &mut AnswerSink<'_>,
    ) -> Result<()> {
        engine::keep_freed_memory();
        let cores = Cores::of(self.encoder.device());
        let shared = Shared(&self.encoder);
        let (jobs, queue) = channel();
        let queue = Mutex::new(queue);
        let (done, results) = channel();
        thread::scope(|scope| {
            // They end when this closure has returned, and `jobs` and `results` with it.
            for _ in 0..cores.workers {
                let (shared, queue, done) = (&shared, &queue, done.clone());
                let padding_id = self.tokenize.padding_id();
                let work = move || work(shared.get(), padding_id, queue, &done);
                thread::Builder::new()
                    .name("classifying".to_owned())
                    .spawn_scoped(scope, work)
                    .map_err(Error::library("starting a thread"))?;
            }
            drop(done);
            let mut underway = Underway {
                tokenize: &self.tokenize,
                cores: &cores,
                jobs,
                results,
                blocks: VecDeque::new(),
                oldest: 0,
            };
            let mut end = None;
            let mut is_empty = true;
            loop {
                while end.is_none() && underway.blocks.len() < BLOCKS_AT_WORK {
                    match blocks.next(underway.blocks.is_empty()) {
                        Next::Block(lines) => underway.start(lines),
                        Next::NotYet => break,
                        Next::End(how) => end = Some(how),
                    }
                }
                let Some(mut block) = underway.finish() else { break };
                is_empty = false;
                if self.answer(name, folder, &mut block, say)?.is_break() {
                    return Ok(());
                }
            }
            end.map_or(Ok(()), |end| fault(name, end, is_empty))
        })
    }

    /// Says what came of a block, as far as its first line that nothing came of.
    fn answer<'a>(
        &'a self,
        name: &Path,
        folder: &Path,
        block: &'a mut Block,
        say: &mut AnswerSink<'_>,
    ) -> Result<ControlFlow<()>> {
        if let Some(error) = block.failed.take() {
            return Err(error);
        }
        let good = block.verdicts.iter().take_while(|verdict| !verdict.is_empty()).count();
        let of_line = |(verdict, line): (&'a Verdict, &'a Line)| {
            verdict.iter().map(|&(technique, probability)| Answer {
                line: line.number,
                text: &line.text,
                technique: &self.encoder.labels()[technique],
                probability,
            })
        };
        let answers: Vec<Answer<'_>> =
            block.verdicts[..good].iter().zip(&block.lines).flat_map(of_line).collect();
        if !answers.is_empty() && say(&answers)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        match block.lines.get(good) {
            None => Ok(ControlFlow::Continue(())),
            Some(line) => Err(overflow(name, line, folder)),
        }
    }
}

/// While the last batches of one block are at work there are others for the cores that are free.
const BLOCKS_AT_WORK: usize = 2;

/// The blocks at work, the oldest first.
struct Underway<'c> {
    tokenize: &'c CheckpointTokenizer,
    cores: &'c Cores,
    jobs: Sender<Job>,
    results: Receiver<BatchResult>,
    blocks: VecDeque<Block>,
    /// How many blocks were finished: the number of the oldest one here.
    oldest: usize,
}

struct Block {
    lines: Vec<Line>,
    verdicts: Vec<Verdict>,
    /// Batches that are not done.
    left: usize,
    failed: Option<Error>,
}

/// The techniques that are named, by their index, with their probabilities, the most probable
/// first; none where the model gave what is no number.
type Verdict = Vec<(usize, f32)>;

/// A batch, and the number of its block.
struct Job {
    block: usize,
    tokenised: Arc<Vec<Vec<u32>>>,
    rows: Vec<usize>,
}

struct BatchResult {
    block: usize,
    rows: Vec<usize>,
    verdicts: Result<Vec<Verdict>>,
}

impl Underway<'_> {
    fn start(&mut self, lines: Vec<Line>) {
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        let tokenised = self.tokenize.ids(&texts);
        let verdicts = vec![Verdict::new(); lines.len()];
        let mut block = Block { lines, verdicts, left: 0, failed: None };
        match tokenised {
            Ok(tokenised) => {
                let lengths: Vec<usize> = tokenised.iter().map(Vec::len).collect();
                let tokenised = Arc::new(tokenised);
                let number = self.oldest + self.blocks.len();
                for rows in batches::batches(&lengths, self.cores.places, self.cores.workers) {
                    let job = Job { block: number, tokenised: tokenised.clone(), rows };
                    // The queue outlives this: a job always arrives.
                    block.left += usize::from(self.jobs.send(job).is_ok());
                }
            }
            Err(error) => block.failed = Some(error),
        }
        self.blocks.push_back(block);
    }

    /// Waits for the oldest block; `None` where none is at work.
    fn finish(&mut self) -> Option<Block> {
        while self.blocks.front()?.left > 0 {
            let Ok(BatchResult { block, rows, verdicts }) = self.results.recv() else {
                let reason = "no thread is left to do it".to_owned();
                let block = self.blocks.front_mut()?;
                block.failed = Some(Error::Library { what: "classifying", reason });
                break;
            };
            let block = self.blocks.get_mut(block - self.oldest)?;
            block.left -= 1;
            match verdicts {
                Ok(verdicts) => {
                    for (row, verdict) in rows.into_iter().zip(verdicts) {
                        block.verdicts[row] = verdict;
                    }
                }
                Err(error) => block.failed = Some(error),
            }
        }
        self.oldest += 1;
        self.blocks.pop_front()
    }
}

/// Classifies batches until there are no more, or nobody wants the results.
fn work(
    encoder: &TechniqueEncoder,
    padding_id: u32,
    queue: &Mutex<Receiver<Job>>,
    done: &Sender<BatchResult>,
) {
    if encoder.device() == Device::Cpu {
        tch::set_num_threads(1);
    }
    // Whoever waits for a job holds the queue, and the others wait for it.
    while let Some(Job { block, tokenised, rows }) = next_job(queue) {
        // libtorch's errors are tch's panics: nobody would wait for the result in vain.
        let run = AssertUnwindSafe(|| verdicts(encoder, padding_id, &tokenised, &rows));
        let verdicts = catch_unwind(run).unwrap_or_else(|_| {
            let reason = "libtorch could not; its own message stands above".to_owned();
            Err(Error::Library { what: "running the encoder", reason })
        });
        if done.send(BatchResult { block, rows, verdicts }).is_err() {
            return;
        }
    }
}

fn next_job(queue: &Mutex<Receiver<Job>>) -> Option<Job> {
    queue.lock().ok()?.recv().ok()
}

fn verdicts(
    encoder: &TechniqueEncoder,
    padding_id: u32,
    tokenised: &[Vec<u32>],
    rows: &[usize],
) -> Result<Vec<Verdict>> {
    let batch = Batch::new(tokenised, rows, padding_id, encoder.device());
    let probabilities = tch::no_grad(|| -> Result<_> {
        Ok(encoder.probabilities(&encoder.logits(&batch, false)?))
    })?;
    let probabilities = probabilities.to_device(Device::Cpu).contiguous().view(-1);
    let probabilities =
        Vec::<f32>::try_from(probabilities).map_err(Error::library("reading logits"))?;
    let names_several = encoder.problem() == Problem::MultiLabel;
    let verdict = |row: &[f32]| {
        if !row.iter().all(|probability| probability.is_finite()) {
            return Verdict::new();
        }
        let best = first_highest(row);
        let mut named = vec![(best, row[best])];
        if names_several {
            let others =
                row.iter().copied().enumerate().filter(|&(at, p)| at != best && p >= NAMED_FROM);
            named.extend(others);
            named.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        }
        named
    };
    Ok(probabilities.chunks(encoder.labels().len().max(1)).map(verdict).collect())
}

/// How many batches are at work at once, each on one core of the processor; or on a GPU, one.
/// libtorch's own number of threads is put back when this goes.
struct Cores {
    workers: usize,
    /// Places for tokens in a batch at most.
    places: usize,
    threads: i32,
}

impl Cores {
    fn of(device: Device) -> Self {
        let threads = tch::get_num_threads();
        let (workers, places) = match device {
            Device::Cpu => (threads.max(1).unsigned_abs() as usize, batches::PLACES),
            _ => (1, batches::PLACES_ON_GPU),
        };
        Self { workers, places, threads }
    }
}

impl Drop for Cores {
    fn drop(&mut self) {
        // What a thread is told counts for those that are begun after it, too.
        tch::set_num_threads(self.threads);
    }
}

/// A model that several threads read at once.
struct Shared<'a>(&'a TechniqueEncoder);

// SAFETY: tch does not let threads share tensors, since one of them might write. Here nothing
// does: the forward pass runs without gradients and dropout, and for reading libtorch's tensors
// may be used by any number of threads. What else the encoder holds is plain data, without a
// cell or a count of references: nothing is changed where it is only read. `is_plain` below
// lets no cell in; that there is no `Rc` is for whoever changes the encoder to see to.
unsafe impl Sync for Shared<'_> {}

/// Compiles where a model has no cell.
const fn is_plain<T: RefUnwindSafe>() {}
const _: () = is_plain::<TechniqueEncoder>();

impl Shared<'_> {
    fn get(&self) -> &TechniqueEncoder {
        self.0
    }
}
