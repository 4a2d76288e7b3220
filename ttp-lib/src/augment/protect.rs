//! Which words carry the evidence of a sentence and are better left alone: names of
//! tools and groups, hashes, paths, addresses, registry keys, identifiers.

use super::wordnet::WordNet;
use super::words::words;
use std::collections::BTreeMap;
use std::ops::Range;

/// Names that are protected besides what its shape gives away, by their first word.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    rest_by_first: BTreeMap<String, Vec<Vec<String>>>,
}

impl Names {
    /// Adds a name of one word or several, in the case in which texts have it.
    pub(super) fn add(&mut self, name: &str) {
        let mut parts = words(name).into_iter().map(|word| name[word].to_owned());
        if let Some(first) = parts.next() {
            self.rest_by_first.entry(first).or_default().push(parts.collect());
        }
    }

    /// How many words of `text`, from the first of `spans` on, are a name: the longest that fits.
    fn length_at(&self, text: &str, spans: &[Range<usize>]) -> Option<usize> {
        let (first, others) = spans.split_first()?;
        let rests = self.rest_by_first.get(&text[first.clone()])?;
        rests
            .iter()
            .filter(|rest| {
                rest.len() <= others.len()
                    && rest.iter().zip(others).all(|(part, span)| *part == text[span.clone()])
            })
            .map(|rest| 1 + rest.len())
            .max()
    }
}

/// For each word of `text` whether it is protected. `spans` are the text's words.
///
/// Protected is, besides the given names, every word of a blank-separated token that
/// looks like data ([`is_data`]), every word with a digit beside a letter or a capital
/// after its first letter (`PsExec`, `APT29`, `T1059`, `HTTPS`), every capitalised word
/// inside a sentence (`Cobalt Strike`), and a capitalised word at the start of one if
/// WordNet does not list it (`Mimikatz`).
pub(super) fn protected(text: &str, spans: &[Range<usize>], names: &Names) -> Vec<bool> {
    let wordnet = WordNet::get();
    let mut protected: Vec<bool> = Vec::with_capacity(spans.len());
    let mut token = 0..0;
    let mut token_is_data = false;
    let mut before = 0;
    for span in spans {
        if span.start >= token.end {
            token = token_around(text, span.start);
            token_is_data = is_data(&text[token.clone()]);
        }
        let word = &text[span.clone()];
        let starts_sentence = before == 0 || ends_sentence(&text[before..span.start]);
        protected.push(token_is_data || is_name(word, starts_sentence, wordnet));
        before = span.end;
    }
    for at in 0..spans.len() {
        if let Some(length) = names.length_at(text, &spans[at..]) {
            protected[at..at + length].fill(true);
        }
    }
    protected
}

/// The blank-separated token that holds the byte `at`.
fn token_around(text: &str, at: usize) -> Range<usize> {
    let start = text[..at]
        .char_indices()
        .rev()
        .find(|(_, c)| c.is_whitespace())
        .map_or(0, |(i, c)| i + c.len_utf8());
    let end = text[at..].find(char::is_whitespace).map_or(text.len(), |i| at + i);
    start..end
}

/// Whether a blank-separated token is no prose: a path, registry key, address (defanged
/// or not), file name, host name, e-mail address, version, switch, variable or hash.
fn is_data(token: &str) -> bool {
    let opening = |c: char| matches!(c, '"' | '\'' | '`' | '(' | '[' | '{' | '<' | '“' | '‘');
    let core = token.trim_start_matches(opening).trim_end_matches(|c: char| {
        opening(c)
            || matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | ')' | ']' | '}' | '>' | '”' | '’')
    });
    let mut characters = core.chars();
    let (first, second) = (characters.next(), characters.next());
    let after_sign = second.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '/' | '-'));
    let is_switch_path_or_variable =
        first.is_some_and(|c| matches!(c, '/' | '~' | '.' | '-' | '%' | '$')) && after_sign;
    is_switch_path_or_variable
        || ["\\", "://", "[.]", "[:]", "(.)", "@", "HKEY_"].iter().any(|mark| core.contains(mark))
        || has_inner_dot(core)
        || is_hash(core)
}

