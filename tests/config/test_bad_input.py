"""The door: whatever is wrong with the input is told whole, at once, at its place, and with exit code 2."""

import os
import subprocess
import sys

import pytest

from pcsim.config import DATASETS, candidates, load_both, load_workload, shipped
from pcsim.config.limits import MOST_TASKS, Host, check_size, simulated_tasks, training_bytes
from pcsim.config.yaml_marks import DEEPEST, LARGEST_TEXT, MOST_VALUES
from pcsim.errors import InputError
from pcsim.placement import place
from pcsim.program import program_of
from pcsim.technology import available, price_list
from tests.helpers.bad_input_cases import CASES, CHIP, WORK, changed
from tests.helpers.door import pcsim

NAMES = {
    "<chips>": shipped("hardware"),
    "<works>": shipped("workload"),
    "<datasets>": DATASETS,
    "<technologies>": available(),
}


def whole(said: str) -> str:
    """A message as it is shown, with the names of what is shipped."""
    for placeholder, names in NAMES.items():
        said = said.replace(placeholder, ", ".join(names))
    return said.strip("\n")


def said_of(chip="chip.yaml", work="work.yaml", *, settings=()) -> str:
    """What the user reads of the mistakes in these files."""
    with pytest.raises(InputError) as caught:
        hardware, _ = load_both(chip, work, overrides=settings)
        price_list(hardware)
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_told_whole(case, here):
    (here / "chip.yaml").write_text(case.chip, "utf-8")
    (here / "work.yaml").write_text(case.work, "utf-8")
    assert said_of(settings=case.settings) == whole(case.said)


def test_the_files_that_cases_change_are_right(here):
    (here / "chip.yaml").write_text(CHIP, "utf-8")
    (here / "work.yaml").write_text(WORK, "utf-8")
    hardware, workload = load_both("chip.yaml", "work.yaml")
    assert (hardware.name, workload.name) == ("chip", "work")
    assert price_list(hardware).technology == "horowitz-45nm"


# --- Bytes ---


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "name: tilé".encode("latin-1"),
            "chip.yaml:1:10: the file must be UTF-8 text, not bytes such as 0xe9\n"
            "    name: til\N{REPLACEMENT CHARACTER}\n"
            "             ^",
        ),
        (
            b"a: 1\nb: 2\n\xff\n",
            "chip.yaml:3:1: the file must be UTF-8 text, not bytes such as 0xff\n"
            "    \N{REPLACEMENT CHARACTER}\n"
            "    ^",
        ),
        (
            "a: 1".encode("utf-16-le"),
            "chip.yaml:1:2: the file must be text, not '\\x00'\n    a :   1 \n     ^",
        ),
        (
            b"\x7fELF\x02\x01",
            "chip.yaml:1:1: the file must be text, not '\\x7f'\n     ELF  \n    ^",
        ),
        (
            b"\x1f\x8b\x08\x00",
            "chip.yaml:1:2: the file must be UTF-8 text, not bytes such as 0x8b\n"
            "     \N{REPLACEMENT CHARACTER}  \n"
            "     ^",
        ),
        (
            b"#" * (LARGEST_TEXT + 7),
            f"chip.yaml: the file must have at most {LARGEST_TEXT} bytes, not {LARGEST_TEXT + 7}",
        ),
        (
            "é".encode() * LARGEST_TEXT,
            f"chip.yaml: the file must have at most {LARGEST_TEXT} bytes, not {2 * LARGEST_TEXT}",
        ),
    ],
    ids=["latin-1", "a byte alone", "utf-16", "a program", "gzip", "too large", "too large, cut"],
)
def test_bytes_that_are_no_text_are_refused(content, message, here):
    (here / "chip.yaml").write_bytes(content)
    assert said_of(work="digits") == message


def test_a_byte_order_mark_is_no_mistake(here):
    (here / "chip.yaml").write_bytes(b"\xef\xbb\xbf" + CHIP.encode())
    assert load_both("chip.yaml", "digits")[0].name == "chip"


def test_what_grows_without_end_is_refused_early(here):
    chip = here / "chip.yaml"
    chip.write_text("a: " + "[" * 100_000, "utf-8")
    assert said_of(work="digits").startswith(
        f"chip.yaml:1:{DEEPEST + 4}: the file must be valid YAML: "
        f"there are more than {DEEPEST} levels\n"
    )
    chip.write_text("a: [" + "1, " * 80_000 + "1]", "utf-8")
    assert said_of(work="digits").startswith(
        f"chip.yaml:1:{3 * (2 * MOST_VALUES - 1) + 2}: the file must be valid YAML: "
        f"there are more than {MOST_VALUES} values\n"
    )
    bomb = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    bomb += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, 12)]
    chip.write_text("\n".join(bomb), "utf-8")
    assert said_of(work="digits") == (
        "chip.yaml:1:37: the file must be valid YAML: "
        f"there are more than {MOST_VALUES} values, aliases written out\n"
        "    a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        "                                        ^"
    )


