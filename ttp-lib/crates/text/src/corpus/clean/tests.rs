use super::*;

/// What is wrong of cases with the sentences that they should be.
fn wrong<'a>(cases: &[(&'a str, &[&str])]) -> Vec<(&'a str, Vec<String>)> {
    let read = cases.iter().map(|(text, right)| (*text, sentences(text), *right));
    read.filter(|(_, found, right)| found != right).map(|(text, found, _)| (text, found)).collect()
}

/// Those among texts that are not so many sentences.
fn not_of<'a>(count: usize, texts: &[&'a str]) -> Vec<(&'a str, Vec<String>)> {
    let read = texts.iter().map(|text| (*text, sentences(text)));
    read.filter(|(_, found)| found.len() != count).collect()
}

// Kinds of https://github.com/mitre/cti/pull/181 and
// https://github.com/mitre-attack/attack-website/issues/209
#[test]
fn a_citation_takes_no_full_stop_and_no_end_with_it() {
    for (text, found) in [
        ("It did one(Citation: A).The tool left.", &["It did one.", "The tool left."][..]),
        ("It ran <code>cmd</code>(Citation: A).It left.", &["It ran cmd.", "It left."]),
        ("It ran (Citation: A).Then it left.", &["It ran.", "Then it left."]),
        ("It uses one(Citation: A).NET runs.", &["It uses one .NET runs."]),
    ] {
        assert_eq!(sentences(text), found, "{text:?}");
    }
}

#[test]
fn citations_go_in_any_spelling() {
    let two = ["It loads a file.", "It runs."];
    for citation in [
        "(Citation: A (B) 2019)",
        "(Citation: A)(Citation: B) ",
        " (Citation: A) (Citation: B) ",
        "(citation:A)",
        "( CITATION : A )",
        "(Citations: A, B)",
        "[Citation: A 2020] ",
        "{Citation: A}",
        "（Citation： A）",
        "(Citation: A [v2] 2020)",
        "(Citation: A] ",
        "((Citation: A)) ",
        " ((Citation: A), (Citation: B)) ",
        "[[Citation: A]]",
        "(see (Citation: A))",
        "(Citation: A),(Citation: B); ",
        "(Citation: A) and (Citation: B) ",
        "&#40;Citation&#58; A&#41; ",
        "&amp;lpar;Citation: A&rpar; ",
        "(**Citation:** A)",
        "**(Citation: A)** ",
        "<b>(Citation: A)</b> ",
        "(Citation: [A](https://a.example/b))",
        "[(Citation: A)](https://a.example) ",
        "(Citaton: A)",
        "(Ciation: A)",
        "(Cite: A)",
        "(Citation A 2020) ",
        "(Citation - A) ",
        "\u{200b}(Citation: A)",
        ".(Citation: A) ",
        "(Citation: A).",
        "\n(Citation: A)\n",
        "(Citation:\nA 2020) ",
        "(Citation: A\nReport 2020) ",
        "[1]",
        "[1][23] ",
        "[^a-1] ",
        "<sup>1</sup> ",
        "<sup>[2]</sup> ",
        // Never closed, and a sentence after it that can be told.
        "(Citation: A (B) ",
        "(Citation: A 2020. ",
        "(Citation: A\n",
    ] {
        let text =
            format!("It loads a file.{}It runs.", citation.strip_prefix('.').unwrap_or(citation));
        assert_eq!(sentences(&text), two, "{text:?}");
    }
    let cases: &[(&str, &[&str])] = &[
        ("It runs.(Citation: A Report December 2017", &["It runs."]),
        ("It runs.(Citation: A Alert (TA-1)", &["It runs."]),
        ("It runs.(Citation: A (TA-1) Alert 2017", &["It runs."]),
        ("It runs.(Citation: A (Citation: B)", &["It runs."]),
        ("It runs. Citation: A 2020", &["It runs."]),
        (
            "One (Citation: A), two (Citation: B) , and (Citation: C) three.",
            &["One, two, and three."],
        ),
        ("It did (Citation: A), (Citation: B), and (Citation: C).", &["It did."]),
        ("It did.(Citation: A), or (Citation: B)\nIt ran.", &["It did.", "It ran."]),
        ("It did (see (Citation: A), and (Citation: B)), then ran.", &["It did, then ran."]),
        ("It did (Citation: A), and (Citation: B) ran.", &["It did, and ran."]),
        ("It did (Citation: A), and (Citation: B), (Citation: C) ran.", &["It did, and ran."]),
        ("It runs (Citation: A.) Then it ends.", &["It runs.", "Then it ends."]),
        ("Three (Citation: D)(Citation: E) four.", &["Three four."]),
        ("Uses (Citation: A) .NET.", &["Uses .NET."]),
        (
            "A (citation) and (citations needed), (creation: 2 files).",
            &["A (citation) and (citations needed), (creation: 2 files)."],
        ),
        ("It runs.[^1]\n\n[^1]: A Report. It is long.", &["It runs."]),
        ("It reads a[1] and x, [2] y.", &["It reads a[1] and x, [2] y."]),
        (" \n\t(Citation: only) ", &[]),
    ];
    assert_eq!(wrong(cases), []);
}