/// A dot between two letters or digits: `net.exe`, `example.com`, `10.0.0.1`.
fn has_inner_dot(token: &str) -> bool {
    token.split('.').collect::<Vec<_>>().windows(2).any(|sides| {
        sides[0].ends_with(char::is_alphanumeric) && sides[1].starts_with(char::is_alphanumeric)
    })
}

/// As long as an MD5 or longer, and hexadecimal.
fn is_hash(token: &str) -> bool {
    token.len() >= 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a word is a name or an identifier by its letters.
fn is_name(word: &str, starts_sentence: bool, wordnet: &WordNet) -> bool {
    let has_digit = word.contains(char::is_numeric);
    let has_letter = word.contains(char::is_alphabetic);
    let mut characters = word.chars();
    let is_capitalised = characters.next().is_some_and(char::is_uppercase);
    (has_digit && has_letter)
        || characters.any(char::is_uppercase)
        || (is_capitalised && (!starts_sentence || !wordnet.knows(word)))
}

/// Whether what stands between two words ends a sentence.
fn ends_sentence(gap: &str) -> bool {
    gap.contains(['.', '!', '?', ':', '\n', '"', '“', '•'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str, names: &[&str]) -> Vec<String> {
        let mut all = Names::default();
        names.iter().for_each(|name| all.add(name));
        let spans = words(text);
        let protected = protected(text, &spans, &all);
        spans.into_iter().zip(protected).filter(|(_, p)| *p).map(|(s, _)| text[s].into()).collect()
    }

    #[test]
    fn data_is_protected_and_prose_is_not() {
        for (text, expected) in [
            ("drops C:\\Users\\Public\\a.exe there", &["C", "Users", "Public", "a", "exe"][..]),
            ("sets HKCU\\Software\\Run, then stops", &["HKCU", "Software", "Run"]),
            ("reads (/etc/passwd) twice", &["etc", "passwd"]),
            ("asks hxxps://evil[.]example/a?b=c.", &["hxxps", "evil", "example", "a", "b", "c"]),
            ("asks evil[.]example for orders", &["evil", "example"]),
            ("mails foo@example.com daily", &["foo@example", "com"]),
            ("runs net.exe with -enc and /domain", &["net", "exe", "enc", "domain"]),
            ("hash d41d8cd98f00b204e9800998ecf8427e seen", &["d41d8cd98f00b204e9800998ecf8427e"]),
            ("hash abcdefabcdefabcdefabcdefabcdefab seen", &["abcdefabcdefabcdefabcdefabcdefab"]),
            ("uses CVE-2021-44228 and T1059.001", &["CVE-2021-44228", "T1059", "001"]),
            ("uses T1059, S0002 and APT29's tools", &["T1059", "S0002", "APT29's"]),
            ("from 10.0.0.1 to %TEMP% it went", &["10", "0", "0", "1", "TEMP"]),
            ("runs PsExec and Cobalt Strike over HTTPS", &["PsExec", "Cobalt", "Strike", "HTTPS"]),
            ("Mimikatz dumps. Adversaries dump", &["Mimikatz"]),
            ("the actor steals and/or sells data, e.g. by mail - at once...", &["e", "g"]),
            ("", &[]),
        ] {
            assert_eq!(kept(text, &[]), expected, "{text}");
        }
    }

    #[test]
    fn given_names_are_protected_as_a_whole_and_in_their_case() {
        let names = ["net", "at risk", "", "at"];
        assert_eq!(
            kept("net user is at risk, at Net rates at rest", &names),
            ["net", "at", "risk", "at", "Net", "at"]
        );
        assert_eq!(kept("put at", &["at risk"]), [] as [&str; 0]);
    }
}
