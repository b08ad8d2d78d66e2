"""The parts of tools/lab: what it shows, and how it tells it.

- `preparation`  tools/setup and tools/build, with their output
- `policies`     conf/policies/lab.yaml for this machine, and its tracked twin
- `narration`    numbered steps, commands and what they said, in plain sentences
- `steps`        the five things that are shown, each checked
- `shell`        the shell at the end
"""