# --- Which file ---


@pytest.mark.parametrize(
    ("chip", "hint"),
    [
        ("missing.yaml", ""),
        ("", "this is a folder"),
        (".", "this is a folder"),
        ("pipe", "this is no regular file"),
        (os.devnull, "this is no regular file"),
        ("tile46", "did you mean 'tile64'?"),
        ("my-chipp.yaml", "did you mean 'my-chip.yaml'?"),
        ("mlp128", "mlp128 is a workload file"),
        ("a\0b", ""),
        ("x" * 60 + "/y", ""),
    ],
)
def test_what_is_no_file_is_answered_with_what_it_is_or_what_was_meant(chip, hint, here):
    os.mkfifo(here / "pipe")
    (here / "my-chip.yaml").write_text(CHIP, "utf-8")
    said = f"hardware must be the path of a file or one of <chips>, not {chip!r}"
    assert said_of(chip, "digits") == whole(said + (f"\n    {hint}" if hint else ""))


@pytest.mark.parametrize("images", ["pipe.npz", "/dev/zero"])
def test_images_in_a_pipe_or_device_are_refused_without_reading(images, here):
    os.mkfifo(here / "pipe.npz")
    path = str((here / images).resolve())
    setting = f"data.dataset={path}"
    assert said_of("tile64", "digits", settings=[setting]).endswith(
        ": data.dataset must be a folder of IDX or CIFAR files or an .npz file that can be used, "
        f"not {path!r}\n    {path}: the file must be a regular file"
    )


def test_chip_and_workload_by_name_the_wrong_way_round_are_recognised():
    assert said_of("digits", "tile64") == whole("""
hardware must be the path of a file or one of <chips>, not 'digits'
    digits is a workload file
workload must be the path of a file or one of <works>, not 'tile64'
    tile64 is a hardware file
""")


def test_a_file_without_permission_is_told(here):
    chip = here / "chip.yaml"
    chip.write_text(CHIP, "utf-8")
    chip.chmod(0)
    if os.access(chip, os.R_OK):
        pytest.skip("this user may read every file")
    assert said_of(work="digits") == "chip.yaml: the file must be readable (permission denied)"


def test_files_that_extend_one_another_are_counted_and_circles_found(here):
    head = "schema: pcsim/hardware/1\nname: x\nextends: "
    for number in range(40):
        (here / f"c{number}.yaml").write_text(f"{head}c{number + 1}\n", "utf-8")
    (here / "c40.yaml").write_text(CHIP, "utf-8")
    assert said_of("c0.yaml", "digits") == (
        "c32.yaml:3:10: extends must lead over at most 32 files, not more\n"
        "    extends: c33\n"
        "             ^"
    )
    assert load_both("c9.yaml", "digits")[0].name == "x"
    (here / "c12.yaml").write_text(f"{head}c10\n", "utf-8")
    assert said_of("c10.yaml", "digits") == (
        "c12.yaml:3:10: extends must not lead back to the same file, "
        "as c10.yaml -> c11.yaml -> c12.yaml -> c10.yaml does\n"
        "    extends: c10\n"
        "             ^"
    )


# --- The command line ---


@pytest.mark.parametrize("number", range(0, len(CASES), 12))
def test_the_command_says_it_on_stderr_and_leaves_with_2(number, here):
    case = CASES[number].values[0]
    (here / "chip.yaml").write_text(case.chip, "utf-8")
    (here / "work.yaml").write_text(case.work, "utf-8")
    settings = [part for setting in case.settings for part in ("--set", setting)]
    result = pcsim("run", "chip.yaml", "work.yaml", *settings)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"pcsim: {whole(case.said)}\n"
    assert sorted(path.name for path in here.iterdir()) == ["chip.yaml", "work.yaml"]


def test_a_fresh_process_says_the_same(here):
    (here / "chip.yaml").write_text(changed(CHIP, {"500 MHz": "fast"}), "utf-8")
    command = [sys.executable, "-m", "pcsim", "run", "chip.yaml", "digits", "--set", "pc.steps=0"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "pcsim: chip.yaml:3:8: clock must be a frequency such as '500 MHz', not 'fast'\n"
        "    clock: fast\n"
        "           ^\n"
        "    units are Hz, kHz, MHz, GHz, THz\n"
        "--set pc.steps=0: pc.steps must be a whole number between 1 and 100000, not 0\n"
    )


# --- Too large for this machine ---

SMALL = Host(memory_bytes=8 << 30, cores=4)


def size_said(*settings: str, rule: str = "all", work: str = "mlp128", host: Host = SMALL) -> str:
    """What is said of a job that is too large for ``host``; of 3 seeds and 10 epochs, unless it says so."""
    usual = ("training.seeds=3", "training.epochs=10", "training.evaluate_every=10")
    hardware, workload = load_both("tile64", work, overrides=[*usual, *settings])
    with pytest.raises(InputError) as caught:
        check_size(hardware, workload, candidates(hardware, workload, rule=rule), host=host)
    return str(caught.value)


