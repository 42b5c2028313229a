"""A sweep on a Dask cluster over TCP: the same bytes as on one core, though a worker is killed."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="dask and distributed are not installed")

AXES = ["--axis", "pc.steps=1..10", "--axis", "tiles.vector.lanes=1..30"]
SMALL = ["--set", "network.layers=[64, 16, 10]", "--set", "tiles.mesh=[2, 2]"]


def command(folder, *arguments):
    return [
        sys.executable, "-m", "pcsim", "sweep", "tile64", "digits", *SMALL, "-o", str(folder), *arguments,
    ]  # fmt: skip


@contextmanager
def running(*arguments, log):
    """A process of the cluster in a group of its own, killed at the end whatever happens."""
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments], stdout=file, stderr=file, start_new_session=True
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def cluster(tmp_path):
    """The address of a scheduler on loopback, and its two workers, each a process with one thread."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    scheduler = ["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port)]
    worker = ["distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny"]
    with ExitStack() as stack:
        stack.enter_context(
            running(*scheduler, "--no-dashboard", "--no-show", log=tmp_path / "scheduler.log")
        )
        workers = [
            stack.enter_context(
                running(*worker, "--no-dashboard", "--local-directory", str(tmp_path), log=tmp_path / f"{n}.log")
            )
            for n in (1, 2)
        ]  # fmt: skip
        wait_for_workers(address, 2)
        yield address, workers


def wait_for_workers(address, count):
    from distributed import Client

    deadline = time.monotonic() + 60
    while True:
        try:
            with Client(address, timeout="5s", set_as_default=False) as client:
                client.wait_for_workers(count, timeout=30)
            return
        except OSError:
            assert time.monotonic() < deadline, "the scheduler did not start"


def results(folder):
    return {path.name: path.read_bytes() for path in folder.glob("points/[!.]*.json")}


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_midway_gives_the_same_table(cluster, tmp_path):
    address, workers = cluster
    local, remote = tmp_path / "local", tmp_path / "remote"
    done = subprocess.run(command(local, *AXES, "--timing-only", "--jobs", "1"), timeout=300)
    assert done.returncode == 0
    process = subprocess.Popen(
        command(remote, *AXES, "--timing-only", "--cluster", address),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while len(results(remote)) < 60:
        assert process.poll() is None, "it ended before a worker could be killed"
        time.sleep(0.01)
    os.killpg(workers[0].pid, signal.SIGKILL)
    assert len(results(remote)) < 300
    assert process.wait(timeout=300) == 0
    assert results(remote) == results(local)
    assert (remote / "sweep.csv").read_bytes() == (local / "sweep.csv").read_bytes()


@pytest.mark.slow
def test_a_cluster_trains_too(cluster, tmp_path):
    address, _ = cluster
    short = ["--axis", "pc.steps=1,2", "--set", "training.epochs=1", "--set", "training.seeds=2"]
    folders = tmp_path / "local", tmp_path / "remote"
    for folder, where in zip(folders, (["--jobs", "1"], ["--cluster", address]), strict=True):
        # A store of trainings of its own, so that neither finds what the other trained.
        cache = tmp_path / f"cache-{folder.name}"
        for kernels in Path(os.environ["PCSIM_CACHE"]).glob("kernels"):
            shutil.copytree(kernels, cache / kernels.name)
        environment = {**os.environ, "PCSIM_CACHE": str(cache)}
        done = subprocess.run(
            command(folder, *short, *where), env=environment, timeout=300, capture_output=True
        )
        assert done.returncode == 0, done.stderr
    local, remote = ((folder / "sweep.csv").read_bytes() for folder in folders)
    assert local == remote


def test_a_cluster_that_is_not_there_is_told(tmp_path):
    done = subprocess.run(
        command(tmp_path / "out", *AXES, "--timing-only", "--cluster", "nowhere"),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    first, _ = done.stderr.splitlines()[0], done.stderr
    assert first == "pcsim: --cluster must be the address of a Dask scheduler, not 'nowhere'"
