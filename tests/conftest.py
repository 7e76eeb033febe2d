"""For all tests: what runs when, and that nothing is passed over where it counts."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.long_result import SIZES, Result, sizes

pytest_plugins = ("tests.postgres_server",)

# The slowest single test goes first, so that nobody waits for it at the end.
FIRST = "tests/setup/"
# These measure time, load the machine or drive a browser: they run while nothing else does.
ALONE = ("tests/faults/", "tests/browser/")
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
    items.sort(key=lambda item: not item.nodeid.startswith(FIRST))
    if not config.getoption("--long"):
        long = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


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
