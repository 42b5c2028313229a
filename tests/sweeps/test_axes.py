"""Axes: lists, ranges, axes that go together or depend on others, from options and files; every mistake in them."""

# ruff: noqa: E501 - messages stand here as they are shown.

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcsim.errors import InputError
from pcsim.sweeps import (
    Axis,
    AxisGroup,
    Condition,
    grid,
    parse_axis,
    parse_groups,
    points_of,
    read_plan,
)
from pcsim.sweeps.ranges import range_values


def test_an_axis_is_a_path_and_yaml_values():
    assert parse_axis("pc.steps=1,3, 10") == Axis("pc.steps", ("1", "3", "10"))
    assert parse_axis("noc.link=8 B/cycle,32 B/cycle").values == ("8 B/cycle", "32 B/cycle")
    lists = parse_axis("network.layers=[64, 32, 10],[64,10]")
    assert lists.values == ("[64, 32, 10]", "[64, 10]")
    assert parse_axis("pc.steps=1, 8..32 x2, 100").values == ("1", "8", "16", "32", "100")


@pytest.mark.parametrize("text", ["pc.steps", "pc.steps=", "=3", ""])
def test_an_axis_without_path_or_values_is_refused(text):
    with pytest.raises(InputError) as caught:
        parse_axis(text)
    assert str(caught.value) == (
        f"--axis must be path=value,value,..., not {text!r}\n"
        "    for example --axis tiles.vector.lanes=8,16,32"
    )


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1..5", [1, 2, 3, 4, 5]),
        ("1..64 x2", [1, 2, 4, 8, 16, 32, 64]),
        ("3..50 x3", [3, 9, 27]),
        ("0.1..0.5 +0.1", [0.1, 0.2, 0.3, 0.4, 0.5]),
        ("1e-4..1e-1 x10", [1e-4, 1e-3, 1e-2, 1e-1]),
        ("8..32 x2 KiB", ["8 KiB", "16 KiB", "32 KiB"]),
        ("1..3 B/cycle", ["1 B/cycle", "2 B/cycle", "3 B/cycle"]),
        ("0..10 +5", [0, 5, 10]),
        ("7..7", [7]),
    ],
)
def test_a_range_is_exact_and_ends_where_it_says(text, values):
    assert range_values(text) == values


@given(st.integers(0, 50), st.integers(0, 200), st.integers(1, 9))
def test_a_range_with_a_step_is_that_of_python(low, length, step):
    assert range_values(f"{low}..{low + length} +{step}") == [*range(low, low + length + 1, step)]


@pytest.mark.parametrize(
    ("text", "constraint"),
    [
        ("5..1", "a range whose first number is not above its last"),
        ("0.1..0.5", "a range of whole numbers, or one that says its step"),
        ("1..9 x1", "a range whose step leads on"),
        ("0..9 x2", "a range whose step leads on"),
        ("1..9 +0", "a range whose step leads on"),
        ("1..99999", "a range of at most 10,000 values"),
        ("1..two", "a range LOW..HIGH, LOW..HIGH +STEP or LOW..HIGH xFACTOR"),
    ],
)
def test_a_range_that_leads_nowhere_is_refused(text, constraint):
    with pytest.raises(InputError) as caught:
        parse_axis(f"pc.steps={text}")
    assert (
        str(caught.value).splitlines()[0] == f"--axis pc.steps must be {constraint}, not {text!r}"
    )


def axis(path, values):
    return Axis(path, tuple(values))


def test_the_last_axis_of_a_grid_varies_fastest():
    points = list(grid([AxisGroup((axis("a", "12"),)), AxisGroup((axis("b", "xyz"),))]))
    assert points == [{"a": a, "b": b} for a in "12" for b in "xyz"]


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_a_grid_is_the_cartesian_product(lengths):
    axes = [axis(str(number), map(str, range(length))) for number, length in enumerate(lengths)]
    points = [tuple(point.values()) for point in grid([AxisGroup((one,)) for one in axes])]
    assert points == list(product(*(one.values for one in axes)))


