"""Numbered steps, commands with what they said, and what was seen, in plain sentences."""

import textwrap

_WIDTH = 110


class Narration:
    """Prints as things happen. What was seen to hold, or not, is remembered: `failed` are the sentences that did not."""

    def __init__(self):
        self._step = 0
        self.failed = []

    def title(self, text):
        print(f"\n{text}\n{'=' * len(text)}", flush=True)

    def step(self, text):
        self._step += 1
        heading = f"{self._step}. {text}"
        print(f"\n{heading}\n{'-' * len(heading)}", flush=True)

    def tell(self, text):
        print(textwrap.fill(" ".join(text.split()), _WIDTH), flush=True)

    def command(self, where, line):
        """A command that is about to run, after the name of the place where it does."""
        print(f"\n    {where}$ {line}", flush=True)

    def output(self, text):
        print(textwrap.indent(text.rstrip("\n") or "(no output)", "    "), flush=True)

    def line(self, text):
        """One line of a table or a series."""
        print(f"    {text}".rstrip(), flush=True)

    def check(self, holds, text):
        """Says whether what the step was to show was seen; returns it."""
        print(f"\n{'Seen' if holds else 'NOT SEEN'}: {text}", flush=True)
        if not holds:
            self.failed.append(text)
        return holds
