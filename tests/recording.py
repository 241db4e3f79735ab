"""Films of what the browser tests do: a picture for each sentence, made into a video with captions.

`make recordings` runs the flows that are told and writes the films for the help centre; it needs ffmpeg. Otherwise
nothing is recorded.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from playwright.sync_api import Page

RECORDINGS = os.environ.get("RECORDINGS", "")  # the folder for the films
LEAST, READ = 3.0, 14.0  # seconds that a picture stands at least; characters that people read in a second
WIDTH, RATE = 960, 5  # pixels; pictures a second


def picture(page: Page, name: str) -> None:
    """For the help centre, beside the films."""
    if RECORDINGS:
        page.wait_for_load_state()
        page.screenshot(path=str(Path(RECORDINGS) / f"{name}.jpg"), type="jpeg", quality=70, full_page=True)


class Film:
    def __init__(self, name: str) -> None:
        self.name = name
        self.scenes: list[tuple[bytes, str]] = []

    def shoot(self, page: Page, caption: str) -> None:
        if RECORDINGS:
            page.wait_for_load_state()
            self.scenes.append((page.screenshot(), caption))

    def save(self) -> None:
        if not self.scenes:
            return
        folder = Path(RECORDINGS)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.name}.vtt").write_text(self._captions(), encoding="utf-8")
        with tempfile.TemporaryDirectory() as frames:
            self._encode(Path(frames), folder / f"{self.name}.webm")

    def _captions(self) -> str:
        """WebVTT (W3C): a cue for each scene."""
        cues, at = ["WEBVTT"], 0.0
        for _, caption in self.scenes:
            cues.append(f"{_moment(at)} --> {_moment(at + _seconds(caption))}\n{caption}")
            at += _seconds(caption)
        return "\n\n".join(cues) + "\n"

    def _encode(self, frames: Path, film: Path) -> None:
        lines = []
        for number, (picture, caption) in enumerate(self.scenes):
            (frames / f"{number}.png").write_bytes(picture)
            lines.append(f"file {number}.png\nduration {_seconds(caption)}")
        lines.append(f"file {len(self.scenes) - 1}.png")  # the last one needs to be named twice
        (frames / "list.txt").write_text("\n".join(lines))
        how = f"scale={WIDTH}:-2,fps={RATE}"
        command = ["ffmpeg", "-y", "-v", "error", "-f", "concat", "-i", str(frames / "list.txt"), "-vf", how]
        command += ["-c:v", "libvpx-vp9", "-crf", "42", "-b:v", "0", "-pix_fmt", "yuv420p", str(film)]
        subprocess.run(command, check=True)  # noqa: S603 - our own command


def _seconds(caption: str) -> float:
    return max(LEAST, round(len(caption) / READ, 1))


def _moment(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes):02}:{rest:06.3f}"
