"""A finished run."""

import pytest

from tests.training.runs import run


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return run(tmp_path_factory.mktemp("runs") / "one")