// Kinds of the ICS releases 8.0 to 10.1 of https://github.com/mitre/cti and of
// https://github.com/nipunsadvilkar/pySBD/issues/121
#[test]
fn list_items_are_sentences_without_marks() {
    for list in [
        "* one\n* two",
        "- one\n- two",
        "+ one\n+ two",
        "– one\n– two",
        "• one\n•two",
        "1. one\n2. two",
        "10) one\n(11) two",
        "a) one\n(b) two",
        "a. one\nb. two",
        "i. one\nii) two",
        "1.1. one\n1.2. two",
        "  * one\n\t- two",
        "* 1. one\n  * - two",
        "- [ ] one\n- [x] two",
        "> one\n>> two",
        "### one ###\n###two",
        "one\n===\ntwo\n---",
        "*   **one**\n*   __two x__",
        "&bull; one<br>&#8226; two",
        "<ul><li>one<LI>two</ul>",
        "<p>one<P class='x'>two",
        "| one | two |\n|---|---|",
        "one\r\ntwo",
        "one\rtwo",
        "*One\n*Two",
        "1.One\n2.Two",
        "\u{f0b7} one\n➢ two",
    ] {
        let found = sentences(list).concat().to_lowercase().replace(" x", "");
        assert_eq!((sentences(list).len(), found.as_str()), (2, "onetwo"), "{list:?}");
    }
    let cases: &[(&str, &[&str])] = &[
        ("It can: * list * delete", &["It can:", "list", "delete"]),
        (
            "It has modes:  *Run - it runs. (Citation: A)  *Stop - it stops.  Then it ends.",
            &["It has modes:", "Run - it runs.", "Stop - it stops.", "Then it ends."],
        ),
        ("It can • list • delete", &["It can", "list", "delete"]),
        (
            "It reads * .doc and *.xls files, 2 * 3 * 4.",
            &["It reads * .doc and *.xls files, 2 * 3 * 4."],
        ),
        (
            "It copies files with certain extensions from drives to\na folder.",
            &["It copies files with certain extensions from drives to a folder."],
        ),
        (
            "It has two steps: 1. Copy files. 2. Delete files.",
            &["It has two steps: 1. Copy files.", "Delete files."],
        ),
        ("(see) -f and #1", &["(see) -f and #1"]),
    ];
    assert_eq!(wrong(cases), []);
}

