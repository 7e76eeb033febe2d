"""What the decision asked of an answer, kept until the call comes by. Each entry is taken once."""

from collections import OrderedDict
from collections.abc import Callable

from grantline.model.decision import FieldFilter
from grantline.model.errors import GrantlineError
from grantline.model.ids import EvaluationId


class PendingFull(GrantlineError):
    """Too many permitted calls have not come by yet; the call must be denied."""


class Pending:
    """Filters by evaluation id, in one process. `now` gives unix time in seconds, as `exp` of the context counts."""

    def __init__(self, now: Callable[[], float], *, most: int = 4_096) -> None:
        self._now = now
        self._most = most
        self._kept: OrderedDict[EvaluationId, tuple[FieldFilter, float]] = OrderedDict()

    def put(self, evaluation: EvaluationId, obligation: FieldFilter, context_exp: float) -> None:
        """Keep the filter until the signed context of its call ends; raises `PendingFull` when there is no room."""
        if len(self._kept) >= self._most:
            self._drop_ended()
        if len(self._kept) >= self._most:
            raise PendingFull("Too many calls are on their way.", detail=f"{self._most} filters are pending")
        self._kept[evaluation] = (obligation, context_exp)

    def take(self, evaluation: EvaluationId) -> FieldFilter | None:
        """The filter, once; None if it is unknown, was taken before or its context has ended."""
        obligation, ends = self._kept.pop(evaluation, (None, 0.0))
        return obligation if ends > self._now() else None

    def _drop_ended(self) -> None:
        now = self._now()
        for evaluation in [known for known, (_, ends) in self._kept.items() if ends <= now]:
            del self._kept[evaluation]