def test_axes_go_together_and_are_taken_where_their_condition_holds():
    groups = parse_groups(["a=1,2", "b=x,y", "c=7,8"], zips=["b,a"], conditions=["c if a=2"])
    assert groups == (
        AxisGroup((axis("a", "12"), axis("b", "xy"))),
        AxisGroup((axis("c", "78"),), (Condition("a", ("2",)),)),
    )
    assert list(grid(groups)) == [
        {"a": "1", "b": "x"},
        {"a": "2", "b": "y", "c": "7"},
        {"a": "2", "b": "y", "c": "8"},
    ]


def test_what_depends_on_an_axis_that_is_not_taken_is_not_taken():
    groups = (
        AxisGroup((axis("a", "12"),)),
        AxisGroup((axis("b", "xy"),), (Condition("a", ("2",)),)),
        AxisGroup((axis("c", "7"),), (Condition("b", ("y",)),)),
    )
    assert list(grid(groups)) == [{"a": "1"}, {"a": "2", "b": "x"}, {"a": "2", "b": "y", "c": "7"}]


def test_every_mistake_in_options_is_told_at_once():
    with pytest.raises(InputError) as caught:
        parse_groups(
            ["a=1", "a=2", "b"],
            zips=["a", "a,z"],
            conditions=["a b=1", "y if a=1"],
        )
    assert (
        str(caught.value)
        == """\
a must be the path of one axis, not of two
--axis must be path=value,value,..., not 'b'
    for example --axis tiles.vector.lanes=8,16,32
--zip must be the paths of two or more axes, not 'a'
    for example --zip tiles.compute.rows,tiles.compute.cols
--zip must name the path of an --axis, not 'z'
    axes: a
--when must be 'path if path=value,...', not 'a b=1'
    for example --when 'pc.momentum if pc.descent=momentum'
--when must name the path of an --axis, not 'y'
    axes: a"""
    )


FILE = """\
schema: pcsim/sweep/1
name: sizes
hardware: tile64
workload: digits
timing_only: true
set:
  training.epochs: 1
axes:
  - pc.steps: 1..4 x2
  - tiles.compute.rows: [8, 16]
    tiles.compute.cols: [8, 16]
  - tiles.sram.size: [192 KiB, unlimited]
  - tiles.sram.priced_as: [64 KiB, 192 KiB]
    when: {tiles.sram.size: unlimited}
"""


def written(folder, text):
    path = folder / "sweep.yaml"
    path.write_text(text)
    return path


def test_a_file_says_what_options_say(tmp_path):
    name, plan = read_plan(written(tmp_path, FILE))
    assert name == "sizes"
    assert (plan.hardware, plan.workload, plan.timing_only) == ("tile64", "digits", True)
    assert [setting.text for setting in plan.settings] == ["training.epochs=1"]
    assert plan.groups == parse_groups(
        [
            "pc.steps=1..4 x2",
            "tiles.compute.rows=8,16",
            "tiles.compute.cols=8,16",
            "tiles.sram.size=192 KiB,unlimited",
            "tiles.sram.priced_as=64 KiB,192 KiB",
        ],
        zips=["tiles.compute.rows,tiles.compute.cols"],
        conditions=["tiles.sram.priced_as if tiles.sram.size=unlimited"],
    )
    points = points_of(plan)
    assert len(points) == 3 * 2 * (1 + 2)
    assert len({point.key for point in points}) == len(points)


def test_files_beside_a_sweep_file_are_found_from_anywhere(tmp_path):
    (tmp_path / "chip.yaml").write_text(
        "schema: pcsim/hardware/1\nname: chip\nextends: tile64\ntiles: {mesh: [4, 4]}\n"
    )
    text = FILE.replace("hardware: tile64", "hardware: chip.yaml")
    _, plan = read_plan(written(tmp_path, text))
    assert Path(plan.hardware) == tmp_path / "chip.yaml"
    assert points_of(plan)[0].hardware.tiles.mesh == (4, 4)


