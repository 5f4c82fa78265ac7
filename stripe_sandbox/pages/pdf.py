"""A PDF of plain lines of text: one page after another, Helvetica, nothing else."""

from __future__ import annotations

_PER_PAGE = 48


def _escape(text: str) -> bytes:
    """Latin-1 with the three special characters escaped; what Latin-1 lacks becomes a question mark."""
    plain = text.replace("×", "x").replace("−", "-")
    return plain.encode("latin-1", "replace").replace(b"\\", rb"\\").replace(b"(", rb"\(").replace(b")", rb"\)")


def document(title: str, lines: list[str]) -> bytes:
    """A whole PDF file: the title, large, and the lines below it."""
    chunks = [lines[i : i + _PER_PAGE] for i in range(0, len(lines), _PER_PAGE)] or [[]]
    pages: list[bytes] = []
    for number, chunk in enumerate(chunks):
        body = [b"BT /F1 18 Tf 56 780 Td (%s) Tj ET" % _escape(title)] if number == 0 else []
        for row, line in enumerate(chunk):
            body.append(b"BT /F1 10 Tf 56 %d Td (%s) Tj ET" % (750 - row * 15, _escape(line)))
        pages.append(b"\n".join(body))
    objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
    kids = []
    for content in pages:
        kids.append(len(objects) + 1)
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % (len(objects) + 2)
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(b"%d 0 R" % kid for kid in kids), len(kids))
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)