#[test]
fn links_keep_their_text() {
    for link in [
        "[Foo](https://a.example/b)",
        "[Foo](http://a.example/b_(c) \"title\")",
        "[Foo](<https://a.example>)",
        "[Foo]( https://a.example )",
        "[Foo] (https://a.example/b)",
        "[Foo](/software/S0001)",
        "[Foo](#foo)",
        "[Foo](../foo)",
        "[Foo](software/S0001)",
        "[Foo](mailto:a@b.example)",
        "[Foo][1]",
        "[Foo][]",
        "[https://a.example/b Foo]",
        "[[Foo]]",
        "[[Software/S0001|Foo]]",
        "![Foo](https://a.example/b.png)",
        "[![Foo](https://a.example/b.png)](https://a.example)",
        "[Foo](https://a.example/b",
        "<a href='x>y'>Foo</a>",
        "[[Foo](https://a.example)",
        "[**Foo**](https://a.example)",
        "**[Foo](https://a.example)**",
        "`Foo`",
    ] {
        assert_eq!(
            sentences(&format!("It uses {link} to run.")),
            ["It uses Foo to run."],
            "{link}"
        );
    }
    let cases: &[(&str, &[&str])] = &[
        (
            "[a[b]](https://x.y/z_(w)) and evil[.]com (http://evil.example/)",
            &["a[b] and evil[.]com (http://evil.example/)"],
        ),
        ("It uses [Foo][1].\n\n[1]: https://a.example", &["It uses Foo."]),
        ("It reads a[0] and [x](y) and [[ -f z ]].", &["It reads a[0] and [x](y) and [[ -f z ]]."]),
        ("It is at <https://a.example/b>.", &["It is at https://a.example/b."]),
        ("It ends.[Foo](https://a.example) runs.", &["It ends.", "Foo runs."]),
    ];
    assert_eq!(wrong(cases), []);
}

#[test]
fn marks_of_bold_code_and_tags_go() {
    let cases: &[(&str, &[&str])] = &[
        (
            "**Bold** and __Bold__, ***both***, _in italics_, *so it is* and ~~struck~~.",
            &["Bold and Bold, both, in italics, so it is and struck."],
        ),
        ("**Bold over\ntwo lines** ends.", &["Bold over", "two lines ends."]),
        ("**Note:** it ends. **Note:**it ends.", &["Note: it ends.", "Note:it ends."]),
        (
            "Files *.doc, **.exe, 2**8, a*b*c, *pass* and HKLM\\**\\x stay.",
            &["Files *.doc, **.exe, 2**8, a*b*c, *pass* and HKLM\\**\\x stay."],
        ),
        (
            "Names __init__.py, my_file_name, _x_ and __attribute__((x)) stay.",
            &["Names __init__.py, my_file_name, _x_ and __attribute__((x)) stay."],
        ),
        (
            "`code` and ``co`de``, ```co de``` and one ` alone.",
            &["code and co`de, co de and one ` alone."],
        ),
        (
            "It runs <code>echo `id` ** x</code> and `a ** b ** <user>`.",
            &["It runs echo `id` ** x and a ** b ** <user>."],
        ),
        (
            "It runs:\n```bash\nnet use. Go\n```\nThen it ends.",
            &["It runs:", "net use. Go", "Then it ends."],
        ),
        (
            "<span class=\"x\">RDP</span> and <SPAN >SMB</SPAN > and <user>",
            &["RDP and SMB and <user>"],
        ),
        ("Foo<BR>Bar<br/>Baz<br\n/>Qux<!-- a <b> -->", &["Foo", "Bar", "Baz", "Qux"]),
        ("<h2>One</h2><section>Two</section>", &["One", "Two"]),
        ("One <code>a. B. <code>c. D</code> end.", &["One a.", "B. c. D end."]),
        ("<CODE>a. B</CODE> runs. A <kbd>c. D</kbd> key.", &["a. B runs.", "A c. D key."]),
        ("A key under <code> HKLM </code> is set.", &["A key under HKLM is set."]),
        ("It runs <code>net use </code>, <code>x </code>y.", &["It runs net use, x y."]),
        ("It reads `C:\\Some\nFolder\\`. It ends.", &["It reads C:\\Some Folder\\.", "It ends."]),
        ("* a ` mark\n* another ` mark", &["a ` mark", "another ` mark"]),
        ("x <y and z> w, <a sentence like this>", &["x <y and z> w, <a sentence like this>"]),
    ];
    assert_eq!(wrong(cases), []);
}

