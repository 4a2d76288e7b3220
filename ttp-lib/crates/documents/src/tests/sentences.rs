use super::read;
use crate::{Kind, Sentence};

fn places(text: &str) -> (String, Vec<Sentence>) {
    let report = read("a.txt", text);
    (report.blocks[0].text.clone(), report.sentences())
}

#[test]
fn places_are_exact_whatever_the_characters() {
    let text = "Überall „Café“ — 日本語 über a.exe, e.g. at night. Die zweite ist 𝒳 lang.Then it ends here. Yes. \
                It spoke to evil[.]com over hxxp://x[.]y today. No stop at its end";
    let (block, sentences) = places(text);
    let characters: Vec<char> = block.chars().collect();
    let slices: Vec<String> =
        sentences.iter().map(|one| characters[one.start..one.end].iter().collect()).collect();
    assert_eq!(slices, sentences.iter().map(|one| one.text.clone()).collect::<Vec<_>>());
    assert_eq!(
        slices[1..],
        [
            "Die zweite ist 𝒳 lang.",
            "Then it ends here.",
            "It spoke to evil[.]com over hxxp://x[.]y today.",
            "No stop at its end"
        ]
    );
}

#[test]
fn cleaned_as_the_corpus_is() {
    let (block, sentences) =
        places("1. The actor used &amp; a tool.[12] Then it stopped the service.");
    assert_eq!(sentences.len(), 2, "{sentences:?}");
    assert_eq!(sentences[0].text, "The actor used & a tool.");
    let slice: String = block.chars().take(sentences[0].end).skip(sentences[0].start).collect();
    assert_eq!(slice, "The actor used &amp; a tool.");
    assert_eq!(sentences[1].text, "Then it stopped the service.");
}

#[test]
fn only_prose_has_sentences_and_each_has_three_words() {
    let report = read(
        "a.md",
        "# The title of it all\n\nYes, it is. It is. See 1 2 3. The end.\n\n```\na b c d e.\n```\n",
    );
    let texts: Vec<_> = report.sentences().into_iter().map(|one| (one.block, one.text)).collect();
    assert_eq!(report.blocks[1].kind, Kind::Prose);
    assert_eq!(texts, [(1, "Yes, it is.".to_owned())]);
}
