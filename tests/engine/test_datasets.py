"""The data: real images, split in proportion, scaled by what the training part alone tells."""

import numpy as np
import pytest

from pcsim import cache
from pcsim.config import DataSettings
from pcsim.engine.datasets import load_dataset, stratified_order


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """An empty cache folder."""
    monkeypatch.setenv("PCSIM_CACHE", str(tmp_path))
    return tmp_path


def data(dataset="digits", *, train=1200, validation=297, test=300, normalise=False):
    return DataSettings(
        dataset=dataset, train=train, validation=validation, test=test, normalise=normalise
    )


def test_digits_are_those_of_scikit_learn_each_in_one_part(folder):
    from sklearn.datasets import load_digits

    split = load_dataset(data(), classes=10)
    parts = (split.train, split.validation, split.test)
    assert [part.x.shape for part in parts] == [(1200, 64), (297, 64), (300, 64)]
    ours = np.concatenate([np.c_[part.x * 16, part.y.argmax(axis=1)] for part in parts])
    pixels, labels = load_digits(return_X_y=True)
    theirs = np.c_[pixels, labels]
    np.testing.assert_array_equal(ours[np.lexsort(ours.T)], theirs[np.lexsort(theirs.T)])


def test_mnist5k_has_every_digit_in_exact_proportion(folder):
    split = load_dataset(data("mnist5k", train=3500, validation=500, test=1000), classes=10)
    assert split.train.x.shape == (3500, 784)
    assert split.train.x.min() == 0.0
    assert split.train.x.max() == 1.0
    for part, each in ((split.train, 350), (split.validation, 50), (split.test, 100)):
        assert part.y.sum(axis=0).tolist() == [each] * 10
        assert np.all(part.y.sum(axis=1) == 1)


def test_normalised_training_pixels_have_mean_0_and_deviation_1(folder):
    plain, scaled = load_dataset(data(), classes=10), load_dataset(data(normalise=True), classes=10)
    np.testing.assert_allclose(scaled.train.x.mean(), 0, atol=1e-12)
    np.testing.assert_allclose(scaled.train.x.std(), 1, rtol=1e-12)
    mean, deviation = plain.train.x.mean(), plain.train.x.std()
    np.testing.assert_allclose(scaled.test.x, (plain.test.x - mean) / deviation, atol=1e-12)


def test_any_stretch_of_the_order_holds_classes_in_proportion():
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    order = stratified_order(labels)
    assert sorted(order.tolist()) == list(range(100))
    for begin, end in ((0, 40), (40, 75), (75, 100), (13, 14)):
        counts = np.bincount(labels[order[begin:end]], minlength=3)
        assert np.all(np.abs(counts - (end - begin) * np.array([0.5, 0.3, 0.2])) <= 1)


def test_a_parsed_copy_is_kept_and_read(folder):
    first = load_dataset(data(), classes=10)
    (kept,) = (folder / "datasets").iterdir()
    before = kept.stat().st_mtime_ns
    np.testing.assert_array_equal(load_dataset(data(), classes=10).train.x, first.train.x)
    assert kept.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 cut off", b"no archive"], ids=["empty", "cut", "other"]
)
def test_a_damaged_copy_is_replaced(folder, content):
    first = load_dataset(data(), classes=10)
    (kept,) = (folder / "datasets").iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(content)
    np.testing.assert_array_equal(load_dataset(data(), classes=10).train.x, first.train.x)
    assert len(kept.read_bytes()) == len(whole)


def test_data_load_where_nothing_can_be_kept(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("PCSIM_CACHE", str(blocked))
    assert load_dataset(data(), classes=10).train.x.shape == (1200, 64)
    assert (
        cache.why_nothing_is_kept() == f"the cache folder {blocked} cannot be written: File exists"
    )
