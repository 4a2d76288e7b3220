use super::{PROSE, blocks, read, refused, texts};
use crate::{Format, Kind};

#[test]
fn wrapped_lines_are_joined_and_titles_told() {
    let text = "Summary of the attack\n\nThe actor sent spearphish-\ning mails to\nemployees. It\nran tools.\n\n\
                - One tool dumps passwords.\n- Another scans the\n  network.\n\n-----\n\nIndicators of Compromise\n\n\
                evil[.]example\n10.0.0.1\nThe file is dropped by the loader at each start.\n\nReferences\n\n\
                [1] Vendor report of the year\n";
    let report = read("a.txt", text);
    assert_eq!(report.format, Format::Text);
    assert_eq!(
        blocks(&report),
        [
            (Kind::Heading, "Summary of the attack"),
            (Kind::Prose, "The actor sent spearphishing mails to employees. It ran tools."),
            (Kind::Prose, "- One tool dumps passwords."),
            (Kind::Prose, "- Another scans the network."),
            (Kind::Heading, "Indicators of Compromise"),
            (Kind::Indicators, "evil[.]example"),
            (Kind::Indicators, "10.0.0.1"),
            (Kind::Prose, "The file is dropped by the loader at each start."),
            (Kind::Heading, "References"),
            (Kind::Reference, "[1] Vendor report of the year"),
        ]
    );
    let sentences: Vec<_> = report.sentences().into_iter().map(|one| one.text).collect();
    assert_eq!(sentences[2..4], ["One tool dumps passwords.", "Another scans the network."]);
}

#[test]
fn encodings_are_told() {
    let notes = |bytes: &[u8]| {
        let report = read("a.txt", bytes);
        assert!(report.blocks[0].text.ends_with("für alle."), "{report:?}");
        report.notes
    };
    let text = format!("{PROSE} Ein Gerät für alle.");
    let none: [&str; 0] = [];
    assert_eq!(notes(text.as_bytes()), none);
    assert_eq!(notes(format!("\u{feff}{text}").as_bytes()), none);
    for mark in [true, false] {
        let wide = || mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
        assert_eq!(notes(&wide().flat_map(u16::to_le_bytes).collect::<Vec<_>>()), none);
        assert_eq!(notes(&wide().flat_map(u16::to_be_bytes).collect::<Vec<_>>()), none);
    }
    let narrow: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    assert_eq!(notes(&narrow), ["not UTF-8: read as windows-1252"]);
}

#[test]
fn what_is_no_text_is_said() {
    assert_eq!(refused("empty.txt", ""), "an empty file");
    assert_eq!(refused("blank.txt", " \n\t\n"), "holds no text");
    assert_eq!(refused("signs.txt", "-- \n *** \n"), "holds no text");
    let rubbish: Vec<u8> =
        (0..4_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert_eq!(refused("Ä rubbish.txt", rubbish), "binary, no text");
    assert!(refused("a.rtf", "{\\rtf1 text}").starts_with("RTF"));
}

#[test]
fn another_language_is_told() {
    let german = "Die Angreifer haben nach dem Einbruch die Passwörter aus dem Speicher gelesen und \
                  sie dann mit einem Werkzeug, das sie selbst geschrieben hatten, an einen Server \
                  geschickt, der nicht in dem Netz der Firma steht.";
    let note = |text: &str| read("a.txt", text).notes;
    assert!(note(german)[0].contains("German"));
    assert_eq!(note(&PROSE.repeat(10)), [] as [&str; 0]);
    let polish = "Atakujący wysłali wiadomości z załącznikami do pracowników firmy, a następnie użyli \
                  narzędzia, które odczytało hasła z pamięci procesu i przesłało je na serwer, który \
                  został wcześniej przejęty przez tę samą grupę.";
    let swedish = "Angriparna skickade e-post till de anställda och när de hade öppnat bilagan kunde de \
                   läsa lösenord i minnet och skicka dem till en server som inte hörde till företaget.";
    assert!(note(polish)[0].contains("another language than English"), "{:?}", note(polish));
    assert!(note(swedish)[0].contains("Swedish"), "{:?}", note(swedish));
    let mixed = [PROSE, PROSE, PROSE, PROSE, german, PROSE, PROSE].join("\n\n");
    assert!(note(&mixed)[0].contains("seem not to be in English"), "{:?}", note(&mixed));
    let russian = "Злоумышленники отправили письма сотрудникам компании и получили доступ к сети.";
    assert!(note(russian)[0].contains("another script"));
}

#[test]
fn lines_without_an_end_are_read() {
    let long = "The actor used the tool to read memory. ".repeat(20_000);
    assert_eq!(read("long.txt", &long).sentences().len(), 20_000);
    let word = "a".repeat(1_000_000);
    assert_eq!(texts(&read("word.txt", word), Kind::Prose).len(), 1);
    assert!(!read("dots.txt", "a. ".repeat(300_000)).blocks.is_empty());
    assert!(!read("lines.txt", "a\n\n".repeat(300_000)).blocks.is_empty());
}