#[test]
fn entities_are_decoded() {
    for (text, plain) in [
        ("<code>cmd &lt;x&gt; &amp;&#92; <file_path></code>", "cmd <x> &\\ <file_path>"),
        ("&eacute;&Auml;&euro;&rarr;&hellip;&#8217;&#x2019;&#X2019;&#146;", "éÄ€→…’’’’"),
        ("&amp;lt;x&amp;gt; &amp;amp;amp; &amp;#39; AT&amp;T", "<x> & ' AT&T"),
        ("a&nbsp;b &lt c &copy &R&D; a&shy;b", "a b < c &copy &R&D; ab"),
        ("&unknown; &#x110000; &#; &#x; &#+65; & &;", "&unknown; &#x110000; &#; &#x; &#+65; & &;"),
        ("&lt;b&gt;Foo&lt;/b&gt; from &lt;b&gt; and &lt;/b&gt;", "Foo from <b> and </b>"),
        ("one&lt;br/&gt;two&#10;three", "one\ntwo\nthree"),
        ("a\u{E000}b\u{E002} &#xE001; c", "ab &#xE001; c"),
    ] {
        assert_eq!(plain_text(text), plain);
    }
}

// Kinds of https://github.com/nltk/nltk/issues/2154 ,
// https://github.com/nipunsadvilkar/pySBD/issues/86 and
// https://github.com/languagetool-org/languagetool/issues/2340
#[test]
fn stops_that_end_no_sentence() {
    let whole = [
        "It uses tools (e.g. PsExec), i.e. Windows ones, vs. Linux ones.",
        "It drops C:\\Users\\a.b\\x.exe and /etc/cron.d/y to 10.0.0.1 or http://a.b/c.d?e=F.",
        "It needs .NET 4.5 or Python v3.9.1 Final, v. 2.1 or ver. 3 and Windows 8.1 Pro.",
        "Acme Inc. Tools were signed by John D. Smith of the U.S. Army.",
        "It was told by J. R. Smith, Lt. Col. Example and Dr. Web of St. Petersburg.",
        "It reads files, folders, etc. in the profile.",
        "It runs <code>echo A. B! C</code> and `x. Y? Z` at start.",
        "1. Do this",
        "It is No. 3, port no. 80, see p. 3, pp. 4, Fig. 4, sec. 4, ch. 5, app. 7.",
        "It, a.k.a. Bluebank (aka. Greenbank), runs.",
        "It ran from Sept. 2019 until Mon. Jan. 5, 2020, at 3 p.m. PT.",
        "It uses Yahoo! Mail as its channel.",
        "It needs ver. 2 and max. 5 tries, see sec. 4.",
        "The U.S.A. Army met the D.P.R.K. Government at 5 p.m. Eastern time.",
        "It waits ... 30 seconds and then… Fogbank... Bar [...] Data.",
        "It was sold by Example Co., Ltd. Tools were signed.",
        "Gen. Smith of the Dept. Of Defense saw it.",
        "It is Trojan.A, Backdoor.AN or WScript.Shell; System.The is a name.",
        "It was seen by Example et al. 2004 at Univ. Research in approx. Q3.",
        "It was Smith v. Jones of PTY. LTD.",
        "It waits . . . Fogbank then goes.",
    ];
    assert_eq!(not_of(1, &whole), []);
}

