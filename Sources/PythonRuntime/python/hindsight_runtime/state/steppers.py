"""A kind for SciPy's Runge-Kutta integrators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .classify import qualified_names, rule
from .instances import InstanceKind
from .kinds import Children, Kind

if TYPE_CHECKING:
    from .walk import Walk


class StepperKind(InstanceKind):
    """Its table of stages is memory without contents until the first step, and is cleared here.

    Otherwise what lay there before would tell a replay from its recording.
    """

    def visit(self, o: Any, walk: Walk) -> Children:
        stages = getattr(o, "K", None)
        if o.t_old is None and stages is not None and getattr(stages, "flags", None) is not None:
            stages.fill(0)
        return super().visit(o, walk)


@rule
def _by_name(cls: type) -> Kind | None:
    return StepperKind(cls) if "scipy.integrate._ivp.rk.RungeKutta" in qualified_names(cls) else None
