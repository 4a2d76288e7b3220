use super::{blocks, read};
use crate::{Format, Kind};

const REPORT: &str = "---\ntitle: A report\n---\n# Findings\n\nThe actor *sent* [mails](https://x.example/a)\n\
    with `a.exe`.[^1]\n\n- It stole tokens from browsers.\n- It wiped all the disks.\n\n\
    > The group was seen in 2020.\n\n```\nnet view /all\n```\n\n| Tool | Use |\n|---|---|\n| a | b |\n\n\
    ![a picture](a.png)\n\n<div><p>The loader is packed with a packer.</p></div>\n\n[^1]: Vendor, 2020.\n";

#[test]
fn marks_become_kinds() {
    let report = read("report.md", REPORT);
    assert_eq!(report.format, Format::Markdown);
    assert_eq!(report.notes, [] as [&str; 0]);
    assert_eq!(
        blocks(&report),
        [
            (Kind::Navigation, "title: A report"),
            (Kind::Heading, "Findings"),
            (Kind::Prose, "The actor sent mails with a.exe."),
            (Kind::Prose, "It stole tokens from browsers."),
            (Kind::Prose, "It wiped all the disks."),
            (Kind::Prose, "The group was seen in 2020."),
            (Kind::Code, "net view /all"),
            (Kind::Table, "Tool | Use"),
            (Kind::Table, "a | b"),
            (Kind::Prose, "The loader is packed with a packer."),
            (Kind::Reference, "Vendor, 2020."),
        ]
    );
}

#[test]
fn a_name_that_says_something_else_is_noted() {
    let body = &REPORT[REPORT.find("# ").unwrap()..];
    let report = read("report.txt", body);
    assert_eq!(report.format, Format::Markdown);
    assert_eq!(report.notes, ["named .txt, and its content is Markdown"]);
    assert_eq!(read("report", body).notes, [] as [&str; 0]);
}

#[test]
fn nesting_and_open_marks_cost_nothing() {
    let sentence = "The actor dumped the credentials of all users.";
    for mark in [">", "[", "*a ", "`", "<", "![", "- ", "(", "~~", "|", "[^1]", "&#"] {
        let text = format!("{sentence}\n\n{}", mark.repeat(50_000));
        assert_eq!(blocks(&read("a.md", text))[0], (Kind::Prose, sentence), "{mark}");
    }
}
