"""The project's files, and how a check speaks: one line for each finding, one line for the result."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent.parent
CPP_SUFFIXES = {".cpp", ".hpp"}


class CannotCheck(Exception):
    """The check itself could not be made: a tool or a file it needs is missing."""


def tracked_files(root):
    """Paths relative to `root` that git tracks or would track; without git, all but build folders and hidden ones."""
    try:
        # The folder may belong to somebody else than the one who runs the checks (sudo), which git refuses by default.
        listed = subprocess.run(
            ["git", "-c", "safe.directory=*", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard"],
            capture_output=True, check=True, env={**os.environ, "GIT_CEILING_DIRECTORIES": str(root.parent)})
        names = [name for name in listed.stdout.decode().split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        names = [str(path.relative_to(root)) for path in _walk(root)]
    return sorted(Path(name) for name in set(names) if (root / name).is_file())


def _walk(folder):
    for path in folder.iterdir():
        if path.name.startswith((".", "build")) or path.name == "__pycache__":
            continue
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path


def text_of(path):
    """The text of a file, or None when it is not text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def arguments(description, *positional):
    parser = argparse.ArgumentParser(description=description)
    for name, explanation in positional:
        parser.add_argument(name, type=Path, help=explanation)
    parser.add_argument("--root", type=Path, default=PROJECT_ROOT, help="the project's folder (default: this one)")
    return parser.parse_args()


def run(name, check):
    """Calls `check`, which returns (findings, summary), prints both, and exits: 0 clean, 1 findings, 2 not checked."""
    try:
        findings, summary = check()
    except CannotCheck as reason:
        print(f"{name}: not checked: {reason}")
        sys.exit(2)
    for finding in findings:
        print(finding)
    print(f"{name}: {len(findings)} to mend ({summary})" if findings else f"{name}: ok ({summary})")
    sys.exit(1 if findings else 0)
