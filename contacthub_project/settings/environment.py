"""The sources of settings: the environment and the data folder."""

from __future__ import annotations

from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parents[2]
env = environ.Env()

DATA = Path(env.str("CONTACTHUB_DATA", default=str(BASE_DIR / ".data"))).resolve()
