"""Images in colour and of other shapes than squares: CIFAR's binary files, and arrays with channels first or last."""

import numpy as np
import pytest

from pcsim.config import DataSettings, load_workload
from pcsim.config.datasets import dataset_shape
from pcsim.engine.data.content import identity
from pcsim.engine.datasets import load_dataset
from pcsim.errors import InputError

RANDOM = np.random.default_rng(0)


def cifar(folder, *, records=20, label_bytes=1, classes=10):
    """A folder like CIFAR-10's or CIFAR-100's; the pixels (images, 3, 32, 32) and labels of its files."""
    names = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]
    if label_bytes == 2:
        names = ["train.bin", "test.bin"]
    folder.mkdir()
    found = []
    for name in names:
        labels = np.arange(records) % classes
        coarse = np.full((records, label_bytes - 1), 9)
        pixels = RANDOM.integers(0, 256, (records, 3, 32, 32))
        rows = np.concatenate([coarse, labels[:, None], pixels.reshape(records, -1)], axis=1)
        (folder / name).write_bytes(rows.astype(np.uint8).tobytes())
        found.append((pixels, labels))
    return found


def data(path, **given):
    sizes = {"train": 40, "validation": 20, "test": 20, "normalise": False, **given}
    return DataSettings(dataset=str(path), **sizes)


def rows_of(part):
    return {tuple(np.rint(row * 255).astype(int)) for row in part.x}


@pytest.mark.parametrize(("label_bytes", "classes"), [(1, 10), (2, 100)])
def test_cifar_is_read_as_it_is_published(tmp_path, label_bytes, classes):
    files = cifar(tmp_path / "cifar", label_bytes=label_bytes, classes=classes)
    sizes = {} if label_bytes == 1 else {"train": 12, "validation": 4}
    found = load_dataset(data(tmp_path / "cifar", **sizes), classes=classes)
    pixels, labels = files[-1]
    written = {tuple(image.reshape(-1)): label for image, label in zip(pixels, labels, strict=True)}
    assert rows_of(found.test) == set(written)
    for row, one_hot in zip(found.test.x, found.test.y, strict=True):
        assert written[tuple(np.rint(row * 255).astype(int))] == one_hot.argmax()
    training = {tuple(image.reshape(-1)) for images, _ in files[:-1] for image in images}
    assert rows_of(found.train) | rows_of(found.validation) <= training
    assert not rows_of(found.train) & rows_of(found.validation)
    assert identity(str(tmp_path / "cifar")).startswith("cifar ")


def test_a_cifar_folder_that_lacks_a_file_or_a_byte_is_told_with_the_published_checksum(tmp_path):
    folder = tmp_path / "cifar"
    cifar(folder)
    (folder / "data_batch_3.bin").unlink()
    with pytest.raises(InputError, match=r"lacks data_batch_3\.bin") as caught:
        dataset_shape(str(folder))
    assert "cifar-10-binary.tar.gz (MD5 c32a1d4ab5d03f1284b67883e8d87530)" in str(caught.value)
    (folder / "data_batch_3.bin").write_bytes(bytes(3073 * 5 - 1))
    with pytest.raises(InputError, match="records of 3073 bytes, not 15364 bytes long"):
        dataset_shape(str(folder))


def test_a_label_beyond_the_classes_is_told_at_its_byte(tmp_path):
    folder = tmp_path / "cifar"
    cifar(folder)
    content = bytearray((folder / "test_batch.bin").read_bytes())
    content[2 * 3073] = 12
    (folder / "test_batch.bin").write_bytes(content)
    with pytest.raises(InputError, match="12 at byte 6146"):
        load_dataset(data(folder), classes=10)


WORK = """\
schema: pcsim/workload/1
name: mine
extends: digits
network:
  input: {input}
  activation: tanh
  blocks: [{{conv: {{filters: 2, kernel: 3}}}}, flatten, {{dense: 10}}]
data: {{dataset: ./images.npz, train: 30, validation: 10, test: 10, normalise: false}}
training: {{batch: 10}}
"""


@pytest.mark.parametrize("last", [False, True])
def test_channels_first_and_last_are_the_same_images(tmp_path, last):
    pixels = RANDOM.integers(0, 256, (50, 3, 6, 9)).astype(np.uint8)
    stored = pixels.transpose(0, 2, 3, 1) if last else pixels
    np.savez(tmp_path / "images.npz", images=stored, labels=np.arange(50) % 10)
    (tmp_path / "work.yaml").write_text(WORK.format(input=[3, 6, 9]))
    workload = load_workload(tmp_path / "work.yaml")
    found = load_dataset(workload.data, classes=10, input_shape=workload.network.graph.input)
    assert rows_of(found.train) | rows_of(found.validation) | rows_of(found.test) == {
        tuple(image.reshape(-1)) for image in pixels
    }


def test_an_input_of_another_shape_is_told_with_the_right_ones(tmp_path):
    pixels = RANDOM.integers(0, 256, (50, 6, 9, 3)).astype(np.uint8)
    np.savez(tmp_path / "images.npz", images=pixels, labels=np.arange(50) % 10)
    (tmp_path / "work.yaml").write_text(WORK.format(input=[3, 9, 6]))
    with pytest.raises(InputError) as caught:
        load_workload(tmp_path / "work.yaml")
    path = tmp_path / "images.npz"
    assert str(caught.value).startswith(
        f"{tmp_path / 'work.yaml'}:5:10: network.input must be [6, 9, 3] or [3, 6, 9], the shape of the images of "
        f"{path}, not [3, 9, 6]"
    )
