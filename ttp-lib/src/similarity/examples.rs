//! Pairs of sentences of our own, for a look at what a model makes of them.

/// Two sentences that stand in no corpus, and whether they tell of one technique.
pub const UNSEEN_PAIRS: [(&str, &str, bool); 10] = [
    (
        "The loader reads saved passwords out of the memory of LSASS.",
        "Credentials were taken from a dump of the local security process.",
        true,
    ),
    (
        "A task that starts every hour brings the backdoor back after a reboot.",
        "It has schtasks run its payload each time somebody logs on.",
        true,
    ),
    (
        "The mail carried a document whose macro fetched the second stage.",
        "Victims opened an attached spreadsheet that was made for them.",
        true,
    ),
    (
        "Stolen files left the network in answers to DNS questions.",
        "It hides what it sends to its server in the names of hosts that it looks up.",
        true,
    ),
    (
        "The tool lists running processes and looks for those of antivirus products.",
        "It asks the system for the names of all processes.",
        true,
    ),
    (
        "The loader reads saved passwords out of the memory of LSASS.",
        "The loader packs stolen documents into an archive with a password.",
        false,
    ),
    (
        "A task that starts every hour brings the backdoor back after a reboot.",
        "The backdoor waits an hour before it does anything, to outlast a sandbox.",
        false,
    ),
    (
        "The mail carried a document whose macro fetched the second stage.",
        "The second stage reads the mails of its victim and collects their addresses.",
        false,
    ),
    (
        "Stolen files left the network in answers to DNS questions.",
        "The tool asks the network's DNS server for the domain's controllers.",
        false,
    ),
    (
        "The tool lists running processes and looks for those of antivirus products.",
        "The tool ends the processes of antivirus products.",
        false,
    ),
];