BAD_FILES = {
    "what is no axis": (
        {
            "name: sizes\n": "name: sizes\ncolour: red\n",
            "rows: [8, 16]": "rows: []",
            "1..4 x2": "{a: 1}",
            "when: {tiles.sram.size: unlimited}": "when: unlimited",
            "training.epochs: 1": "trainin.epochs: 1",
        },
        """\
sweep.yaml:3:1: colour must be a known key, not 'colour'
    colour: red
    ^
    known keys: schema, name, hardware, workload, rule, seed, timing_only, set, axes
sweep.yaml:8:3: a path must begin with a key of the hardware or workload file, not 'trainin.epochs'
      trainin.epochs: 1
      ^
    did you mean 'training.epochs'?
sweep.yaml:10:15: axes[0].pc.steps must be a list of values or a range, not a mapping
      - pc.steps: {a: 1}
                  ^
    such as [1, 3, 10] or 1..64 x2
sweep.yaml:11:25: axes[1].tiles.compute.rows must be a list of values or a range, not []
      - tiles.compute.rows: []
                            ^
    such as [1, 3, 10] or 1..64 x2
sweep.yaml:15:11: axes[3].when must be a mapping of earlier axes to values, not 'unlimited'
        when: unlimited
              ^
    such as when: {pc.descent: momentum}""",
    ),
    "axes that do not suit one another": (
        {
            "cols: [8, 16]": "cols: [8, 16, 16]",
            "{tiles.sram.size: unlimited}": "{tiles.sram.size: 1 KiB, pc.step: 1}",
        },
        """\
sweep.yaml:11:26: tiles.compute.cols must have as many values as tiles.compute.rows, which it goes together with: 2, not 3
        tiles.compute.cols: [8, 16, 16]
                             ^
sweep.yaml:11:33: tiles.compute.cols must have different values, not 16 again
        tiles.compute.cols: [8, 16, 16]
                                    ^
sweep.yaml:14:12: the condition of tiles.sram.priced_as must be a value of tiles.sram.size, not 1 KiB
        when: {tiles.sram.size: 1 KiB, pc.step: 1}
               ^
    its values: 192 KiB, unlimited
sweep.yaml:14:36: the condition of tiles.sram.priced_as must name an earlier axis, not 'pc.step'
        when: {tiles.sram.size: 1 KiB, pc.step: 1}
                                       ^
    axes before it: pc.steps, tiles.compute.rows, tiles.compute.cols, tiles.sram.size""",
    ),
    "values that do not suit their paths": (
        {"[192 KiB, unlimited]": "[192 KiB, unlimited, 3 m]", "1..4 x2": "[1, 2.5]", "epochs: 1": "epochs: 0"},
        """\
sweep.yaml:7:20: training.epochs must be a whole number between 1 and 100000, not 0
      training.epochs: 0
                       ^
sweep.yaml:12:43: tiles.sram.size must be a size such as '64 KiB', not '3 m'
      - tiles.sram.size: [192 KiB, unlimited, 3 m]
                                              ^
    units are B, kB, KiB, MB, MiB, GB, GiB, TB, TiB
sweep.yaml:9:19: pc.steps must be a whole number between 1 and 100000, not 2.5
      - pc.steps: [1, 2.5]
                      ^""",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_FILES)
def test_every_mistake_in_a_file_is_told_at_its_place(name, tmp_path, monkeypatch):
    changes, said = BAD_FILES[name]
    text = FILE
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new, 1)
    written(tmp_path, text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        points_of(read_plan(Path("sweep.yaml"))[1])
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ("256,512 KiB", ("256 KiB", "512 KiB")),
        (
            "1,2,8..32 x2 KiB,unlimited",
            ("1 KiB", "2 KiB", "8 KiB", "16 KiB", "32 KiB", "unlimited"),
        ),
        ("64,128 KiB,1,2 MiB", ("64 KiB", "128 KiB", "1 MiB", "2 MiB")),
        ("0.5, 1.5 MiB", ("0.5 MiB", "1.5 MiB")),
        ("256 KiB,512", ("256 KiB", "512")),
        ("1,2,3", ("1", "2", "3")),
        ("fp32,q4.12", ("fp32", "q4.12")),
    ],
)
def test_numbers_take_the_unit_of_the_next_value_that_has_one(tmp_path, values, texts):
    assert parse_axis(f"tiles.sram.size={values}").values == texts
    path = tmp_path / "s.yaml"
    path.write_text(
        "schema: pcsim/sweep/1\nname: s\nhardware: tile64\nworkload: digits\n"
        f"axes:\n  - tiles.sram.size: [{values}]\n"
    )
    (group,) = read_plan(path)[1].groups
    assert group.axes[0].values == texts
