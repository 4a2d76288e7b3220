//! Names of glyphs (Adobe's glyph list, those of Latin letters and marks) and the standard encoding.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The names of the characters from blank to tilde.
const ASCII: &str = "space exclam quotedbl numbersign dollar percent ampersand quotesingle parenleft \
    parenright asterisk plus comma hyphen period slash zero one two three four five six seven eight \
    nine colon semicolon less equal greater question at A B C D E F G H I J K L M N O P Q R S T U V W \
    X Y Z bracketleft backslash bracketright asciicircum underscore grave a b c d e f g h i j k l m n \
    o p q r s t u v w x y z braceleft bar braceright asciitilde";

/// The names of the characters from U+00A1 to U+00FF.
const LATIN: &str = "exclamdown cent sterling currency yen brokenbar section dieresis copyright \
    ordfeminine guillemotleft logicalnot softhyphen registered macron degree plusminus twosuperior \
    threesuperior acute mu paragraph periodcentered cedilla onesuperior ordmasculine guillemotright \
    onequarter onehalf threequarters questiondown Agrave Aacute Acircumflex Atilde Adieresis Aring AE \
    Ccedilla Egrave Eacute Ecircumflex Edieresis Igrave Iacute Icircumflex Idieresis Eth Ntilde Ograve \
    Oacute Ocircumflex Otilde Odieresis multiply Oslash Ugrave Uacute Ucircumflex Udieresis Yacute \
    Thorn germandbls agrave aacute acircumflex atilde adieresis aring ae ccedilla egrave eacute \
    ecircumflex edieresis igrave iacute icircumflex idieresis eth ntilde ograve oacute ocircumflex \
    otilde odieresis divide oslash ugrave uacute ucircumflex udieresis yacute thorn ydieresis";

/// Others, with what they stand for.
const OTHERS: [(&str, &str); 48] = [
    ("quoteright", "’"),
    ("quoteleft", "‘"),
    ("quotedblleft", "“"),
    ("quotedblright", "”"),
    ("quotesinglbase", "‚"),
    ("quotedblbase", "„"),
    ("guilsinglleft", "‹"),
    ("guilsinglright", "›"),
    ("endash", "–"),
    ("emdash", "—"),
    ("bullet", "•"),
    ("ellipsis", "…"),
    ("dagger", "†"),
    ("daggerdbl", "‡"),
    ("perthousand", "‰"),
    ("fraction", "/"),
    ("florin", "ƒ"),
    ("Euro", "€"),
    ("trademark", "™"),
    ("minus", "-"),
    ("fi", "fi"),
    ("fl", "fl"),
    ("ff", "ff"),
    ("ffi", "ffi"),
    ("ffl", "ffl"),
    ("f_i", "fi"),
    ("f_l", "fl"),
    ("f_f", "ff"),
    ("f_f_i", "ffi"),
    ("f_f_l", "ffl"),
    ("OE", "Œ"),
    ("oe", "œ"),
    ("Lslash", "Ł"),
    ("lslash", "ł"),
    ("Scaron", "Š"),
    ("scaron", "š"),
    ("Zcaron", "Ž"),
    ("zcaron", "ž"),
    ("Ydieresis", "Ÿ"),
    ("dotlessi", "ı"),
    ("nbspace", " "),
    ("nonbreakingspace", " "),
    ("sfthyphen", "-"),
    ("circumflex", "^"),
    ("tilde", "~"),
    ("t_t", "tt"),
    ("t_i", "ti"),
    ("arrowright", "→"),
];

static NAMES: LazyLock<HashMap<&str, String>> = LazyLock::new(|| {
    let row = |names: &'static str, first: u32| {
        let characters = (first..).filter_map(char::from_u32).map(String::from);
        names.split_whitespace().zip(characters)
    };
    let others = OTHERS.iter().map(|(name, text)| (*name, (*text).to_owned()));
    row(ASCII, 0x20).chain(row(LATIN, 0xa1)).chain(others).collect()
});

/// The text that a glyph's name stands for.
pub(super) fn text(name: &str) -> Option<String> {
    let stem = name.split('.').next().filter(|stem| !stem.is_empty())?;
    if let Some(text) = NAMES.get(stem) {
        return Some(text.clone());
    }
    let digits = stem.strip_prefix("uni").or_else(|| stem.strip_prefix('u'))?;
    let digits = digits.get(..digits.len().min(if stem.starts_with("uni") { 4 } else { 6 }))?;
    if digits.len() < 4 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let c = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
    Some(c).filter(|c| !c.is_control()).map(String::from)
}

/// What a code stands for in the standard encoding (ISO 32000-1, D.2).
pub(super) fn standard(code: u8) -> Option<String> {
    const FROM_A1: &str = "exclamdown cent sterling fraction yen florin section currency quotesingle \
        quotedblleft guillemotleft guilsinglleft guilsinglright fi fl - endash dagger daggerdbl \
        periodcentered - paragraph bullet quotesinglbase quotedblbase quotedblright guillemotright \
        ellipsis perthousand - questiondown";
    match code {
        0x27 => Some("’".to_owned()),
        0x60 => Some("‘".to_owned()),
        0x20..=0x7e => Some(char::from(code).to_string()),
        0xa1..=0xbf => text(FROM_A1.split_whitespace().nth(usize::from(code - 0xa1))?),
        0xd0 => text("emdash"),
        0xe1 => text("AE"),
        0xe8 => text("Lslash"),
        0xe9 => text("Oslash"),
        0xea => text("OE"),
        0xf1 => text("ae"),
        0xf5 => text("dotlessi"),
        0xf8 => text("lslash"),
        0xf9 => text("oslash"),
        0xfa => text("oe"),
        0xfb => text("germandbls"),
        _ => None,
    }
}
