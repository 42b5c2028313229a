"""Images of the user's own: IDX folders and .npz files, read as they were written or refused with the reason."""

import gzip
import os
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from pcsim.config import DataSettings, candidates, datasets, dump_yaml, load_hardware, load_workload
from pcsim.engine import train_all
from pcsim.engine.data import content
from pcsim.engine.data.content import identity
from pcsim.engine.data.source import read_source
from pcsim.engine.datasets import load_dataset
from pcsim.engine.store import learning_key
from pcsim.errors import InputError

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
CLASSES = 3
SIZES = (60, 20)

WORKLOAD = """\
schema: pcsim/workload/1
name: own
extends: digits
network: {layers: [12, 5, 3]}
data:
  dataset: PATH
  train: 40
  validation: 15
  test: 10
training: {batch: 8, epochs: 1, seeds: 1, evaluate_every: 2}
"""


def images(count, *, seed=0):
    """(pixels (count, 4, 3), labels (count,)): noise, the classes in equal shares but for rounding."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(count) % CLASSES)
    return random.integers(0, 256, (count, 4, 3), dtype=np.uint8), labels


def idx_content(array):
    """An IDX file, after its description by those who made MNIST."""
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


def write_idx(folder, *, packed=False):
    """A folder of four IDX files, those with labels always plain."""
    folder.mkdir()
    for part, (pixels, labels) in enumerate(map(images, SIZES)):
        name = (TRAIN_IMAGES, TEST_IMAGES)[part]
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(idx_content(pixels)))
        else:
            (folder / name).write_bytes(idx_content(pixels))
        (folder / (TRAIN_LABELS, TEST_LABELS)[part]).write_bytes(idx_content(labels))
    return folder


def split_arrays():
    (x_train, y_train), (x_test, y_test) = map(images, SIZES)
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


def write_npz(path, **arrays):
    np.savez(path, **arrays)
    return path


def data(path, *, train=40, validation=15, test=10, normalise=False):
    return DataSettings(
        dataset=str(path), train=train, validation=validation, test=test, normalise=normalise
    )


def rows_of(*parts, scale=255):
    """The samples of parts, with labels, in an order that only depends on them."""
    rows = np.concatenate([np.c_[part.x * scale, part.y.argmax(axis=1)] for part in parts])
    return rows[np.lexsort(rows.T)]


def written(pixels, labels):
    rows = np.c_[pixels.reshape(len(pixels), -1), labels].astype(float)
    return rows[np.lexsort(rows.T)]


def refused(tmp_path, where):
    """What the user reads of a workload with this dataset, up to training; paths from ``tmp_path`` on.

    What is wrong with a header is told when the workload is loaded, at its place in the file.
    """
    (tmp_path / "own.yaml").write_text(WORKLOAD.replace("PATH", f"./{where.name}"))
    place = (
        f"own.yaml:6:12: data.dataset must be a folder of IDX or CIFAR files or an .npz file that can be "
        f"used, not '{where.name}'\n      dataset: ./{where.name}\n               ^\n    "
    )
    with pytest.raises(InputError) as caught:
        work = load_workload(tmp_path / "own.yaml")
        place = ""
        load_dataset(work.data, classes=work.network.layers[-1])
    assert caught.value.exit_code == 2
    said = str(caught.value).replace(f"{tmp_path}{os.sep}", "")
    assert said.startswith(place)
    return bool(place), said.removeprefix(place)


# --- What was written is read ---


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_an_idx_folder_is_read_as_it_was_written_and_its_test_file_is_kept_apart(tmp_path, packed):
    folder = write_idx(tmp_path / "images", packed=packed)
    split = load_dataset(data(folder, train=40, validation=20, test=20), classes=CLASSES)
    learnt, test = map(images, SIZES)
    np.testing.assert_array_equal(rows_of(split.train, split.validation), written(*learnt))
    np.testing.assert_array_equal(rows_of(split.test), written(*test))
    assert [len(part.x) for part in (split.train, split.validation, split.test)] == [40, 20, 20]


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_split_npz_file_is_read_as_an_idx_folder_of_the_same_images(tmp_path, save):
    save(tmp_path / "images.npz", **split_arrays())
    folder = write_idx(tmp_path / "images")
    ours, theirs = (
        load_dataset(data(path), classes=CLASSES) for path in (tmp_path / "images.npz", folder)
    )
    for part in ("train", "validation", "test"):
        np.testing.assert_array_equal(getattr(ours, part).x, getattr(theirs, part).x)
        np.testing.assert_array_equal(getattr(ours, part).y, getattr(theirs, part).y)


def test_an_npz_file_without_a_split_serves_all_three_parts(tmp_path):
    pixels, labels = images(60)
    path = write_npz(tmp_path / "images.npz", images=pixels, labels=labels, more=np.zeros(1))
    split = load_dataset(data(path, train=40, validation=15, test=5), classes=CLASSES)
    parts = (split.train, split.validation, split.test)
    assert [len(part.x) for part in parts] == [40, 15, 5]
    np.testing.assert_array_equal(rows_of(*parts), written(pixels, labels))


@pytest.mark.parametrize("kind", ["<f2", "<f4", ">f4", "<f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_floating_point_pixels_are_taken_as_they_are(tmp_path, kind, order):
    pixels, labels = images(60)
    values = np.asarray((pixels.astype(int) - 100) * 0.125, dtype=kind, order=order)
    path = write_npz(tmp_path / "images.npz", images=values, labels=labels)
    split = load_dataset(data(path, train=30, validation=20, test=10), classes=CLASSES)
    found = rows_of(split.train, split.validation, split.test, scale=1)
    np.testing.assert_array_equal(found, written(values.astype(float), labels))


def test_float32_parts_are_the_float64_ones_rounded(tmp_path):
    folder = write_idx(tmp_path / "images")
    settings = data(folder, normalise=True)
    wide = load_dataset(settings, classes=CLASSES)
    narrow = load_dataset(settings, classes=CLASSES, dtype="float32")
    for part in ("train", "validation", "test"):
        found = getattr(narrow, part)
        assert found.x.dtype == found.y.dtype == np.float32
        np.testing.assert_array_equal(found.x, getattr(wide, part).x.astype(np.float32))


def test_pixels_scaled_in_pieces_are_those_scaled_at_once(tmp_path, monkeypatch):
    folder = write_idx(tmp_path / "images")
    at_once = load_dataset(data(folder, normalise=True), classes=CLASSES)
    monkeypatch.setattr("pcsim.engine.datasets._PIECE", 12 * 7)
    in_pieces = load_dataset(data(folder, normalise=True), classes=CLASSES)
    np.testing.assert_allclose(in_pieces.train.x, at_once.train.x, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(in_pieces.train.x.mean(), 0, atol=1e-13)
    np.testing.assert_allclose(in_pieces.test.x.std(), at_once.test.x.std(), rtol=1e-13)


def test_every_part_holds_the_classes_in_proportion(tmp_path):
    folder = write_idx(tmp_path / "images")
    split = load_dataset(data(folder, train=30, validation=15, test=12), classes=CLASSES)
    assert split.train.y.sum(axis=0).tolist() == [10, 10, 10]
    for part, each in ((split.validation, 5), (split.test, 4)):
        assert np.all(np.abs(part.y.sum(axis=0) - each) <= 1)


def test_both_rules_learn_from_images_beside_the_workload_file(tmp_path):
    write_idx(tmp_path / "images", packed=True)
    (tmp_path / "own.yaml").write_text(WORKLOAD.replace("PATH", "./images"))
    work = load_workload(tmp_path / "own.yaml")
    trainings = train_all(work, candidates(load_hardware("tile64"), work))
    for training in trainings.values():
        (curve,) = training.curves
        assert curve.updates == (0, 2, 4, 5)
        assert curve.diverged_at is None
        assert 10 * curve.test_accuracy == pytest.approx(round(10 * curve.test_accuracy))
    assert set(trainings) == {"pc-jacobi", "bp-sequential"}


@pytest.mark.skipif(
    not datasets.FASHION_FOLDER.is_dir(),
    reason="Debian's package dataset-fashion-mnist is not installed",
)
def test_fashion_has_seven_thousand_of_each_of_ten_classes():
    train, test = read_source("fashion", classes=10)
    assert (train.pixels.shape, test.pixels.shape) == ((60_000, 784), (10_000, 784))
    assert np.bincount(train.labels).tolist() == [6000] * 10
    assert np.bincount(test.labels).tolist() == [1000] * 10
    assert (train.pixels.min(), train.pixels.max(), train.pixels.dtype) == (0, 255, np.uint8)
    raw = gzip.decompress((datasets.FASHION_FOLDER / f"{TEST_IMAGES}.gz").read_bytes())
    assert test.pixels.tobytes() == raw[16:]


# --- Where it lies ---


def test_a_path_is_relative_to_the_file_that_gives_it(tmp_path, monkeypatch):
    below, elsewhere = tmp_path / "below", tmp_path / "elsewhere"
    below.mkdir()
    elsewhere.mkdir()
    folder = write_idx(below / "images")
    (below / "base.yaml").write_text(WORKLOAD.replace("PATH", "./images"))
    (tmp_path / "top.yaml").write_text(
        "schema: pcsim/workload/1\nname: top\nextends: below/base.yaml\n"
    )
    monkeypatch.chdir(elsewhere)
    assert load_workload(Path("../top.yaml")).data.dataset == str(folder)
    monkeypatch.chdir(below)
    assert load_workload(Path("base.yaml")).data.dataset == str(folder)


def test_a_path_from_an_option_or_from_python_is_relative_to_the_working_folder(
    tmp_path, monkeypatch
):
    folder = write_idx(tmp_path / "images")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "own.yaml").write_text(WORKLOAD.replace("PATH", "./nowhere"))
    monkeypatch.chdir(tmp_path)
    work = load_workload("below/own.yaml", overrides=["data.dataset=./images"])
    assert work.data.dataset == data("./images").dataset == str(folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data("~/images").dataset == str(folder)


def test_a_workload_written_down_with_its_path_loads_from_anywhere(tmp_path):
    write_idx(tmp_path / "images")
    (tmp_path / "own.yaml").write_text(WORKLOAD.replace("PATH", "./images"))
    work = load_workload(tmp_path / "own.yaml")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "resolved.yaml").write_text(dump_yaml(work))
    assert load_workload(tmp_path / "below" / "resolved.yaml") == work


def test_a_name_means_the_named_dataset_even_where_a_folder_has_it_too(tmp_path, monkeypatch):
    folder = write_idx(tmp_path / "digits")
    monkeypatch.chdir(tmp_path)
    assert data("digits").dataset == "digits"
    assert data("./digits").dataset == str(folder)


# --- Which training is the same ---


def test_the_learning_key_follows_the_content_of_the_files_and_not_their_place(tmp_path):
    folder = write_idx(tmp_path / "images")
    shutil.copytree(folder, tmp_path / "copy")
    pixels, labels = images(60)
    write_npz(tmp_path / "a.npz", images=pixels, labels=labels)
    shutil.copy(tmp_path / "a.npz", tmp_path / "b.npz")

    def key(name):
        (tmp_path / "own.yaml").write_text(
            WORKLOAD.replace("PATH", f"./{name}").replace("40", "30")
        )
        work = load_workload(tmp_path / "own.yaml")
        (pc,) = candidates(load_hardware("tile64"), work, rule="pc")
        return learning_key(work, pc, first_seed=0)

    assert key("images") == key("copy")
    assert key("a.npz") == key("b.npz")
    assert key("images") != key("a.npz")
    before = key("copy")
    for name in (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS):
        path = tmp_path / "copy" / name
        path.write_bytes(path.read_bytes()[:-1] + b"\x01\x02"[path.read_bytes()[-1] == 1 :][:1])
        os.utime(path, ns=(0, 0))
        assert key("copy") != before
        before = key("copy")


def test_an_unchanged_file_is_hashed_once(tmp_path, monkeypatch):
    path = write_npz(tmp_path / "a.npz", **split_arrays())
    content._sha256.cache_clear()
    hashed = []
    digest = content.hashlib.file_digest
    monkeypatch.setattr(
        content.hashlib, "file_digest", lambda *given: hashed.append(1) or digest(*given)
    )
    assert identity(str(path)) == identity(str(path))
    assert len(hashed) == 1
    os.utime(path, ns=(0, 0))
    identity(str(path))
    assert len(hashed) == 2
    content._sha256.cache_clear()


def test_files_that_are_gone_when_training_begins_are_told(tmp_path):
    path = write_npz(tmp_path / "a.npz", **split_arrays())
    found = data(path)
    path.unlink()
    with pytest.raises(InputError) as caught:
        identity(found.dataset)
    said = f"{path}: the file must be readable (no such file or directory)"
    assert str(caught.value) == said


# --- What is wrong with an IDX folder ---


def changed(name, change):
    """An edit of one file of the folder."""
    return lambda folder: (folder / name).write_bytes(change((folder / name).read_bytes()))


def at(begin, new):
    return lambda content: content[:begin] + new + content[begin + len(new) :]


def gzipped(content):
    return gzip.compress(content, mtime=0)


def unchecked(content):
    """Gzip whose checksum is wrong."""
    packed = gzipped(content)
    return packed[:-8] + bytes([packed[-8] ^ 1]) + packed[-7:]


@pytest.mark.parametrize(
    ("edit", "at_load", "message"),
    [
        (
            lambda folder: (folder / TEST_LABELS).unlink(),
            True,
            "images: the folder must hold t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte.gz\n"
            "    an IDX folder holds train-images-idx3-ubyte, train-labels-idx1-ubyte, "
            "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, each plain or gzipped (.gz)",
        ),
        (
            changed(TRAIN_IMAGES, at(0, b"\x00\x00\x08\x01")),
            True,
            "images/train-images-idx3-ubyte: the file must begin with 0x0000, a type (08 unsigned bytes, 09 bytes, "
            "0b, 0c whole numbers of 2, 4 bytes, 0d, 0e floats of 4, 8 bytes) and 2, 3 or 4 dimensions, "
            "not 0x00000801, at byte 0",
        ),
        (
            changed(TEST_LABELS, at(0, b"\x00\x00\x0a\x01")),
            True,
            "images/t10k-labels-idx1-ubyte: the file must begin with 0x0000, a type (08 unsigned bytes, 09 bytes, "
            "0b, 0c whole numbers of 2, 4 bytes, 0d, 0e floats of 4, 8 bytes) and 1 or 2 dimensions, "
            "not 0x00000a01, at byte 0",
        ),
        (
            changed(TEST_LABELS, at(0, b"\x00\x00\x0d\x01")),
            False,
            "images/t10k-labels-idx1-ubyte: the file must end at byte 88, after the 20 labels of its header, "
            "not at byte 28",
        ),
        (
            changed(TRAIN_IMAGES, lambda content: content[:9]),
            True,
            "images/train-images-idx3-ubyte: the file must have a header of 16 bytes, "
            "not end at byte 9",
        ),
        (
            changed(TRAIN_LABELS, lambda content: b""),
            True,
            "images/train-labels-idx1-ubyte: the file must have a header of 8 bytes, "
            "not end at byte 0",
        ),
        (
            changed(TRAIN_LABELS, at(4, struct.pack(">I", 59))),
            True,
            "images/train-labels-idx1-ubyte: the labels must be 60, one for each image of "
            "train-images-idx3-ubyte, not 59 (bytes 4 to 7)",
        ),
        (
            changed(TEST_IMAGES, at(8, struct.pack(">2I", 3, 4))),
            True,
            "images/t10k-images-idx3-ubyte: the images must be 4x3, as in "
            "train-images-idx3-ubyte, not 3x4 (bytes 8 to 15)",
        ),
        (
            changed(TRAIN_IMAGES, at(8, struct.pack(">2I", 0, 4))),
            True,
            "images/train-images-idx3-ubyte: the images must have pixels, not be 0x4 "
            "(bytes 8 to 15)",
        ),
        (
            changed(TRAIN_IMAGES, lambda content: b"\x1f\x8b" + content),
            True,
            "images/train-images-idx3-ubyte: the file must be undamaged gzip, "
            "not unreadable after unpacked byte 0",
        ),
        (
            changed(TRAIN_IMAGES, lambda content: content[:700]),
            False,
            "images/train-images-idx3-ubyte: the file must end at byte 736, after the 60 images "
            "of 4x3 of its header, not at byte 700",
        ),
        (
            changed(TEST_LABELS, lambda content: content + b"\x00"),
            False,
            "images/t10k-labels-idx1-ubyte: the file must end at byte 28, after the 20 labels "
            "of its header, not later",
        ),
        (
            changed(TRAIN_LABELS, at(8 + 31, b"\x11")),
            False,
            "images/train-labels-idx1-ubyte: the labels must be whole numbers between 0 and 2, as the "
            "network has 3 values for labels, not 17 at byte 39\n"
            "    the labels go up to 17: give the network 18 values for labels",
        ),
        (
            changed(TRAIN_IMAGES, unchecked),
            False,
            "images/train-images-idx3-ubyte: the file must be undamaged gzip, "
            "not unreadable after unpacked byte 736",
        ),
        (
            changed(TRAIN_IMAGES, lambda content: gzipped(content)[:-9]),
            False,
            "images/train-images-idx3-ubyte: the file must be undamaged gzip, "
            "not unreadable after unpacked byte {unpacked}",
        ),
    ],
)
def test_a_wrong_idx_folder_is_refused_with_file_and_byte(tmp_path, edit, at_load, message):
    folder = write_idx(tmp_path / "images")
    edit(folder)
    found_at_load, said = refused(tmp_path, folder)
    assert said == message.replace("{unpacked}", said.rpartition(" ")[2])
    assert found_at_load == at_load


def test_a_header_that_promises_more_than_there_is_memory_costs_none(tmp_path):
    folder = write_idx(tmp_path / "images")
    huge = struct.pack(">I", 2**32 - 1)
    for name in (TRAIN_IMAGES, TRAIN_LABELS):
        changed(name, at(4, huge))(folder)
    assert refused(tmp_path, folder) == (
        False,
        "images/train-labels-idx1-ubyte: the file must end at byte 4294967303, after the "
        "4294967295 labels of its header, not at byte 68",
    )


@pytest.mark.skipif(os.name == "nt" or not os.getuid(), reason="root may read everything")
def test_an_idx_file_that_may_not_be_read_is_told(tmp_path):
    folder = write_idx(tmp_path / "images")
    (folder / TRAIN_IMAGES).chmod(0)
    said = "images/train-images-idx3-ubyte: the file must be readable (permission denied)"
    assert refused(tmp_path, folder) == (True, said)


# --- What is wrong with an .npz file ---


def arrays(**changes):
    return {**split_arrays(), **changes}


NAN = split_arrays()["x_train"].astype(np.float32)
NAN[3, 2, 1] = np.nan
LABELS = split_arrays()["y_train"]


@pytest.mark.parametrize(
    ("content", "at_load", "message"),
    [
        (
            {"x_train": NAN, "y_train": LABELS},
            True,
            "the file must hold the arrays x_train, y_train, x_test, y_test, or else images, "
            "labels, not x_train, y_train"
            "\n    a line of numpy that converts: np.savez(path, images=images, labels=labels)",
        ),
        (
            {},
            True,
            "the file must hold the arrays x_train, y_train, x_test, y_test, or else images, "
            "labels, not none\n    a line of numpy that converts: np.savez(path, images=images, labels=labels)",
        ),
        (
            arrays(x_train=split_arrays()["x_train"].astype(object)),
            True,
            "x_train must hold truth values, whole numbers or floats (b1, u1 to u8, i1 to i8, f2 to f8), not pickled "
            "objects, which are never read\n    a line of numpy that converts: x_train = np.stack(x_train.tolist())",
        ),
        (
            arrays(x_test=split_arrays()["x_test"].astype(np.complex64)),
            True,
            "x_test must hold truth values, whole numbers or floats (b1, u1 to u8, i1 to i8, f2 to f8), not '<c8'"
            "\n    a line of numpy that converts: x_test = np.abs(x_test)",
        ),
        (
            arrays(y_test=np.array(["cat", "dog", "cow", "cow"] * 5)),
            True,
            "y_test must hold truth values, whole numbers or floats (b1, u1 to u8, i1 to i8, f2 to f8), not '<U3'"
            "\n    a line of numpy that converts: y_test = np.unique(y_test, return_inverse=True)[1]",
        ),
        (
            arrays(x_train=split_arrays()["x_train"].astype(np.int64) + 1),
            False,
            "the pixels must be between 0 and 255, as whole numbers are bytes, not 256 at x_train[PLACE]"
            "\n    a line of numpy that converts: x_train = (x_train - x_train.min()) / np.ptp(x_train)",
        ),
        (
            arrays(x_test=split_arrays()["x_test"].astype(np.int8)),
            False,
            "the pixels must be between 0 and 255, as whole numbers are bytes, not -SOME at x_test[PLACE]"
            "\n    a line of numpy that converts: x_test = (x_test - x_test.min()) / np.ptp(x_test)",
        ),
        (
            arrays(y_train=LABELS + 0.5),
            False,
            "the labels must be whole numbers between 0 and 2, as the network has 3 values for labels, "
            "not SOME.5 at y_train[0]\n    a line of numpy that converts: "
            "y_train = np.unique(y_train, return_inverse=True)[1], which numbers the classes from 0 on",
        ),
        (
            arrays(y_train=np.linspace(0, 1, 60).reshape(60, 1)),
            False,
            "the labels must be whole numbers between 0 and 2, as the network has 3 values for labels, "
            "not SOME at y_train[1, 0]\n    a line of numpy that converts: "
            "y_train = y_train.round().astype(np.int64)",
        ),
        (
            arrays(y_train=LABELS.reshape(1, 60)),
            True,
            "y_train must have the shape (60,), a label for each of x_train, or (60, 1) or, one-hot, (60, classes), "
            "not (1, 60)\n    a line of numpy that converts: y_train = y_train.reshape(-1)",
        ),
        (
            arrays(y_train=np.eye(3)[LABELS] * 0.9, y_test=np.eye(3)[split_arrays()["y_test"]]),
            False,
            "the labels must be one-hot, a single 1 in each row, and not so at y_train[0]"
            "\n    a line of numpy that converts: y_train = y_train.argmax(axis=1)",
        ),
        (
            arrays(x_test=split_arrays()["x_test"].reshape(20, 3, 4)),
            True,
            "x_test must hold images of shape (4, 3), as x_train does, not (3, 4)",
        ),
        (
            arrays(x_train=np.zeros(60, np.uint8)),
            True,
            "x_train must have the shape (images, pixels) or (images, rows, columns), not (60,)"
            "\n    a line of numpy that converts: x_train = x_train.reshape(len(y_train), -1)",
        ),
        (
            arrays(y_train=LABELS[:-1]),
            True,
            "y_train must have the shape (60,), a label for each of x_train, or (60, 1) or, one-hot, (60, classes), "
            "not (59,)",
        ),
        (
            arrays(y_train=np.eye(3, dtype=np.uint8)[LABELS]),
            True,
            "y_test and y_train must both be class numbers, or one-hot alike\n    a line of numpy that converts: "
            "y_test = y_test.argmax(axis=1), and the same for the others",
        ),
        (
            arrays(y_train=np.where(np.arange(60) == 7, 3, LABELS)),
            False,
            "the labels must be whole numbers between 0 and 2, as the network has 3 values for labels, "
            "not 3 at y_train[7]\n    the labels go up to 3: give the network 4 values for labels",
        ),
        (
            arrays(y_test=np.where(np.arange(20) == 19, -1, 0).astype(np.int8)),
            False,
            "the labels must be whole numbers between 0 and 2, as the network has 3 values for labels, "
            "not -1 at y_test[19]\n    a line of numpy that converts: "
            "y_test = np.unique(y_test, return_inverse=True)[1], which numbers the classes from 0 on",
        ),
        (
            arrays(x_train=NAN),
            False,
            "the pixels must be between -1e+06 and 1e+06, not nan at x_train[3, 2, 1]"
            "\n    a line of numpy that converts: x_train = np.nan_to_num(x_train, posinf=0, neginf=0)",
        ),
        (
            arrays(x_test=np.full((20, 4, 3), -np.inf, np.float16)),
            False,
            "the pixels must be between -1e+06 and 1e+06, not -inf at x_test[0, 0, 0]"
            "\n    a line of numpy that converts: x_test = np.nan_to_num(x_test, posinf=0, neginf=0)",
        ),
    ],
)
def test_a_wrong_npz_file_is_refused_with_array_and_place(tmp_path, content, at_load, message):
    path = write_npz(tmp_path / "images.npz", **content)
    found_at_load, said = refused(tmp_path, path)
    assert re.fullmatch(pattern_of(f"images.npz: {message}"), said), said
    assert found_at_load == at_load


def pattern_of(message):
    """``message``, where SOME stands for any number and PLACE for any index of three."""
    pattern = re.escape(message).replace("SOME", r"[0-9.]+")
    return pattern.replace("PLACE", r"\d+, \d+, \d+")


@pytest.mark.parametrize("kind", ["?", "i1", "<i2", ">i4", "<i8", "<u4", "<u8", "<u2"])
def test_images_of_every_type_mean_what_their_bytes_would(tmp_path, kind):
    pixels, labels = images(60)
    full = {"?": 1, "<u2": 65_535}.get(kind, 255)
    values = pixels // 2 if kind == "i1" else pixels > 127 if kind == "?" else pixels
    stored = values.astype(kind) * (257 if kind == "<u2" else 1)
    path = write_npz(tmp_path / "images.npz", images=stored.astype(kind), labels=labels)
    split = load_dataset(data(path, train=40, validation=15, test=5), classes=CLASSES)
    found = rows_of(split.train, split.validation, split.test, scale=1)
    # A sixteen-bit number of 257 times a byte is the very share of 65,535 that the byte is of 255.
    np.testing.assert_array_equal(found, written(stored.astype(float) / full, labels))
    if kind == "<u2":
        np.testing.assert_array_equal(found, written(pixels / 255, labels))


@pytest.mark.parametrize(
    "shaped",
    [
        lambda labels: labels.reshape(-1, 1),
        lambda labels: labels.astype(np.float32),
        lambda labels: labels.astype(">u2").reshape(-1, 1),
        lambda labels: np.eye(CLASSES, dtype=bool)[labels],
        lambda labels: np.eye(CLASSES, dtype=np.float64)[labels],
        lambda labels: np.eye(CLASSES, dtype=np.int8)[labels],
    ],
)
def test_labels_of_every_shape_and_type_are_the_same_classes(tmp_path, shaped):
    pixels, labels = images(60)
    path = write_npz(tmp_path / "images.npz", images=pixels, labels=shaped(labels))
    split = load_dataset(data(path, train=40, validation=15, test=5), classes=CLASSES)
    found = rows_of(split.train, split.validation, split.test)
    np.testing.assert_array_equal(found, written(pixels, labels))


def test_two_classes_may_be_truth_values(tmp_path):
    pixels, labels = images(60)
    path = write_npz(tmp_path / "images.npz", images=pixels, labels=labels == 1)
    split = load_dataset(data(path, train=40, validation=15, test=5), classes=2)
    found = rows_of(split.train, split.validation, split.test)
    np.testing.assert_array_equal(found, written(pixels, labels == 1))


def test_one_hot_labels_tell_how_many_classes_the_network_must_have(tmp_path):
    pixels, labels = images(60)
    path = write_npz(tmp_path / "images.npz", images=pixels, labels=np.eye(4)[labels])
    assert datasets.dataset_shape(str(path)).classes == 4
    (tmp_path / "own.yaml").write_text(WORKLOAD.replace("PATH", "./images.npz").replace("40", "30"))
    with pytest.raises(InputError) as caught:
        load_workload(tmp_path / "own.yaml")
    assert [problem.message for problem in caught.value.problems] == [
        f"network.layers[2] must be 4, the classes of {path}, not 3"
    ]


@pytest.mark.parametrize(
    ("code", "kind"), [(9, ">i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")]
)
def test_idx_files_of_other_types_and_shapes_are_read_as_their_headers_say(tmp_path, code, kind):
    folder = write_idx(tmp_path / "images")
    for (name, labels_name), size in zip(
        ((TRAIN_IMAGES, TRAIN_LABELS), (TEST_IMAGES, TEST_LABELS)), SIZES, strict=True
    ):
        pixels, labels = images(size)
        values = (pixels // 2).reshape(size, 2, 2, 3).astype(kind)
        rows = np.eye(CLASSES, dtype=kind)[labels]
        for path, array in ((folder / name, values), (folder / labels_name, rows)):
            header = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
            path.write_bytes(header + array.tobytes())
    split = load_dataset(data(folder, train=40, validation=20, test=20), classes=CLASSES)
    pixels, labels = images(60)
    scale = 1 if kind[1] == "f" else 255
    found = rows_of(split.train, split.validation, scale=scale)
    np.testing.assert_array_equal(found, written(pixels // 2, labels))


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    path = tmp_path / TRAIN_IMAGES
    path.write_bytes(idx_content(images(60)[0]))
    assert refused(tmp_path, path) == (
        True,
        f"{TRAIN_IMAGES}: the file must be an undamaged .npz archive\n"
        "    IDX files are named by their folder",
    )


def test_a_path_where_nothing_lies_is_refused(tmp_path):
    said = "images.npz: the file must be readable (no such file or directory)"
    assert refused(tmp_path, tmp_path / "images.npz") == (True, said)


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (b"", "images must begin with the header of a .npy file, at its byte 0"),
        (b"\x93NUMPY\x01\x00\x04\x00{1:2", "images must begin with the header of a .npy file, "
         "at its byte 0"),
        (
            b"\x93NUMPY\x01\x00\x3c\x00"
            + b"{'descr': '|u1', 'fortran_order': False, 'shape': (9, 2), }".ljust(60)
            + bytes(17),
            "images must end at its byte 88, as its shape (9, 2) and type |u1 need, "
            "not at byte 87",
        ),
    ],
    ids=["empty", "no header", "short"],
)  # fmt: skip
def test_an_array_that_is_not_as_its_header_says_is_refused(tmp_path, member, message):
    with zipfile.ZipFile(tmp_path / "images.npz", "w") as archive:
        archive.writestr("images.npy", member)
        archive.writestr("labels.npy", b"")
    assert refused(tmp_path, tmp_path / "images.npz") == (True, f"images.npz: {message}")


def test_an_array_whose_checksum_is_wrong_is_refused(tmp_path):
    pixels = np.zeros((1000, 12), np.uint8)
    path = write_npz(tmp_path / "images.npz", images=pixels, labels=np.zeros(1000, np.uint8))
    content = bytearray(path.read_bytes())
    content[9000] ^= 1
    path.write_bytes(content)
    said = "images.npz: images must be undamaged, not unreadable as an array"
    assert refused(tmp_path, path) == (False, said)


# --- What does not match the workload ---


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("network.layers=[13, 3]", "network.layers[0] must be 12, the width of PATH, not 13"),
        (
            "data.train=46",
            "data must have train and validation of at most 60 images together, as PATH has, "
            "not 46 + 15 = 61",
        ),
        ("data.test=21", "data.test must be at most 20, the images for testing of PATH, not 21"),
    ],
)
def test_what_does_not_match_the_images_is_refused_before_they_are_read(
    tmp_path, override, message
):
    folder = write_idx(tmp_path / "images")
    (tmp_path / "own.yaml").write_text(WORKLOAD.replace("PATH", "./images"))
    with pytest.raises(InputError) as caught:
        load_workload(tmp_path / "own.yaml", overrides=[override])
    said = caught.value.problems[0].message
    assert len(caught.value.problems) == 1
    assert said == message.replace("PATH", str(folder))


def test_images_of_one_grey_cannot_be_normalised(tmp_path):
    flat = np.full((60, 12), 7, np.uint8)
    path = write_npz(tmp_path / "a.npz", images=flat, labels=images(60)[1])
    with pytest.raises(InputError) as caught:
        load_dataset(data(path, train=30, normalise=True), classes=CLASSES)
    said = "data.normalise must be false where all pixels of the training images are equal"
    assert str(caught.value) == said
    assert load_dataset(data(path, train=30), classes=CLASSES).train.x.max() == 7 / 255


def test_fashion_where_it_is_not_installed_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "FASHION_FOLDER", Path("/nowhere/fashion"))
    work = load_workload("fashion")
    with pytest.raises(InputError) as caught:
        train_all(work, candidates(load_hardware("tile64"), work))
    assert caught.value.exit_code == 2
    (problem,) = caught.value.problems
    assert (Path(problem.file).name, "dataset: fashion" in problem.source_line) == (
        "fashion.yaml",
        True,
    )
    assert problem.message == (
        "data.dataset must be installed, not 'fashion', which /nowhere/fashion would hold"
    )
    assert problem.hint == (
        "install Debian's package dataset-fashion-mnist, or name any folder with its four IDX "
        "files, such as data.dataset=./fashion-mnist"
    )


def test_the_command_ends_with_code_2_and_one_sentence(tmp_path):
    folder = write_idx(tmp_path / "images")
    changed(TRAIN_LABELS, at(8, b"\x11"))(folder)
    (tmp_path / "own.yaml").write_text(WORKLOAD.replace("PATH", "./images"))
    found = subprocess.run(
        [sys.executable, "-m", "pcsim", "run", "tile64", "own.yaml", "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(datasets.__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.splitlines()[-2] == (
        f"pcsim: {folder / TRAIN_LABELS}: the labels must be whole numbers between 0 and 2, "
        "as the network has 3 values for labels, not 17 at byte 8"
    )
