"""Without extras: families are listed as not installed, with the cure, and nothing breaks."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

EXTRAS = {"torch": "neural", "pgmpy": "graphical", "mklaren": "kernels", "xgboost": "boosting"}
BLOCKER = """
import importlib.util, sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name.split(".")[0] in {blocked!r} else real(name, package)
sys.meta_path.insert(0, Blocker())
from fusebench.benchmarks.cli import main
main(sys.argv[1:])
"""


def fusebench(*arguments):
    """Run the command line as if no extra were installed; in the tox environment `core` none is."""
    code = BLOCKER.format(blocked=set(EXTRAS))
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.skipif("FUSEBENCH_CORE_ONLY" not in os.environ, reason="only in the tox environment without extras")
def test_the_core_environment_has_no_extra():
    assert [name for name in EXTRAS if find_spec(name) is not None] == []


def test_families_without_their_packages_are_listed_with_the_cure():
    run = fusebench("list", "methods", "--json")
    assert run.returncode == 0, run.stderr
    methods = {record["name"]: record for record in json.loads(run.stdout)}
    assert not [name for name, record in methods.items() if record.get("broken")]
    missing = {record["missing"][0]: record for record in methods.values() if record["missing"]}
    assert set(missing) == set(EXTRAS)
    for package, record in missing.items():
        assert record["cure"] == f'pip install "fusebench[{EXTRAS[package]}]"'
    assert {"prior", "best-single", "concat-logistic", "concat-svm"} <= {
        name for name, record in methods.items() if record["installed"]
    }


@pytest.mark.parametrize(
    "arguments", [["show", "method", "neural-concat"], ["show", "task", "xor"], ["list", "suites"]]
)
def test_other_commands_work_without_extras(arguments):
    run = fusebench(*arguments)
    assert run.returncode == 0, run.stderr


def test_checking_a_method_that_is_not_installed_says_what_to_install():
    run = fusebench("check", "neural-concat")
    assert run.returncode == 2
    assert 'pip install "fusebench[neural]"' in run.stderr
    assert "Traceback" not in run.stderr


def test_core_methods_pass_their_checks():
    run = fusebench("check", "concat-logistic", "--quick")
    assert run.returncode == 0, run.stdout + run.stderr
