//! `ttp classify` from outside: the same answers as one line at a time, in order, as the lines
//! come, in bounded memory; and what is wrong with an input, by its line.

use crate::common::tiny::{Tiny, WORDS};
use std::io::{BufRead, BufReader, Cursor, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tch::Device;
use ttp_lib::classify::{Answer, Classifier, Input, LONGEST_LINE};
use ttp_lib::encoder::TechniqueEncoder;

/// The number of lines that are answered together at most.
const BLOCK: usize = 512;

/// A model of three techniques whose answers differ, and files beside it.
struct Model(Tiny);

impl Model {
    fn new() -> Self {
        Self::with(|_, _| ())
    }

    /// One whose weights are changed before it is written.
    fn with(change: impl Fn(&str, &mut tch::Tensor)) -> Self {
        let tiny = Tiny::new();
        let checkpoint = tiny.find().unwrap();
        let labels = ["T1003", "T1059", "T1105"].map(str::to_owned).to_vec();
        let encoder = TechniqueEncoder::new(&checkpoint, labels, Device::Cpu, 3).unwrap();
        tch::no_grad(|| {
            for (name, mut variable) in encoder.parameters() {
                if name == "classifier.weight" {
                    let _ = variable.g_mul_scalar_(100.0);
                }
                change(&name, &mut variable);
            }
        });
        encoder.save(&tiny.path().join("model"), &checkpoint).unwrap();
        Self(tiny)
    }

    /// One in which the word "key" has such a vector.
    fn with_key(vector: &[f32]) -> Self {
        let key = WORDS.iter().position(|&word| word == "key").unwrap() as i64;
        let vector = tch::Tensor::from_slice(vector);
        Self::with(|name, variable| {
            if name.ends_with("word_embeddings.weight") {
                variable.get(key).copy_(&vector);
            }
        })
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, bytes: &[u8]) {
        std::fs::write(self.at("text.txt"), bytes).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ttp"));
        command.args(["classify", "model"]).args(arguments).current_dir(self.0.path());
        // Several workers, whatever this program itself was given.
        command.env("OMP_NUM_THREADS", "3");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What is printed, and the one line of a failure.
    fn fails(&self, arguments: &[&str]) -> (Vec<String>, String) {
        failed(&self.run(arguments))
    }

    fn at_a_pipe(&self) -> Pipe {
        let mut child = self.command(&[]).stdin(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Pipe { child, output }
    }
}

fn printed(output: &Output) -> Vec<String> {
    String::from_utf8(output.stdout.clone()).unwrap().lines().map(str::to_owned).collect()
}

fn failed(output: &Output) -> (Vec<String>, String) {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    (printed(output), said.trim_end().to_owned())
}

/// The command at a pipe that waits.
struct Pipe {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Pipe {
    fn write(&mut self, text: &str) {
        let input = self.child.stdin.as_mut().unwrap();
        input.write_all(text.as_bytes()).and_then(|()| input.flush()).unwrap();
    }

    /// The texts of the next answers.
    fn answers(&mut self, count: usize) -> Vec<String> {
        let lines = self.output.by_ref().lines().take(count).map(Result::unwrap);
        let text = |line: String| line.rsplit('\t').next().map(str::to_owned).unwrap();
        let answers: Vec<String> = lines.map(text).collect();
        assert_eq!(answers.len(), count, "{:?}", self.child.try_wait());
        answers
    }

    /// Ends the input; what came after the answers that were read.
    fn finish(mut self) -> Output {
        drop(self.child.stdin.take());
        let mut stdout = Vec::new();
        self.output.read_to_end(&mut stdout).unwrap();
        Output { stdout, ..self.child.wait_with_output().unwrap() }
    }
}

/// Lines of all lengths; every seventh one is empty, some are longer than the model reads.
fn text(lines: usize) -> String {
    let mut state = 7_usize;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (state >> 33) % below
    };
    (0..lines)
        .map(|line| {
            let words = match line {
                line if line % 7 == 3 => 0,
                line if line % 50 == 0 => 100,
                _ => 1 + next(20),
            };
            let words: Vec<&str> = (0..words).map(|_| WORDS[5 + next(8)]).collect();
            words.join(" ") + if line % 3 == 0 { " \r\n" } else { "\n" }
        })
        .collect()
}

#[derive(Debug, PartialEq)]
struct Said {
    line: usize,
    text: String,
    technique: String,
    probability: f32,
}

fn classified(model: &Path, input: Input) -> Vec<Said> {
    let mut all = Vec::new();
    let mut keep = |answers: &[Answer<'_>]| {
        all.extend(answers.iter().map(|answer| Said {
            line: answer.line,
            text: answer.text.to_owned(),
            technique: answer.technique.to_owned(),
            probability: answer.probability,
        }));
        Ok(ControlFlow::Continue(()))
    };
    Classifier::open(model).unwrap().classify(input, &mut keep).unwrap();
    all
}

#[test]
fn answers_are_those_of_each_line_alone_in_the_lines_order() {
    let model = Model::new();
    let text = text(3 * BLOCK + 100);
    model.write(text.as_bytes());
    let folder = model.at("model");
    let said = classified(&folder, Input::file(&model.at("text.txt")).unwrap());

    let encoder = TechniqueEncoder::open(&folder, Device::Cpu).unwrap();
    let tokenize = model.0.find().unwrap().tokenizer(64).unwrap();
    let lines = text.lines().map(str::trim).zip(1..).filter(|(line, _)| !line.is_empty());
    let lines: Vec<(&str, usize)> = lines.collect();
    assert_eq!(said.len(), lines.len());
    let mut techniques = std::collections::BTreeMap::new();
    for (said, (line, number)) in said.iter().zip(lines) {
        assert_eq!((said.line, said.text.as_str()), (number, line));
        let alone = encoder.predict(&tokenize, &[line]).unwrap();
        let best = alone.best()[0];
        assert_eq!(said.technique, encoder.labels()[best], "line {number}");
        let difference = (said.probability - alone.row(0)[best]).abs();
        assert!(difference < 1e-5, "line {number}: {difference}");
        *techniques.entry(said.technique.as_str()).or_insert(0) += 1;
    }
    assert!(techniques.len() > 1, "all the same: {techniques:?}");
}

#[test]
fn a_file_a_pipe_and_an_input_of_ones_own_get_the_same_answers() {
    let model = Model::new();
    let text = text(BLOCK + 100);
    model.write(text.as_bytes());
    let of_file = model.run(&["text.txt"]);
    assert!(of_file.status.success(), "{of_file:?}");
    let file = std::fs::File::open(model.at("text.txt")).unwrap();
    let of_redirection = model.command(&[]).stdin(file).output().unwrap();
    assert_eq!(printed(&of_redirection), printed(&of_file));

    let mut pipe = model.at_a_pipe();
    pipe.write(&text);
    let of_pipe = pipe.finish();
    let fields = |line: &String| {
        let fields: Vec<String> = line.split('\t').map(str::to_owned).collect();
        let probability: f32 = fields[1].parse().unwrap();
        (fields[0].clone(), fields[2].clone(), probability)
    };
    let of_own = classified(&model.at("model"), Input::new("text", Cursor::new(text)));
    assert_eq!(printed(&of_pipe).len(), printed(&of_file).len());
    assert_eq!(of_own.len(), printed(&of_file).len());
    for ((file, pipe), own) in printed(&of_file).iter().zip(printed(&of_pipe)).zip(of_own) {
        let (technique, text, probability) = fields(file);
        let (pipes, pipes_text, pipes_probability) = fields(&pipe);
        assert_eq!((&technique, &text), (&pipes, &pipes_text));
        assert_eq!((technique, text), (own.technique, own.text));
        // They may be rounded to three decimals on either side.
        assert!((probability - pipes_probability).abs() < 1.5e-3);
        assert!((probability - own.probability).abs() < 0.6e-3);
    }
}

#[test]
fn a_pipe_that_waits_is_answered_line_by_line() {
    let model = Model::new();
    let mut pipe = model.at_a_pipe();
    for line in ["mail", "the link", "a key"] {
        pipe.write(&format!("{line}\n\n"));
        assert_eq!(pipe.answers(1), [line]);
    }
    // A full block and a half, while the pipe stays open.
    pipe.write(&"log\n".repeat(BLOCK + BLOCK / 2));
    assert_eq!(pipe.answers(BLOCK + BLOCK / 2), vec!["log"; BLOCK + BLOCK / 2]);
    let output = pipe.finish();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

/// What a running program was started with.
#[cfg(target_os = "linux")]
fn environment(child: &Child) -> Vec<String> {
    let bytes = std::fs::read(format!("/proc/{}/environ", child.id())).unwrap();
    String::from_utf8_lossy(&bytes).split('\0').map(str::to_owned).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn libtorchs_threads_wait_asleep_unless_the_user_says_how_they_wait() {
    let model = Model::new();
    for (own, spins) in [(None, true), (Some(("OMP_WAIT_POLICY", "ACTIVE")), false)] {
        let mut command = model.command(&[]);
        command.stdin(Stdio::piped()).env_remove("GOMP_SPINCOUNT").env_remove("OMP_WAIT_POLICY");
        command.envs(own);
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut pipe = Pipe { child, output };
        pipe.write("mail\n");
        assert_eq!(pipe.answers(1), ["mail"]);
        let variables = environment(&pipe.child);
        let set = variables.iter().any(|variable| variable.starts_with("GOMP_SPINCOUNT="));
        assert_eq!(set, spins, "{own:?}");
        assert_eq!(pipe.finish().status.code(), Some(0));
    }
}

/// A text that counts how much of it was read.
struct Counted {
    text: Cursor<Vec<u8>>,
    read: Arc<AtomicUsize>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.text.read(buffer)?;
        self.read.fetch_add(count, Ordering::SeqCst);
        Ok(count)
    }
}

#[test]
fn answers_come_before_the_last_lines_are_read_and_may_be_enough() {
    let model = Model::new();
    let text = "the mail sends a link\n".repeat(200_000).into_bytes();
    let (all, read) = (text.len(), Arc::new(AtomicUsize::new(0)));
    let counted = Counted { text: Cursor::new(text), read: read.clone() };
    let mut answered = 0;
    let mut enough = |answers: &[Answer<'_>]| {
        answered += answers.len();
        Ok(ControlFlow::Break(()))
    };
    let classifier = Classifier::open(&model.at("model")).unwrap();
    classifier.classify(Input::new("text", counted), &mut enough).unwrap();
    assert!((1..=BLOCK).contains(&answered), "{answered}");
    let read = read.load(Ordering::SeqCst);
    assert!(read < all / 5, "{read} of {all} bytes");
}

#[test]
fn libtorchs_threads_are_as_many_as_before() {
    let model = Model::new();
    let (own, before) = (tch::get_num_threads(), 3);
    tch::set_num_threads(before);
    classified(&model.at("model"), Input::new("text", Cursor::new(text(20))));
    assert_eq!(tch::get_num_threads(), before);
    // Those of a thread that is begun later, too.
    assert_eq!(std::thread::spawn(tch::get_num_threads).join().unwrap(), before);
    tch::set_num_threads(own);
}

/// The most memory that a process took so far, in MiB.
#[cfg(target_os = "linux")]
fn peak(child: &Child) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

#[cfg(target_os = "linux")]
#[test]
fn a_long_pipe_needs_no_more_memory_than_a_short_one() {
    let model = Model::new();
    let mut pipe = model.at_a_pipe();
    let mut input = pipe.child.stdin.take().unwrap();
    let (short, long) = (text(1_000), 200);
    let answers = short.lines().filter(|line| !line.trim().is_empty()).count();
    // It is written while the answers are read, as a pipe is.
    let writer = std::thread::spawn(move || {
        for _ in 0..long {
            input.write_all(short.as_bytes()).unwrap();
        }
        input
    });
    pipe.answers(answers);
    let before = peak(&pipe.child);
    for _ in 1..long {
        pipe.answers(answers);
    }
    let after = peak(&pipe.child);
    pipe.child.stdin = Some(writer.join().unwrap());
    assert!(pipe.finish().status.success());
    println!("{before:.0} MiB after 1,000 lines, {after:.0} MiB after 200,000");
    // All the lines are 11 MB of text, and several times as much in tokens and answers.
    assert!(after < before + 16.0, "{before:.0} MiB after 1,000 lines, {after:.0} MiB at the end");
}

#[test]
fn a_last_line_without_an_end_is_answered() {
    let model = Model::new();
    let mut pipe = model.at_a_pipe();
    pipe.write("mail\nthe li");
    assert_eq!(pipe.answers(1), ["mail"]);
    pipe.write("nk");
    drop(pipe.child.stdin.take());
    assert_eq!(pipe.answers(1), ["the link"]);
    assert_eq!(pipe.finish().status.code(), Some(0));
}

#[test]
fn a_wrong_line_is_told_by_its_number_after_the_answers_before_it() {
    let model = Model::new();
    // Behind a full block and a blank line.
    let before = ["log\n".repeat(BLOCK), "mail\n \nlink\n".to_owned()].concat();
    let too_long = vec![b'a'; 10_000_000];
    let number = BLOCK + 4;
    for (wrong, reason) in [
        (&b"caf\xe9s\nlog\n"[..], "not UTF-8: its byte 4 is 0xe9"),
        (b"caf\xc3", "not UTF-8: it ends within a character"),
        (&too_long, "longer than 1048576 bytes; one sentence a line is wanted"),
    ] {
        model.write(&[before.as_bytes(), wrong].concat());
        let (printed, said) = model.fails(&["text.txt"]);
        assert_eq!(said, format!("error: text.txt, row {number}: {reason}"));
        assert_eq!(printed.len(), BLOCK + 2);
        assert!(printed[BLOCK + 1].ends_with("\tlink"), "{}", printed[BLOCK + 1]);
    }
    // At a pipe that stays open, it is not waited for more.
    let mut pipe = model.at_a_pipe();
    pipe.write("mail\n");
    assert_eq!(pipe.answers(1), ["mail"]);
    let mut input = pipe.child.stdin.take().unwrap();
    input.write_all(b"\xff\n").unwrap();
    let (printed, said) = failed(&pipe.finish());
    drop(input);
    assert_eq!(said, "error: standard input, row 2: not UTF-8: its byte 1 is 0xff");
    assert!(printed.is_empty());
}

#[test]
fn a_line_of_a_megabyte_is_read() {
    let model = Model::new();
    let line = "mail ".repeat(LONGEST_LINE / 5);
    model.write(line.as_bytes());
    let output = model.run(&["text.txt"]);
    assert_eq!(printed(&output).len(), 1, "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn an_input_without_a_sentence_is_a_failure() {
    let model = Model::new();
    let reason = "it ends here, and no line holds a sentence";
    for (text, row) in [(&b""[..], 1), (b"\n \r\n\t\n", 3)] {
        model.write(text);
        let said = format!("error: text.txt, row {row}: {reason}");
        assert_eq!(model.fails(&["text.txt"]), (Vec::new(), said));
    }
    let said = format!("error: standard input, row 1: {reason}");
    assert_eq!(model.fails(&[]), (Vec::new(), said));
}

#[test]
fn what_is_no_number_is_no_answer() {
    // Finite, and their mean is not.
    let too_large: Vec<f32> = (0..32).map(|at| if at % 2 == 0 { 3e38 } else { -3e38 }).collect();
    let model = Model::with_key(&too_large);
    let text = b"mail\n\nthe link\nthe key\nlog\n";
    model.write(text);
    let (printed, said) = model.fails(&["text.txt"]);
    let reason = "the model model gives NaN or an infinity for it: its weights are too large";
    assert_eq!(said, format!("error: text.txt, row 4: {reason}"));
    assert_eq!(printed.len(), 2, "{printed:?}");
    assert!(printed[1].ends_with("\tthe link"), "{printed:?}");

    // Weights that are NaN themselves are not taken for a model.
    drop(model);
    let model = Model::with_key(&[f32::NAN; 32]);
    model.write(text);
    let (printed, said) = model.fails(&["text.txt"]);
    let tensor = "bert.embeddings.word_embeddings.weight";
    let reason = format!("{tensor} holds NaN or an infinity");
    assert_eq!(said, format!("error: model/model.safetensors: {reason}"));
    assert!(printed.is_empty(), "{printed:?}");
}

#[test]
fn what_cannot_be_read_is_named() {
    let model = Model::new();
    let (_, said) = model.fails(&["none.txt"]);
    assert!(said.starts_with("error: none.txt: cannot read: "), "{said}");
    std::fs::create_dir(model.at("folder")).unwrap();
    let (_, said) = model.fails(&["folder"]);
    assert!(said.starts_with("error: folder, row 1: cannot be read: "), "{said}");
}

#[test]
fn who_reads_no_more_answers_ends_it_quietly() {
    let model = Model::new();
    let mut pipe = model.at_a_pipe();
    pipe.write("mail\nlink\n");
    assert_eq!(pipe.answers(2), ["mail", "link"]);
    let Pipe { mut child, output } = pipe;
    drop(output);
    let mut input = child.stdin.take().unwrap();
    // What is written into the pipe after its reader's end fails here: it may.
    let writer =
        std::thread::spawn(
            move || {
                while input.write_all("log\n".repeat(BLOCK).as_bytes()).is_ok() {}
            },
        );
    let until = Instant::now() + Duration::from_secs(60);
    while child.try_wait().unwrap().is_none() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    let ended = child.try_wait().unwrap();
    if ended.is_none() {
        child.kill().unwrap();
    }
    writer.join().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((ended.and_then(|status| status.code()), said.as_str()), (Some(0), ""));
}
