"""What `./run` refuses: a line, exit status 2, and nothing written."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacthub_project.runtime import preflight
from tests.product import ROOT, free_port

HOLD = """
import sys
from pathlib import Path
from contacthub_project.runtime.preflight import lock_folder
lock = lock_folder(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def refused(*arguments: str, command: str = "run", **environment: str) -> str:
    """What a command says that must end by itself with status 2."""
    hidden = {"CONTACTHUB_DATA", "METRICS_ADDRESS"}
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        [sys.executable, *command.split(), *arguments], cwd=ROOT, env=kept | environment,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


def one_line(output: str) -> str:
    assert output.endswith("\n")
    assert output.count("\n") == 1
    return output


@pytest.fixture
def taken() -> Iterator[int]:
    """A port whose neighbour somebody listens at."""
    port = free_port()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port + 1))
        other.listen()
        yield port


@pytest.mark.parametrize(
    "port", ["99999", "65535", "65536", "0", "-1", "8000.0", "eighty", "", "٣", "9" * 5000, " 80"]
)
def test_ports_that_are_none(tmp_path: Path, port: str) -> None:
    data = tmp_path / "data"
    output = one_line(refused(f"--port={port}", "--data", str(data)))
    assert output == (
        f"./run: argument --port: {port} is no port between 1 and 65534"
        " (metrics are at the next one)\n"
    )
    assert not data.exists()


@given(st.text() | st.integers(-10, 70000).map(str))
def test_port_numbers(text: str) -> None:
    try:
        number = preflight.port_number(text)
    except argparse.ArgumentTypeError:
        assert text not in {str(port) for port in range(1, 65535)}
    else:
        assert text.lstrip("0") == str(number)
        assert 1 <= number < 65535


def test_taken_ports(tmp_path: Path, taken: int) -> None:
    data = tmp_path / "data"
    output = one_line(refused("--port", str(taken + 1), "--data", str(data)))
    assert output == f"./run: port {taken + 1} is in use; choose another with --port\n"
    output = one_line(refused("--port", str(taken), "--data", str(data)))
    assert output == (
        f"./run: port {taken + 1}, where metrics would be, is in use; choose another with --port\n"
    )
    output = one_line(
        refused("--data", str(data), "--port", str(taken), METRICS_ADDRESS="192.0.2.1")
    )
    assert "at 192.0.2.1 cannot be had" in output
    assert list(tmp_path.iterdir()) == []


def test_manage_refuses_them_too(tmp_path: Path, taken: int) -> None:
    metrics = f"port {taken + 1}, where metrics would be, is in use"
    for command, port, sentence in (
        ("serve", taken, metrics),
        ("serve", taken + 1, f"port {taken + 1} is in use"),
        ("serve", 99999, "99999 is no port"),
        ("web", taken, metrics),
    ):
        output = refused(
            command, "--port", str(port), command="manage.py", CONTACTHUB_DATA=str(tmp_path)
        )
        assert sentence in output


def test_data_that_is_no_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("precious")
    for data in (file, file / "below"):
        output = one_line(refused("--data", str(data), "--port", str(free_port())))
        assert output == f"./run: {file} is a file, not a folder; choose a folder with --data\n"
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for odd in ("", str(tmp_path / ("x" * 300)), str(loop)):
        one_line(refused(f"--data={odd}", "--port", str(free_port())))
    assert file.read_text() == "precious"
    assert sorted(tmp_path.iterdir()) == [file, loop]


def test_a_folder_that_may_not_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may write everywhere, so the answer of the system is made up.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(preflight.RefusedError, match="may not be written to"):
        preflight.check_folder(tmp_path / "data")


def test_a_folder_that_is_in_use(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    before = sorted(tmp_path.iterdir())
    output = one_line(refused("--data", str(tmp_path), "--port", str(free_port())))
    assert output == (
        f"./run: Contacthub runs on {tmp_path} already (process {holder.pid});"
        " stop it, or choose another folder with --data\n"
    )
    output = refused("serve", command="manage.py", CONTACTHUB_DATA=str(tmp_path))
    assert f"already (process {holder.pid})" in output
    assert {path for path in tmp_path.iterdir() if path.name != "secret-key"} == set(before)
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    # What it leaves behind names a process that is gone, and keeps nobody out.
    assert (tmp_path / "run.lock").read_text() == f"{holder.pid}\n"
    preflight.check_not_running(tmp_path)
    with preflight.lock_folder(tmp_path):
        assert (tmp_path / "run.lock").read_text() == f"{os.getpid()}\n"
        with pytest.raises(preflight.RefusedError, match=f"process {os.getpid()}"):
            preflight.lock_folder(tmp_path)
    preflight.check_not_running(tmp_path)


def test_checks_lock_nobody_out(tmp_path: Path) -> None:
    asking = open(tmp_path / "run.lock", "w")  # noqa: SIM115
    preflight._is_locked(asking, preflight.fcntl.LOCK_SH)
    preflight.check_not_running(tmp_path)
    with pytest.raises(preflight.RefusedError, match=r"already;"):
        preflight.lock_folder(tmp_path)  # which it still does after a second
    asking.close()
    preflight.lock_folder(tmp_path).close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENID_CONNECT_ISSUER", "http://id.example"),
        ("LOG_FORMAT", "xml"),
        ("WEB_CONCURRENCY", "x"),
    ],
)
def test_settings_that_are_not_valid_are_named_in_one_line(
    name: str, value: str, tmp_path: Path
) -> None:
    given = {"CONTACTHUB_DATA": str(tmp_path), "HTTPS": "1", name: value}
    hidden = {"CONTACTHUB_DATA", "DEBUG"}
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=kept | given,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("The settings are not valid: ")
    assert done.stderr.count("\n") == 1
