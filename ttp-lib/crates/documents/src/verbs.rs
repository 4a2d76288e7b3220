//! Whether words hold a finite verb, by a list of those that reports tell with. A form that is mostly
//! a noun is not listed (`attacks`, `reports`, `updates`): what is asked here parts sentences from
//! titles. Where a form may be either (`downloads`), it counts as a verb: a title that is read costs
//! less than a sentence that is not.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Forms of auxiliaries and irregular verbs.
const FORMS: &str = "is are was were has have had does did do can could will would may might must shall \
    should cannot isn't aren't wasn't weren't hasn't haven't hadn't doesn't didn't don't can't won't \
    began begins broke came comes fell finds found gave gives goes got hid hides held holds kept keeps knew \
    knows laid led left let lets lost made makes meant means met ran saw says sees sent sends shows \
    said says spoke spreads stole steals stood stands struck takes taken told took tells wrote writes bought brought \
    brings built builds chose chooses drew draws gained overwrote overwrites read reads rewrote runs sold \
    spent threw throws understood withdrew abused attempted caused captured changed compromised forced \
    listed placed returned searched updated dropped stopped embedded transferred transmitted submitted \
    scans scanned logged";

/// Verbs whose forms follow the rules: with -s and with -ed.
const VERBS: &str = "achieve acquire activate add adopt allow alter appear append arrive assign \
    associate authenticate avoid beacon become begin belong brute bypass carry \
    collect combine communicate compile compress configure confirm connect consist contact contain \
    continue convert copy create decode decompress decrypt delete deliver deploy describe detect determine \
    disable discover display distribute download drop dump elevate employ enable encode encrypt \
    enter enumerate escalate establish evade execute exfiltrate exploit extract fetch follow \
    gather generate harvest hijack identify impersonate implement include infect inject insert inspect \
    install interact intercept invoke iterate launch leverage load locate maintain masquerade modify \
    move obfuscate observe obtain open operate perform persist possess prevent proceed propagate \
    provide query receive register rely remain remove rename replace request resolve respond retrieve \
    select send serve spawn start store succeed suggest terminate \
    trick try unpack upload use utilize wait watch wipe";

static FINITE: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let mut found: HashSet<String> = FORMS.split_whitespace().map(str::to_owned).collect();
    for verb in VERBS.split_whitespace() {
        let stem = verb.strip_suffix('e');
        let changed = verb.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u']));
        let hisses = ["s", "x", "z", "ch", "sh"].iter().any(|end| verb.ends_with(end));
        found.insert(match changed {
            Some(stem) => format!("{stem}ies"),
            None if hisses => format!("{verb}es"),
            None => format!("{verb}s"),
        });
        found.insert(match (stem, changed) {
            (Some(stem), _) => format!("{stem}ed"),
            (None, Some(stem)) => format!("{stem}ied"),
            (None, None) => format!("{verb}ed"),
        });
    }
    found
});

/// Whether one of the words is a finite verb. Words in capital letters are those of a title.
pub(crate) fn has_finite_verb(text: &str) -> bool {
    text.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '’' || c == '-'))
        .any(|word| FINITE.contains(word.replace('’', "'").as_str()))
}
