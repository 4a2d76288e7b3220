//! The words that decide where sentences end.

/// A full stop after one of these ends no sentence, in small letters.
pub(super) const ABBREVIATIONS: [&str; 30] = [
    "ex", "esp", "cf", "vs", "eg", "ie", "viz", "approx", "dept", "div", "univ", "prof", "intl",
    "natl", "assn", "assoc", "resp", "govt", "incl", "excl", "avg", "est", "orig", "ph.d", "b.sc",
    "m.sc", "aka", "tel", "ext", "def",
];

/// Nor after one of these, unless what follows surely opens one.
pub(super) const COMPANIES: [&str; 13] =
    ["inc", "corp", "ltd", "co", "cos", "bros", "jr", "sr", "al", "llc", "gmbh", "pty", "mfg"];

/// Nor after a title before a name: `Gen. Smith`, but `the col. Then`.
pub(super) const TITLES: [&str; 25] = [
    "Gen", "Gov", "Sgt", "Lt", "Col", "Capt", "Sen", "Rep", "Maj", "Adm", "Cmdr", "Hon", "Rev",
    "Pres", "Supt", "Det", "Insp", "Dr", "Mr", "Ms", "Mrs", "St", "Mt", "Ft", "Prof",
];

/// Nor after one of these before a number: `No. 3` and `see sec. 4`, but `It says no. 3 files are
/// left` and `5 sec. 3 files`.
pub(super) const NUMBERED: [&str; 44] = [
    "No", "Nos", "no", "nos", "Fig", "fig", "figs", "Figs", "ver", "Ver", "vers", "V", "max",
    "Max", "min", "Min", "sec", "Sec", "sect", "Sect", "ch", "Ch", "chap", "Chap", "vol", "Vol",
    "p", "pp", "ca", "c", "Art", "art", "para", "Para", "pt", "Pt", "eq", "Eq", "rev", "Rev", "ed",
    "App", "Appx", "app",
];

/// Words behind which `no` is an answer.
pub(super) const SAYING: [&str; 8] =
    ["says", "said", "is", "are", "was", "or", "answers", "answered"];

/// Nor after a month or day before a number, a month or a day.
pub(super) const DATES: [&str; 24] = [
    "Jan", "Feb", "Mar", "Apr", "Jun", "Jul", "Aug", "Sep", "Sept", "Oct", "Nov", "Dec", "Mon",
    "Tue", "Tues", "Wed", "Thu", "Thur", "Thurs", "Fri", "Sat", "Sun", "June", "July",
];

/// What may follow `5 p.m.`: the time's zone, or its day.
pub(super) const ZONES: [&str; 14] = [
    "Eastern",
    "Central",
    "Mountain",
    "Pacific",
    "Coordinated",
    "Moscow",
    "Beijing",
    "Local",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// Names with a mark of their own.
pub(super) const NAMES: [&str; 5] = ["Yahoo!", "Jeopardy!", "Joomla!", "Yum!", "Drupal!"];

/// Words before a capital letter that is not an initial: `drive C. Fogbank`.
pub(super) const LETTERED: [&str; 16] = [
    "stage", "phase", "type", "class", "drive", "option", "level", "group", "appendix", "section",
    "plan", "team", "part", "figure", "variant", "language",
];

/// Words that open a sentence and hardly ever go on with one, capital letter included.
pub(super) const OPENERS: [&str; 44] = [
    "A",
    "Additionally",
    "Adversaries",
    "After",
    "Also",
    "An",
    "As",
    "At",
    "Both",
    "But",
    "Each",
    "For",
    "From",
    "Furthermore",
    "He",
    "Her",
    "His",
    "However",
    "If",
    "In",
    "It",
    "Its",
    "Later",
    "Next",
    "Once",
    "One",
    "Other",
    "Others",
    "She",
    "Since",
    "Some",
    "Such",
    "That",
    "The",
    "Then",
    "There",
    "These",
    "They",
    "This",
    "Those",
    "Upon",
    "We",
    "When",
    "While",
];
