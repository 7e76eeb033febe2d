"""For all tests: what runs when, and that nothing is passed over where it counts."""

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.long_result import SIZES, Result, sizes

pytest_plugins = ("tests.postgres_server",)

# What takes longest goes first, so that nobody waits for it at the end.
FIRST = ("tests/setup/", "tests/flows/composed/", "tests/browser/", "tests/faults/", "tests/flows/house/")
# These measure time: they run while nothing else does.
ALONE = ("tests/faults/feed/",)
# One world or one browser for all files of these: they stay in one process, as do the tests of any other file.
TOGETHER = ("tests/flows/composed/", "tests/browser/")
# The other limit, of a minute or two, is for tests that should take a second.
LONG_S = 3_600


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="Run the large sizes too.")
    parser.addoption("--result", type=Path, help="Add what the run came to, with its large sizes, to this file.")


def pytest_configure(config: pytest.Config) -> None:
    path = config.getoption("--result")
    if path is not None:
        config.pluginmanager.register(Result(path), "result")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(ALONE):
            item.add_marker(pytest.mark.serial)
        if item.get_closest_marker("long"):
            _prepare_long(item)
    items.sort(key=_turn)
    if not config.getoption("--long"):
        long = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


def _turn(item: pytest.Item) -> int:
    """The place of its directory among those that go first; everything else follows."""
    found = (turn for turn, place in enumerate(FIRST) if item.nodeid.startswith(place))
    return next(found, len(FIRST))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Which tests go to one process together, where several share the work."""
    from xdist.scheduler import LoadScopeScheduling

    class ByWorld(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return next((place for place in TOGETHER if file.startswith(place)), file)

    return ByWorld(config, log)


def _prepare_long(item: pytest.Item) -> None:
    item.user_properties.append((SIZES, sizes(item)))
    if not item.get_closest_marker("timeout"):
        item.add_marker(pytest.mark.timeout(LONG_S))


def _counts() -> bool:
    return os.environ.get("CI") == "true"


def _fail(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"Nothing is skipped here: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skipped test has failed: a green run must mean that everything ran."""
    report = yield
    if report.skipped and _counts():
        _fail(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole file that skips itself while it is imported."""
    report = yield
    if report.outcome == "skipped" and _counts():
        _fail(report)
    return report
