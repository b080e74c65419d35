"""What every page of ours has: text that stays text, links that stay in the folder, a policy that allows only its own.

A page needs no network and no server. Its security policy refuses all scripts and styles but those with the hashes that
stand in it, and everything from elsewhere.
"""

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mereo.atomic_files import write_text
from mereo.text_lines import printable

BASIC_STYLE, HEAD = Path(__file__).with_name("page_basics.css"), Path(__file__).with_name("page_head.html")


class PageTemplate:
    """What lies beside a module under its name: .html, .css, and the .js of a page with a script."""

    def __init__(self, module_file: str) -> None:
        self.module_file = Path(module_file)

    def script(self) -> str:
        return self._part(".js")

    def write(
        self,
        path: str | Path,
        *,
        title: str,
        summary: str,
        notes: Iterable[str] = (),
        rules: str = "",
        script: str | None = None,
        data: Any = None,
        **parts: str,
    ) -> Path:
        """`title` and `notes` (for the foot) are any text; `summary` and `parts`, by their {{name}}, are HTML. `rules`
        are the style's colours, `data` is what the script reads."""
        # Colours (light and dark), letters and the frame are those of every page.
        style = BASIC_STYLE.read_text(encoding="utf-8") + self._part(".css").replace("{{colours}}", rules)
        values = {
            "head": page_head(title, summary=summary, style=style, script=script),
            "script": script or "",
            "data": script_data(data),
            "footer": "".join(f"<p>{escaped(note)}</p>" for note in notes),
        }
        write_text(path, filled(self._part(".html"), values | parts))
        return Path(path)

    def _part(self, suffix: str) -> str:
        return self.module_file.with_suffix(suffix).read_text(encoding="utf-8")


def page_head(title: str, *, summary: str, style: str, script: str | None = None) -> str:
    """Everything up to the page's main part, with the policy that allows this style and this script alone.

    `title` is any text, `summary` is HTML. The script itself stands at the end of the page; without one the policy's
    default refuses every script.
    """
    values = {
        "title": escaped(title),
        "summary": summary,
        "style": style,
        "style_hash": content_hash(style),
        "script_policy": "" if script is None else f"script-src 'sha256-{content_hash(script)}'; ",
    }
    return filled(HEAD.read_text(encoding="utf-8"), values)


def escaped(value: str) -> str:
    """Any name as one line of text for a page, also within an attribute.

    >>> escaped('<b>"a"\\n</b>')
    '&lt;b&gt;&quot;a&quot;\\\\n&lt;/b&gt;'
    """
    return html.escape(printable(value), quote=True)


def relative_link(relative: str) -> str:
    """A relative address: a name with a colon, a hash or a percent sign must stay a name.

    >>> relative_link("labels/50% #1.png")
    './labels/50%25%20%231.png'
    """
    return "./" + quote(relative, safe="/")


def content_hash(content: str) -> str:
    """As a security policy names a script or a style."""
    return base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii")


def filled(template: str, values: Mapping[str, str]) -> str:
    """Each {{name}} replaced, in one pass: a file named {{data}} is text like any other.

    >>> filled("<p>{{a}} {{b}}</p>", {"a": "{{b}}", "b": "2"})
    '<p>{{b}} 2</p>'
    """
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match.group(1)], template)


def script_data(content: Any) -> str:
    """JSON that cannot end its script element: no `<` is left in it.

    >>> script_data(["</script>"])
    '["\\\\u003c/script>"]'
    """
    return json.dumps(content, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c")


def colour_rules(indices: Iterable[int], colours_K3: Iterable[tuple[int, int, int]], *, prefix: str = "k") -> str:
    """A CSS class for each class's colour, since style attributes are what the policy forbids.

    >>> colour_rules([3], [(255, 0, 16)])
    '.k3 { --k: #ff0010; fill: #ff0010; }'
    """
    rules = []
    for index, colour in zip(indices, colours_K3, strict=True):
        red, green, blue = map(int, colour)
        value = f"#{red:02x}{green:02x}{blue:02x}"
        rules.append(f".{prefix}{index} {{ --k: {value}; fill: {value}; }}")
    return "\n".join(rules)
