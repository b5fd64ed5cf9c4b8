"""A copy of the codec and the router, or more, as a workspace of their own, in which something is broken on
purpose.

Used by broken-routers, broken-statements and instructions-trip. An entry of the lists of the first two is a
table with `file`, `find`, `replace`, and perhaps `also`: further changes, in the same file unless they name
another. `find` must stand there exactly once, so that an entry fails when the code it breaks has gone.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("net/codec", "router")


def changed_sources(name, entry):
    """The entry's files as they are when it is applied, by path."""
    sources = {}
    for change in [entry, *entry.get("also", [])]:
        file = change.get("file", entry["file"])
        source = sources.get(file) or (ROOT / file).read_text()
        count = source.count(change["find"])
        if count != 1:
            sys.exit(f"{name}: {change['find']!r} stands {count} times in {file}")
        sources[file] = source.replace(change["find"], change["replace"])
    return sources


class Copy:
    """The copy of `folders`, in target/`name`; `profile` is TOML that stands in for the workspace's profiles."""

    def __init__(self, name, profile, folders=FOLDERS):
        self.folders = folders
        self.scratch = ROOT / "target" / name
        self.source = self.scratch / "source"
        self.refresh(profile)

    def refresh(self, profile):
        """Only files that differ are written, so that cargo builds no more than it must."""
        wanted = {}
        for folder in self.folders:
            for path in sorted((ROOT / folder).rglob("*")):
                inside = path.relative_to(ROOT)
                if path.is_file() and "target" not in inside.parts and "fuzz" not in inside.parts:
                    wanted[inside] = path.read_bytes()
        manifest = (ROOT / "Cargo.toml").read_text()
        members = ", ".join(f'"{folder}"' for folder in self.folders if (ROOT / folder / "Cargo.toml").exists())
        manifest = re.sub(r"members = \[[^\]]*\]", f"members = [{members}]", manifest)
        manifest = re.sub(r"\[profile\.[\s\S]*?(?=\n\[(?!profile)|\Z)", "", manifest)
        wanted[pathlib.Path("Cargo.toml")] = (manifest + profile).encode()
        for name in ("rust-toolchain.toml", "clippy.toml"):
            if (ROOT / name).exists():
                wanted[pathlib.Path(name)] = (ROOT / name).read_bytes()
        for path in list(self.source.rglob("*")):
            inside = path.relative_to(self.source)
            if path.is_file() and inside not in wanted and inside.name != "Cargo.lock":
                path.unlink()
        for inside, content in wanted.items():
            self.write(inside, content)
        if not (self.source / "Cargo.lock").exists():
            shutil.copyfile(ROOT / "Cargo.lock", self.source / "Cargo.lock")

    def write(self, inside, content):
        path = self.source / inside
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def apply(self, sources):
        for file, source in sources.items():
            self.write(file, source.encode())

    def restore(self, sources):
        for file in sources:
            self.write(file, (ROOT / file).read_bytes())

    def cargo(self, arguments, timeout_secs, **environment):
        """Runs cargo in the copy; returns the exit code and the output."""
        environment = dict(os.environ, CARGO_TARGET_DIR=str(self.scratch / "target"), **environment)
        run = subprocess.run(
            ["cargo", *arguments], cwd=self.source, env=environment, text=True, errors="replace",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout_secs)
        return run.returncode, run.stdout
