"""The commands that list, show and validate."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest
from click.testing import CliRunner

from fusebench.benchmarks.cli import group, main
from fusebench.benchmarks.commands._task_picture import few_rows, middle_slices
from fusebench.datasets import Modality, Samples, Task, TaskCard
from fusebench.datasets.errors import DataError, UnknownNameError
from fusebench.datasets.registry import task_registry
from fusebench.methods import registry as methods_registry
from fusebench.methods.registry import method_registry


@pytest.fixture(autouse=True)
def fresh_registries():
    """Plugins that a test adds are gone afterwards."""
    yield
    method_registry.cache_clear()
    task_registry.cache_clear()


def call(*arguments):
    result = CliRunner().invoke(group, list(map(str, arguments)))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def records(*arguments):
    result = call(*arguments, "--json")
    assert result.exit_code == 0
    return json.loads(result.output)


def test_methods_have_name_title_family_and_fusion():
    by_name = {r["name"]: r for r in records("list", "methods")}
    assert set(by_name) == set(method_registry().names())
    assert by_name["prior"]["family"] == "baseline"
    assert by_name["prior"]["installed"] is True
    shown = call("list", "methods").output
    for name, record in by_name.items():
        assert name in shown
        assert record["title"] in shown


def test_a_method_whose_packages_are_missing_is_listed_with_its_cure(tmp_path):
    plugin = tmp_path / "quantum.py"
    plugin.write_text(
        "class A:\n"
        "    card = MethodCard(name='quantum', family='other', fusion='early', requires=('no_such_package',))\n"
    )
    (record,) = [r for r in records("list", "methods", "--plugin", plugin) if r["name"] == "quantum"]
    assert (record["installed"], record["missing"]) == (False, ["no_such_package"])
    assert record["cure"] == "pip install no_such_package"
    assert "needs no_such_package: pip install no_such_package" in call("list", "methods", "--plugin", plugin).output


def test_families_are_listed_as_not_installed_when_their_packages_are_missing(monkeypatch):
    real = methods_registry.importlib.util.find_spec
    monkeypatch.setattr(
        methods_registry.importlib.util, "find_spec", lambda name: None if name == "torch" else real(name)
    )
    listed = {r["name"]: r for r in records("list", "methods")}
    neural = [r for r in listed.values() if r["family"] == "neural"]
    assert neural
    assert all(r["missing"] == ["torch"] and "fusebench[neural]" in r["cure"] for r in neural)
    assert listed["prior"]["installed"]
    shown = records("show", "method", neural[0]["name"])
    assert shown["missing"] == ["torch"]
    assert shown["settings"] == {}


def test_a_broken_plugin_is_listed_with_its_reason(tmp_path):
    plugin = tmp_path / "crooked.py"
    plugin.write_text("class A:\n    card = MethodCard(name=compute(), family='other', fusion='early')\n")
    (record,) = [r for r in records("list", "methods", "--plugin", plugin) if r["name"] == "crooked"]
    assert "compute cannot be used in a card" in record["broken"]
    assert "✗ crooked" in call("list", "methods", "--plugin", plugin).output


@pytest.mark.parametrize("what", ["tasks", "suites", "metrics"])
def test_other_lists(what):
    listed = records("list", what)
    assert listed
    shown = call("list", what).output
    for record in listed:
        assert record["name"] in shown
        assert record["title"]


def test_suites_say_what_they_run():
    (smoke,) = [r for r in records("list", "suites") if r["name"] == "smoke"]
    assert smoke["tasks"]
    assert smoke["description"]


def test_metrics_are_those_of_the_reports():
    from fusebench.reports.metrics.cards import METRIC_CARDS

    assert [r["name"] for r in records("list", "metrics")] == [card.key for card in METRIC_CARDS]


def test_plugins_are_only_for_methods_and_tasks(tmp_path):
    assert call("list", "suites", "--plugin", tmp_path / "x.py").exit_code == 2


@pytest.mark.parametrize("what", ["methods", "tasks", "suites", "metrics"])
def test_listing_imports_nothing_heavy(what):
    code = (
        "import sys; from fusebench.benchmarks.cli import group\n"
        f"group.main(['list', {what!r}], standalone_mode=False)\n"
        "print('HEAVY', sorted({'torch', 'sklearn', 'pandas', 'numpy', 'scipy', 'matplotlib'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "HEAVY []"


def test_listing_methods_takes_less_than_a_second():
    def seconds():
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "fusebench.benchmarks", "list", "methods"], capture_output=True, check=True
        )
        return time.perf_counter() - start

    assert min(seconds() for _ in range(3)) < 1.0


def test_show_method_gives_card_settings_and_search_space():
    record = records("show", "method", "concat-svm")
    assert record["family"] == "baseline"
    assert record["search_space"].keys() <= record["settings"].keys()
    shown = call("show", "method", "concat-svm").output
    for key in record["settings"]:
        assert key in shown
    assert record["summary"].split()[0] in shown


@pytest.mark.parametrize("name", method_registry().names())
def test_every_method_can_be_shown(name):
    assert records("show", "method", name)["name"] == name


def test_show_task_tells_what_was_understood():
    record = records("show", "task", "breast-cancer")
    assert record["n"] == 569
    assert record["class_counts"] == [357, 212]
    assert [m["width"] for m in record["modalities"]] == [10, 10, 10]
    shown = call("show", "task", "breast-cancer").output
    assert "benign (357), malignant (212)" in shown
    assert "10 columns" in shown


def test_unknown_names_are_one_line_with_a_suggestion(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["show", "method", "concat-smv"])
    assert stop.value.code == 2
    told = capsys.readouterr().err
    assert "concat-svm" in told
    assert "Traceback" not in told


@pytest.fixture
def own(tmp_path):
    rows = "\n".join(f"{i},{'ill' if i % 3 == 0 else 'well'},{i * 0.5},{i % 7}" for i in range(60))
    (tmp_path / "rows.csv").write_text(f"id,label,age,dose\n{rows}\n")
    toml = tmp_path / "mine.toml"
    toml.write_text('file = "rows.csv"\nid = "id"\nlabel = "label"\n[modalities]\nperson = ["age"]\ndrug = ["dose"]\n')
    return toml


def test_validate_tells_what_was_understood(own):
    result = call("validate", own)
    assert result.exit_code == 0
    assert "ill (20), well (40)" in result.output
    assert "1 column" in result.output
    assert "can be used" in result.output
    record = records("validate", own)
    assert record["valid"] is True
    assert [m["name"] for m in record["modalities"]] == ["person", "drug"]


def test_validate_finds_data_in_another_folder(own, tmp_path):
    (tmp_path / "desk").mkdir()
    moved = own.rename(tmp_path / "desk" / "mine.toml")
    with pytest.raises(DataError, match=r"rows\.csv"):
        call("validate", moved)
    assert call("validate", moved, "--data", tmp_path).exit_code == 0


def test_validate_fails_with_a_sentence(own):
    own.write_text(own.read_text().replace('"dose"', '"doze"'))
    with pytest.raises(DataError, match="doze"):
        call("validate", own)
    result = call("validate", own, "--json")
    assert result.exit_code == 2
    assert "doze" in json.loads(result.output)["error"]


def test_validate_draws_a_few_subjects(own, tmp_path):
    with pytest.raises(DataError, match="tables and texts only"):
        call("validate", own, "--picture", tmp_path / "few.png")
    rng = np.random.default_rng(0)
    arrays = {"image": (3, 8, 8), "volume": (4, 6, 5), "signal": (2, 30), "connectivity": (4, 4), "roi": (4, 2)}
    np.savez(tmp_path / "more.npz", **{kind: rng.normal(size=(60, *shape)) for kind, shape in arrays.items()})
    own.write_text(
        own.read_text()
        + "".join(f'{k} = {{file = "more.npz", kind = "{k}", id = false, label = false}}\n' for k in arrays)
    )
    result = call("validate", own, "--picture", tmp_path / "few.png")
    assert result.exit_code == 0
    assert (tmp_path / "few.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(DataError, match=r"end in \.png"):
        call("validate", own, "--picture", tmp_path / "few.jpg")


def test_middle_slices_stand_beside_each_other_with_the_last_side_up():
    volume = np.zeros((3, 5, 4))
    volume[1, 2, 3] = 1.0  # in the middle of the first two sides, at the upper end of the last
    slices = middle_slices(volume)
    assert slices.shape == (5, 5 + 3 + 3)  # sides 5 x 4, 3 x 4 and 3 x 5 as (height, width), the lower ones padded
    assert np.argwhere(slices == 1.0).tolist() == [[0, 2], [0, 6]]
    assert np.isnan(slices[4, :8]).all()


def test_the_few_are_of_every_class_and_have_most_modalities():
    there = np.array([False, True, True, True, True, False, True, True])
    samples = Samples([Modality("a", "table", np.arange(8.0)[:, None], present=there)])
    task = Task(samples, np.array([0, 0, 0, 0, 1, 1, 1, 1]), ("x", "y"), TaskCard("t", "T"))
    assert few_rows(task).tolist() == [1, 2, 3, 4, 6, 7]


@pytest.mark.parametrize(
    "command",
    [["list"], ["show"], ["show", "method"], ["show", "task"], ["check"], ["new"], ["new", "method"], ["validate"]],
    ids=" ".join,
)
def test_help_has_examples(command):
    result = call(*command, "--help")
    assert result.exit_code == 0
    assert "Examples:" in result.output
    assert "fusebench " + command[0] in result.output


def test_validate_takes_a_task_by_its_name():
    assert "m1" in call("validate", "add").output
    with pytest.raises(UnknownNameError, match="did you mean"):
        call("validate", "windw")
