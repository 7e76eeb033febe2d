"""One log line a thing worth knowing, as JSON. Secrets never come here: callers log ids, codes and reasons."""

import logging
import sys
from pathlib import Path

import structlog


def set_up_log(data: Path, process: str) -> None:
    """Send everything to standard error and to `log/<process>.log` in the data directory."""
    place = data / "log"
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    handlers: list[logging.Handler] = [logging.FileHandler(place / f"{process}.log"), logging.StreamHandler(sys.stderr)]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()],
        foreign_pre_chain=shared,
    )
    for handler in handlers:
        handler.setFormatter(formatter)
    handlers[1].setLevel(logging.ERROR)
    logging.basicConfig(handlers=handlers, level=logging.INFO, force=True)
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    logging.getLogger("websockets").setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