#[test]
fn stops_that_end_a_sentence() {
    let two = [
        "It runs a.exe. macOS is not hit.",
        "It ends. [netstat](https://a.b/c) can list.",
        "It ends. <code>who -a</code> can list.",
        "It lists files, etc. Adversaries do.",
        "It ends (so to say.) Next.",
        "Does it? Yes.",
        "It says \"no.\" Then goes.",
        "Signed by Acme Inc.. Then it runs.",
        "Signed by Acme Inc. The tool runs.",
        "It has stage C. Then it ends.",
        "It copies to drive C. Fogbank runs.",
        "* an item\n* another",
        "It ran at 5 p.m. Then it ended.",
        "It ran at 5 p.m. Fogbank ended.",
        "It is of the U.S. The rest is not.",
        "It waits 5 sec. 4 files are read.",
        "It waits 30 ms. Fogbank runs.",
        "It goes on... The rest is not.",
        "It goes on… The rest is not.",
        "It steals (1) keys. (2) Cookies stay",
        "It asks example.com. 192.0.2.1 is next.",
        "It needs v1.2.3. Fogbank runs.",
        "It needs Windows 8.1. Fogbank runs.",
        "It uses a PLC. Modes vary.",
        "It is seen.Then it leaves.",
        "It is a file (x).The end.",
        "It ran in 2019.The end.",
        "It says \"no\".Then it ends.",
        "It runs. .NET is used.",
        "It waits. %TEMP% is read.",
        "Foo runs!Then it ends.",
    ];
    assert_eq!(not_of(2, &two), []);
    assert_eq!(sentences(two[19])[1], "(2) Cookies stay");
}

#[test]
fn nothing_in_nothing_out() {
    assert_eq!(plain_text(""), "");
    assert!(sentences("").is_empty());
}

/// Every step takes time in proportion to the text: were one of them to look back from each place,
/// this would take hours. Texts of brackets and of ampersands:
/// <https://github.com/Python-Markdown/markdown/issues/798> and
/// <https://github.com/markdown-it/markdown-it/issues/737>.
#[test]
fn hostile_texts_take_no_longer_than_others() {
    for (open, close) in [("(__a", "a__)"), ("(*a", "a*)"), ("(_a", "a_)"), ("[", "](x)")] {
        let text = open.repeat(40_000) + &close.repeat(40_000);
        assert!(sentences(&text).len() <= text.len(), "{open}{close}");
    }
    let often = |piece: &str, length: usize| {
        let text = piece.repeat(length / piece.len());
        assert!(sentences(&text).len() <= length, "{piece}");
    };
    for piece in ["[", "&", "<", "(Citation:", "(", "*", "`", "a."] {
        often(piece, 1_000_000);
        often(piece, 2_000_000);
    }
    for piece in [
        "_",
        "\"",
        "(Citation: a. It (",
        "(citation [",
        "（Citation：",
        "Citation: ",
        ". Citation:",
        "[a](http://",
        "[[",
        "[[a|",
        "[http://a",
        "](",
        "[x] (http",
        "<a href=\"",
        "<!--",
        "<code>",
        "`` ` ",
        "**a ",
        "__A b",
        "~~",
        "&amp;",
        "&#",
        "&lt;b&gt;",
        "* ",
        " * a: * ",
        "• a",
        "a\n",
        "\n",
        " ",
        "A. ",
        "It.The",
        "1. ",
        "```\n",
        "| a |",
        "\u{e000}",
    ] {
        often(piece, 200_000);
    }
}

#[test]
fn sentences_of_plain_text_are_where_their_places_say() {
    let text = "The malware is seen.Then it runs v2.1 of the tool. macOS is next; e.g. Linux waits. \
                Is it „über“ all? Yes. It ends here.The last one has no stop";
    let text = collapse(text);
    let found: Vec<&str> = sentence_ranges(&text).into_iter().map(|at| &text[at]).collect();
    assert_eq!(found, sentences(&text));
    assert_eq!(found.len(), 7, "{found:?}");
    assert_eq!(found[0], "The malware is seen.");
    assert!(sentence_ranges("").is_empty() && sentence_ranges(" ").is_empty());
}
