"""`python -m tooling.pictures`: the pictures in docs/, made from what the commands really print."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from ropeway.local import demo

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
WIDTH = 98
PARTS = (
    ("upload", "5. It changes", "6. A site"),
    ("deploy", "7. The next", "9. A service"),
    ("fleet", "11. A release", "What next?"),
)
"""Picture, and the lines of the demo that it begins with and ends before."""

# As rich's own, but with the viewer's fonts: a picture that asks another site for a font tells that site who looks.
FORMAT = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, monospace; font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def main() -> int:
    printed = _demo()
    IMAGES.mkdir(exist_ok=True)
    for name, begin, end in PARTS:
        (IMAGES / f"{name}.svg").write_text(_part(printed, begin, end), encoding="utf-8")
    return 0


def _demo() -> str:
    printed = StringIO()
    screen = Console(file=printed, width=WIDTH, force_terminal=True, color_system="truecolor", legacy_windows=False)
    if code := demo.main(screen):
        raise SystemExit(code)
    return printed.getvalue()


def _part(printed: str, begin: str, end: str) -> str:
    lines = printed.splitlines()
    first = next(at for at, line in enumerate(lines) if begin in line)
    last = next(at for at, line in enumerate(lines) if end in line)
    screen = Console(record=True, file=StringIO(), width=WIDTH)
    screen.print(Text.from_ansi("\n".join(lines[first:last]).strip()))
    return screen.export_svg(title="ropeway demo", theme=MONOKAI, code_format=FORMAT, unique_id="ropeway")


if __name__ == "__main__":
    raise SystemExit(main())
