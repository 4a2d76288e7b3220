"""Golden encrypted PDF files for ttp-documents: one for each algorithm of the standard security handler.

    python -m venv golden
    golden/bin/pip install pikepdf==9.4.2
    golden/bin/python environment/golden/encrypted_pdfs.py > ttp-lib/tests/golden/encrypted_pdfs.json

pikepdf 9.4.2 encrypts with qpdf 11.9.1. Every file has one page with the sentence of PAGE, and an
empty user password where its name does not say `password`. A file is written in hexadecimal.
"""

import io
import json

import pikepdf
from pikepdf import Dictionary, Encryption, Name, Pdf, Stream

PAGE = b"BT /F1 10 Tf 72 700 Td (The actor ran a tool on the host.) Tj ET"
METADATA = (b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf="
            b"'http://www.w3.org/1999/02/22-rdf-syntax-ns#'/></x:xmpmeta>")
OWNER = "owner"

SETTINGS = {
    "rc4-40": {"R": 2},
    "rc4-128": {"R": 3},
    "crypt-filter-rc4": {"R": 4},
    "aes-128": {"R": 4, "aes": True, "metadata": True},
    "aes-128-objects-in-streams": {"R": 4, "aes": True, "metadata": True},
    "aes-128-metadata-in-the-clear": {"R": 4, "aes": True},
    "aes-256-r5": {"R": 5, "aes": True, "metadata": True},
    "aes-256-r6": {"R": 6, "aes": True, "metadata": True},
    "aes-256-r6-objects-in-streams": {"R": 6, "aes": True, "metadata": True},
    "aes-256-r6-metadata-in-the-clear": {"R": 6, "aes": True},
    "rc4-40-password": {"R": 2, "user": "secret"},
    "aes-128-password": {"R": 4, "aes": True, "metadata": True, "user": "secret"},
    "aes-256-r6-password": {"R": 6, "aes": True, "metadata": True, "user": "secret"},
}


def document():
    pdf = Pdf.new()
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
    page = pdf.add_blank_page(page_size=(612, 792))
    page.Resources = Dictionary(Font=Dictionary(F1=font))
    page.Contents = Stream(pdf, PAGE)
    pdf.docinfo["/Title"] = "A title"
    pdf.Root.Metadata = Stream(pdf, METADATA, Type=Name.Metadata, Subtype=Name.XML)
    return pdf


def encrypted(objects_in_streams=False, user="", aes=False, metadata=False, **settings):
    encryption = Encryption(owner=OWNER, user=user, aes=aes, metadata=metadata, **settings)
    objects = pikepdf.ObjectStreamMode
    mode = objects.generate if objects_in_streams else objects.disable
    out = io.BytesIO()
    document().save(out, encryption=encryption, object_stream_mode=mode, compress_streams=False)
    return out.getvalue()


def with_streams_in_the_clear():
    """No writer at hand leaves streams as they are and encrypts strings: the filter's name is changed, and the
    page is put in as it was. RC4 keeps the length."""
    pdf = encrypted(R=4)
    assert pdf.count(b"/StmF /StdCF") == 1
    pdf = pdf.replace(b"/StmF /StdCF", b"/StmF /Identity")
    head = f"<< /Length {len(PAGE)} >>\nstream\n".encode()
    assert pdf.count(head) == 1
    at = pdf.index(head) + len(head)
    return pdf[:at] + PAGE + pdf[at + len(PAGE):]


if __name__ == "__main__":
    files = {name: encrypted("objects-in-streams" in name, **settings)
             for name, settings in SETTINGS.items()}
    files["streams-in-the-clear"] = with_streams_in_the_clear()
    print(json.dumps({name: pdf.hex() for name, pdf in files.items()}, indent=1))
