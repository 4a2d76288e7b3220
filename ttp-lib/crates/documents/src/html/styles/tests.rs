use super::{Appearance, Declarations, Styles, medium};
use crate::Limits;
use crate::budget::Budget;

/// How `<p id=i class="x y" style=…>` looks on a page with a style sheet.
fn look(sheet: &str, own: &str) -> Appearance {
    let mut styles = Styles::default();
    styles.add(sheet, &mut Budget::new(&Limits::default())).unwrap();
    styles.look("p", "i", "x y", Declarations::read(own))
}

fn is_shown(look: Appearance) -> bool {
    !look.hidden && look.faint.iter().all(|faint| *faint != Some(true))
}

#[test]
fn declarations_that_hide() {
    for own in [
        "display:none",
        " color : red ; DISPLAY : None !important",
        "visibility: hidden",
        "visibility:collapse;",
        "display:block;display:none",
        "display:none !important;display:block",
    ] {
        assert!(look("", own).hidden, "{own}");
    }
    for own in [
        "font-size:0",
        "FONT-SIZE: 0PX",
        "font-size: .0em",
        "font-size: 0.5px",
        "font: 0/0 a",
        "font: italic 700 0px/30px Georgia",
        "color: #fff; background: #fff",
        "background-color:white;color:#FFFFFF",
        "color:rgb(255, 255, 255);background:#fff",
        "background:red;color:red",
    ] {
        assert!(!is_shown(look("", own)) && !look("", own).hidden, "{own}");
    }
    for own in [
        "",
        "display:none;display:block",
        "display: inline",
        "visibility: visible",
        "display",
        "x-display:none",
        "overflow: hidden",
        "font-size: 12px",
        "font-size: 5",
        "font-size: -1px",
        "font-size: 0.8em",
        "font-size: calc(0px + 1em)",
        "font-size: 0; font-size: 1rem",
        "font: 700 12px/30px Georgia",
        "font: inherit",
        "color: #fff",
        "color: #fff; background: #000",
        "color: #fff; background: #fff url(night.png)",
        "color: #fff; background: #fff; background-color: black",
    ] {
        assert!(is_shown(look("", own)), "{own}");
    }
}

#[test]
fn rules_that_hide() {
    for sheet in [
        ".x{display:none}",
        "#i { visibility : hidden }",
        "p{font-size:0}",
        "P.y { display:none }",
        "p#i{display:none}",
        "h1, h2 ,.a,\n.x, .b { display: none }",
        "/* { */ @import 'a.css'; @charset \"x\"; .x{display:none}",
        ".x{display:none",
        ".a{content:\"}.x{\";background:url(data:a;b{c}/*)} .x{display:none}",
        "@media screen { .x{display:none} }",
        "@media all{.a{color:red}} @layer base { .x{display:none} }",
        "@font-face { font-family: x } .x{display:none}",
        "@media print { .x{display:block} } .x{display:none}",
        ".x{display:block} .x{display:none}",
        ".x{display:none} p{display:block}",
        ".x{display:none !important} .x{display:block} p#i{display:block}",
        ".x{display:none} .z:hover{display:block}",
        ".x{display:none} .x:hover{color:red}",
        "} .x{display:none}",
        ".\u{e9}{color:red} .x{display:none}",
        "p.x{color:#fff;background:#fff}",
    ] {
        assert!(!is_shown(look(sheet, "")), "{sheet}");
    }
    for sheet in [
        ".X{display:none}",
        ".x-a{display:none}",
        "h1.x{display:none}",
        ".x.a{display:none}",
        "div .x{display:none}",
        ".x:empty{display:none}",
        "*{display:none}",
        "/* .x{display:none} */",
        ".a{content:'.x{display:none}'}",
        "@media print{.x{display:none}}",
        "@media print { .a{} .x{display:none} } ",
        "@media (max-width: 600px) { .x{display:none} }",
        "@media print, screen and (min-width:1px) { @media all { .x{display:none} } }",
        "@supports (display:grid) { .x{display:none} }",
        "@keyframes a { from { display:none } } @page { .x{display:none} }",
        ".x{ .y{color:red} display:none }",
        ".x{display:none} .x{display:block}",
        ".x{display:none} .y{display:block}",
        "#i{display:block} .x{display:none}",
        "p.x{display:block} .x{display:none}",
        ".x{display:block!important} #i{display:none}",
        // A click or a script shows it.
        ".x{display:none} .x.active{display:block}",
        ".x{display:none} .open > .x{display:block}",
        ".x{visibility:hidden} .z:hover p{visibility:visible}",
        "p{display:none} @media (min-width: 600px) { p{display:block} }",
    ] {
        assert!(is_shown(look(sheet, "")), "{sheet}");
    }
}

#[test]
fn what_an_element_says_itself_goes_before_rules() {
    assert!(is_shown(look("#i{display:none}", "display:block")));
    assert!(look("#i{display:none!important}", "display:block").hidden);
    assert!(look("#i.z:hover{display:block}", "display:none").hidden);
    assert_eq!(look("p{font-size:0}", "font-size:12px").faint, [Some(false), None]);
    assert_eq!(look(".x{font-size:0}", "font-size:1em").faint, [None, None]);
}

#[test]
fn media_of_a_style_sheet() {
    for list in ["", " ", "all", "screen", "only screen", "print, SCREEN"] {
        assert_eq!(medium(list), Some(false), "{list}");
    }
    assert_eq!([medium("print"), medium("Speech, print")], [None, None]);
    assert_eq!(medium("screen and (min-width: 600px)"), Some(true));
}

#[test]
fn hostile_style_sheets_cost_their_length() {
    let many = |piece: &str, count: usize| piece.repeat(count);
    let list: String = (0..100_000).map(|at| format!(".c{at},")).collect();
    for (sheet, shown) in [
        (format!("{list}.x{{display:none}}"), false),
        ((0..100_000).map(|at| format!(".x.c{at}{{display:none}}\n")).collect(), true),
        (many("@media screen{", 100_000) + ".x{display:none}", false),
        (many("@media print{", 100_000) + ".x{display:none}", true),
        (many("{", 500_000), true),
        (many("}", 500_000) + ".x{display:none}", false),
        (many("/*", 500_000) + ".x{display:none}", true),
        (many("\"\n", 300_000) + "{} .x{display:none}", false),
        (many("url(", 300_000), true),
        (many(".x", 300_000) + "{display:none}", true),
        (format!(".x{{{}display:none}}", many("display:block;", 100_000)), false),
        (many(":not(", 300_000) + "{display:none}", true),
        (many("@", 500_000), true),
        (many("\\", 500_000), true),
    ] {
        let start = std::time::Instant::now();
        assert_eq!(is_shown(look(&sheet, "")), shown, "{}", &sheet[..40]);
        assert!(start.elapsed().as_secs() < 50, "{}", &sheet[..40]);
    }
}

#[test]
fn selectors_cost_what_they_take() {
    let sheet: String = (0..20_000).map(|at| format!(".c{at}{{display:none}}")).collect();
    let limits = Limits { text: 1_000_000, ..Limits::default() };
    let refused = Styles::default().add(&sheet, &mut Budget::new(&limits));
    assert_eq!(refused, Err("unpacks to more than 1000000 bytes".to_owned()));
    let limits = Limits { seconds: 0, ..Limits::default() };
    let refused = Styles::default().add(&sheet, &mut Budget::new(&limits));
    assert_eq!(refused, Err("takes longer than 0 seconds to read".to_owned()));
}
