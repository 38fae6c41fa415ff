"""Files appear whole or not at all."""

import pytest

from rcnnzoo.writing import atomic_write, file_name


@pytest.mark.parametrize(
    "name", ["/etc/x", "../../x", "..", ".", "", "a\\b", "a\0b", "a\nb", ".hidden", "timm/resnet18"]
)
def test_a_name_from_anywhere_stays_in_its_folder(name, tmp_path):
    (tmp_path / file_name(name)).touch()
    (found,) = tmp_path.iterdir()
    assert not found.name.startswith(".")
    assert found.name.isprintable()


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    file = tmp_path / "curve.csv"
    file.write_text("old")
    with pytest.raises(RuntimeError), atomic_write(file) as temporary:
        temporary.write_text("half of the n")
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["curve.csv"]
    assert file.read_text() == "old"