def test_weights_that_memory_cannot_hold_are_refused_with_the_estimate():
    # 784 x 65536 + 65536 x 65536 + 65536 x 10 weights of 4 bytes: 5 copies in each of the 4 trainings
    # at a time, and the weights of all 6: 26 x 16.2 GiB.
    layers = "network.layers=[784, 65536, 65536, 10]"
    assert size_said(layers) == (
        f"--set {layers}: network.layers must let training need at most 6.4 GiB, 80% of this "
        "machine's memory, not about 426 GiB\n"
        "    421 GiB grow with it: take fewer or narrower layers"
    )


def test_what_needs_most_memory_is_named():
    order = "training.epochs=100000"
    assert size_said(order, host=Host(memory_bytes=1 << 30, cores=4)) == (
        f"--set {order}: training.epochs must let training need at most 819 MiB, 80% of this "
        "machine's memory, not about 10.5 GiB\n"
        "    10.4 GiB grow with it: take fewer epochs"
    )
    batch = "training.batch=3500"
    assert size_said(batch, host=Host(memory_bytes=64 << 20, cores=4)) == (
        f"--set {batch}: training.batch must let training need at most 51.2 MiB, 80% of this "
        "machine's memory, not about 243 MiB\n"
        "    184 MiB grow with it: take a smaller batch, or fewer images for validation and test"
    )


def test_training_of_years_is_refused_with_the_estimate():
    # 3 seeds x 1e5 epochs x 3500 images x 134,400 weights x 2002 for 1000 steps, and x 3 for BP.
    settings = ("training.epochs=100000", "pc.steps=1000")
    host = Host(memory_bytes=None, cores=1)
    assert (
        size_said(*settings, host=host)
        .splitlines()[0]
        .endswith("training must take at most 1e+16 multiply-adds, not about 2.8e+17")
    )
    assert size_said(*settings, host=host).endswith(
        "\n    take fewer seeds, epochs, images or pc.steps, or smaller layers"
    )


def test_simulation_of_hours_is_refused_with_the_estimate():
    # Weights and what Adam keeps, 16 bytes each, need 192 + 733 + 3 tiles of 192 KiB.
    settings = ("pc.steps=100000", "tiles.mesh=[64, 64]", "network.layers=[784, 3000, 3000, 10]")
    assert size_said(*settings, "training.epochs=1", "data.train=64") == (
        "--set pc.steps=100000: pc.steps must make at most 100,000,000 tasks to simulate, "
        f"not about {928 * (12 + 4 * 100_000):,}\n"
        "    about 4 in each of 100,000 inference steps on each of about 928 tiles: "
        "take fewer steps, or larger tiles"
    )


def test_what_is_shipped_is_small_enough_for_a_small_machine():
    for chip in shipped("hardware"):
        for work in shipped("workload"):
            hardware, workload = load_both(chip, work)
            check_size(hardware, workload, candidates(hardware, workload), host=SMALL)


@pytest.mark.parametrize(
    "settings",
    [
        (),
        ("pc.steps=100",),
        ("network.layers=[784, 512, 512, 10]", "tiles.mesh=[16, 16]"),
        ("network.layers=[784, 2048, 10]", "tiles.mesh=[32, 32]"),
        ("network.layers=[784, 10]",),
    ],
)
def test_the_estimated_tasks_are_those_placed_within_a_factor_of_four(settings):
    hardware, workload = load_both("tile64", "mlp128", overrides=settings)
    for candidate in candidates(hardware, workload):
        program = program_of(workload, candidate, steps=candidate.steps)
        placed = int(place(program, hardware).tasks.instances().sum())
        estimate = simulated_tasks(hardware, workload, candidate)
        assert placed / 4 <= estimate <= 4 * placed
        assert placed < MOST_TASKS


@pytest.mark.parametrize("layers", [[64, 10], [64, 64, 64, 10], [64, 500, 300, 10]])
def test_the_estimated_memory_covers_what_a_training_allocates(layers):
    from pcsim.engine.kernels import layout
    from pcsim.engine.network import DenseNetwork, initial_weights

    workload = load_workload("digits", overrides=[f"network.layers={layers}"])
    chosen = candidates(load_both("tile64", "digits")[0], workload, rule="pc")
    network = DenseNetwork(tuple(layers), "tanh", "mse", "float32")
    batch = workload.training.batch
    arrays = (
        *layout.new_parameters(network, initial_weights(network, 0)),
        *layout.new_batch(network, batch),
        *layout.new_block(network, layout.block_columns(network, batch)),
    )
    allocated = sum(array.nbytes for array in arrays)
    parts = training_bytes(workload, chosen, cores=1)
    estimate = parts["network.layers"] + parts["training.batch"]
    assert allocated <= estimate <= 4 * allocated + 4 * 400 * sum(layers)


def test_this_machine_tells_its_memory_and_cores():
    host = Host.this()
    assert host.cores == os.cpu_count()
    assert host.memory_bytes is None or host.memory_bytes >= 1 << 28
